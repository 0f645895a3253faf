//! From the text of an app file to its tree.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::arguments::Word;
use super::error::{Fault, Mistake};
use super::section::{Read, Section, integer, wrong_type};
use super::tree::{AppBody, AppChild, AppSupervisor};
use crate::supervisor::spec::{MAX_DEPTH, MAX_MS, MAX_RESTARTS, Restart, Shutdown, Spec, Strategy};
use iridium_vm::Limits;

/// The longest file in bytes.
const MAX_TEXT: usize = 1 << 24;
/// The most children, those of all supervisors together.
const MAX_CHILDREN: usize = 10_000;
/// The most arguments: one for each register.
const MAX_ARGUMENTS: usize = 256;
/// What a child gets to end by itself, in ms.
const SHUTDOWN_MS: u64 = 5_000;

const STRATEGIES: [(&str, Strategy); 3] = [
    ("one-for-one", Strategy::OneForOne),
    ("one-for-all", Strategy::OneForAll),
    ("rest-for-one", Strategy::RestForOne),
];
const RESTARTS: [(&str, Restart); 3] = [
    ("permanent", Restart::Permanent),
    ("transient", Restart::Transient),
    ("temporary", Restart::Temporary),
];

const APP_KEYS: &[&str] = &["name", "allow", "strategy", "restarts", "seconds", "child"];
const SUPERVISOR_KEYS: [&str; 3] = ["strategy", "restarts", "seconds"];
const PROGRAM_KEYS: [&str; 3] = ["module", "entry", "arguments"];
/// The keys of a child. The tests know them from here, and compare with the manual.
pub(super) const CHILD_KEYS: &[&str] = &[
    "name",
    "register",
    "restart",
    "shutdown_ms",
    "module",
    "entry",
    "arguments",
    "heap_limit",
    "stack_limit",
    "call_depth_limit",
    "register_limit",
    "message_limit",
    "message_bytes_limit",
    "fuel_limit",
    "strategy",
    "restarts",
    "seconds",
    "child",
];

/// A limit: its key, its field, and its range.
type Limit = (&'static str, fn(&mut Limits) -> &mut u64, RangeInclusive<u64>);

const LIMITS: [Limit; 7] = [
    ("heap_limit", |limits| &mut limits.heap, 0..=1 << 32),
    ("stack_limit", |limits| &mut limits.stack, 0..=(1 << 31) - 1),
    ("call_depth_limit", |limits| &mut limits.call_depth, 0..=(1 << 31) - 1),
    ("register_limit", |limits| &mut limits.registers, 0..=(1 << 31) - 1),
    ("message_limit", |limits| &mut limits.messages, 1..=(1 << 31) - 1),
    ("message_bytes_limit", |limits| &mut limits.message_bytes, 1..=1 << 40),
    ("fuel_limit", |limits| &mut limits.fuel, 1..=i64::MAX as u64),
];

/// What an app file says.
pub(super) struct Contents {
    pub(super) name: Option<String>,
    /// What is to be allowed, each with its position.
    pub(super) grants: Vec<(String, usize)>,
    pub(super) top: AppSupervisor,
}

/// What an app file says.
pub(super) fn read(text: &str) -> Read<Contents> {
    if text.len() > MAX_TEXT {
        return Err(Fault { at: 0, mistake: Mistake::TooLong { most: MAX_TEXT } });
    }
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(text.len(), |span| span.start);
        Fault { at, mistake: Mistake::Syntax(error.message().replace('\n', ", ")) }
    })?;
    let app = Section::new(table.get_ref(), 0, "in the app", APP_KEYS)?;
    let name = app.name("name")?.map(|(name, _)| name.to_owned());
    let (grants, top) = (grants(&app)?, Reader::default().supervisor(&app, 1)?);
    Ok(Contents { name, grants, top })
}

fn grants(app: &Section<'_, '_>) -> Read<Vec<(String, usize)>> {
    let wanted = "a list of strings such as \"fs.read=./data\"";
    let Some(value) = app.value("allow") else { return Ok(Vec::new()) };
    let DeValue::Array(list) = value.get_ref() else {
        return Err(wrong_type("allow", wanted, value));
    };
    let grant = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::String(grant) => Ok((grant.clone().into_owned(), value.span().start)),
        _ => Err(wrong_type("allow", wanted, value)),
    };
    list.iter().map(grant).collect()
}

/// What must be unique or bounded in the whole file.
#[derive(Default)]
struct Reader {
    children: usize,
    /// The positions of the children that names are registered for.
    registered: HashMap<String, usize>,
}

impl Reader {
    fn supervisor(&mut self, section: &Section<'_, '_>, depth: usize) -> Read<AppSupervisor> {
        if depth > MAX_DEPTH {
            let mistake = Mistake::TooDeep { most: MAX_DEPTH };
            return Err(Fault { at: section.at, mistake });
        }
        let default = Spec::default();
        let strategy = section.word("strategy", &STRATEGIES)?;
        let restarts = section.number("restarts", 0..=u64::from(MAX_RESTARTS))?;
        let seconds = section.number("seconds", 1..=MAX_MS / 1_000)?;
        Ok(AppSupervisor {
            strategy,
            restarts: restarts.unwrap_or(default.restarts),
            within_ms: seconds.map_or(default.within_ms, |seconds: u64| seconds * 1_000),
            children: self.children(section, depth)?,
        })
    }

    fn children(&mut self, section: &Section<'_, '_>, depth: usize) -> Read<Vec<AppChild>> {
        let tables = "a list of tables, each under [[child]]";
        let list: &[_] = match section.value("child") {
            None => &[],
            Some(value) => match value.get_ref() {
                DeValue::Array(list) => list,
                _ => return Err(wrong_type("child", tables, value)),
            },
        };
        if list.is_empty() {
            let at = section.position_of("child");
            return Err(Fault { at, mistake: Mistake::NoChildren });
        }
        let mut children = Vec::with_capacity(list.len().min(MAX_CHILDREN));
        let mut names = HashMap::new();
        for value in list {
            let at = value.span().start;
            let DeValue::Table(table) = value.get_ref() else {
                return Err(wrong_type("child", tables, value));
            };
            let child = self.child(&Section::new(table, at, "in a child", CHILD_KEYS)?, depth)?;
            if let Some(line) = names.insert(child.name.clone(), at) {
                let mistake = Mistake::DuplicateName { name: child.name, line };
                return Err(Fault { at, mistake });
            }
            children.push(child);
        }
        Ok(children)
    }

    fn child(&mut self, section: &Section<'_, '_>, depth: usize) -> Read<AppChild> {
        let at = section.at;
        self.children += 1;
        if self.children > MAX_CHILDREN {
            return Err(Fault { at, mistake: Mistake::TooManyChildren { most: MAX_CHILDREN } });
        }
        let Some((name, _)) = section.name("name")? else {
            return Err(Fault { at, mistake: Mistake::NoName });
        };
        let registered = self.registered(section, name)?;
        let restart = section.word("restart", &RESTARTS)?;
        let shutdown_ms = section.number("shutdown_ms", 0..=MAX_MS)?;
        let supervises = section.has("child");
        let (body, default) = if supervises {
            let keys = PROGRAM_KEYS.into_iter().chain(LIMITS.map(|(key, ..)| key));
            not_for(section, keys, |key| Mistake::NotForSupervisors { child: name.into(), key })?;
            (AppBody::Supervisor(self.supervisor(section, depth + 1)?), Shutdown::Infinity)
        } else {
            (program(section, name)?, Shutdown::Timeout(SHUTDOWN_MS))
        };
        let shutdown = shutdown_ms.map_or(default, |ms| match ms {
            0 => Shutdown::BrutalKill,
            ms => Shutdown::Timeout(ms),
        });
        Ok(AppChild { name: name.to_owned(), registered, restart, shutdown, body })
    }

    /// The name that a child is registered under.
    fn registered(&mut self, section: &Section<'_, '_>, name: &str) -> Read<Option<String>> {
        let name = match section.value("register").map(|value| (value.get_ref(), value)) {
            Some((DeValue::Boolean(false), _)) => return Ok(None),
            None | Some((DeValue::Boolean(true), _)) => name,
            Some((DeValue::String(_), _)) => {
                section.name("register")?.map_or(name, |(name, _)| name)
            }
            Some((_, value)) => return Err(wrong_type("register", "a name, or false", value)),
        };
        match self.registered.insert(name.to_owned(), section.at) {
            None => Ok(Some(name.to_owned())),
            Some(line) => {
                let mistake = Mistake::DuplicateRegistration { name: name.to_owned(), line };
                Err(Fault { at: section.at, mistake })
            }
        }
    }
}

fn program(section: &Section<'_, '_>, child: &str) -> Read<AppBody> {
    let Some((module, module_at)) = section.string("module")? else {
        return Err(Fault { at: section.at, mistake: Mistake::NoBody { child: child.into() } });
    };
    if module.is_empty() {
        return Err(Fault { at: module_at, mistake: Mistake::NoPath });
    }
    not_for(section, SUPERVISOR_KEYS.into_iter(), |key| Mistake::NotForPrograms {
        child: child.into(),
        key,
    })?;
    let entry = section.name("entry")?.map(|(entry, at)| (entry.to_owned(), at));
    let arguments = match section.value("arguments").map(|value| (value.get_ref(), value)) {
        None => Vec::new(),
        Some((DeValue::Array(list), value)) => arguments(list, value.span().start, child)?,
        Some((_, value)) => return Err(wrong_type("arguments", LIST, value)),
    };
    let mut limits = Limits::default();
    for (key, limit, range) in LIMITS {
        if let Some(number) = section.number(key, range)? {
            *limit(&mut limits) = number;
        }
    }
    Ok(AppBody::Program { module: module.to_owned(), module_at, entry, arguments, limits })
}

/// What `arguments` must be.
const LIST: &str = "a list of numbers and strings";

fn arguments(list: &DeArray<'_>, at: usize, child: &str) -> Read<Vec<Word>> {
    if list.len() > MAX_ARGUMENTS {
        let (child, count) = (child.into(), list.len());
        let mistake = Mistake::TooManyArguments { child, count, most: MAX_ARGUMENTS };
        return Err(Fault { at, mistake });
    }
    list.iter().map(argument).collect()
}

/// An integer or a float, in its lane of a register; or a text for whoever knows what it means.
fn argument(value: &Spanned<DeValue<'_>>) -> Read<Word> {
    let at = value.span().start;
    match value.get_ref() {
        DeValue::Integer(number) => {
            let range = i128::from(i64::MIN)..=i128::from(i64::MAX);
            let int = integer("arguments", number, range, at)?;
            Ok(Word::int(int, at))
        }
        DeValue::Float(number) => {
            let text = number.as_str();
            let float = text.parse::<f64>().ok();
            // `inf` may be meant, but what is merely too large is a slip.
            let meant = |float: &f64| float.is_finite() || !text.contains(|c: char| c.is_numeric());
            match float.filter(meant) {
                Some(float) => Ok(Word::float(float, at)),
                None => {
                    let number = text.chars().take(64).collect();
                    Err(Fault { at, mistake: Mistake::FloatTooLarge { number } })
                }
            }
        }
        DeValue::String(text) => Ok(Word::text(text, at)),
        _ => Err(wrong_type("arguments", LIST, value)),
    }
}

/// The first of these keys that is there is a mistake.
fn not_for(
    section: &Section<'_, '_>,
    mut keys: impl Iterator<Item = &'static str>,
    mistake: impl FnOnce(&'static str) -> Mistake,
) -> Read<()> {
    match keys.find(|key| section.has(key)) {
        Some(key) => Err(Fault { at: section.position_of(key), mistake: mistake(key) }),
        None => Ok(()),
    }
}
