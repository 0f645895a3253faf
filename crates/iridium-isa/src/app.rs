//! The app of a module: the children that a supervisor starts and starts again, as data.

use crate::escape::is_hidden;
use crate::module::MAX_NAME;
use crate::operand::LitF64;
use crate::protocol::FirstMessage;

/// The most children of an app.
pub const MAX_CHILDREN: usize = 10_000;
/// The most restarts that an app allows within its time: each takes a little memory while it counts.
pub const MAX_RESTARTS: u32 = 10_000;
/// The longest time in an app, in ms: a day.
pub const MAX_MS: u64 = 86_400_000;
/// The most arguments: one for each register.
const MAX_ARGUMENTS: usize = 256;

/// What a module says about its app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its name, which its supervisor is registered under.
    pub name: String,
    /// Whether the module's entry is a program that the app is there for: it begins when the app is
    /// up, and the app ends with it. Otherwise the app is all there is to run.
    pub main: bool,
    /// Which children start again when one of them does.
    pub strategy: Strategy,
    /// How many restarts there may be within the time below, 0 to 10,000.
    pub restarts: u32,
    /// The time within which restarts are counted, in ms, 1 to 86,400,000.
    pub within_ms: u64,
    /// The children, in the order in which they start.
    pub children: Vec<Child>,
}

/// A child of an app: a process of the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// What it is called in reports; unique in the app.
    pub name: String,
    /// The name that its process is registered under, if any.
    pub registered: Option<String>,
    /// Whether it starts again when it has ended.
    pub restart: Restart,
    /// How long it may take to end when it is asked to, in ms, at most 86,400,000, before it is
    /// killed. 0: it is killed without being asked.
    pub shutdown_ms: u64,
    /// The instruction at which it starts.
    pub entry: u32,
    /// Its first registers, each in its lane.
    pub arguments: Vec<Argument>,
    /// Its first message: arguments that no register can hold.
    pub first: Option<FirstMessage>,
}

/// What a register begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// An integer.
    Int(i64),
    /// A float.
    Float(LitF64),
}

/// Which children start again when one of them does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// That one.
    #[default]
    OneForOne,
    /// All of them.
    OneForAll,
    /// That one and those behind it.
    RestForOne,
}

/// Whether a child starts again when it has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// Unless it ended normally or was asked to.
    Transient,
    /// Never.
    Temporary,
}

/// The rule that an app breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppFault {
    /// A name is empty, too long or not to be shown.
    #[error("a name in it is empty, longer than {MAX_NAME} bytes or not to be shown")]
    Name,
    /// Two children have one name.
    #[error("two of its children are called `{0}`")]
    Twice(String),
    /// There are no children, or too many.
    #[error("it has {0} children, not 1 to {MAX_CHILDREN}")]
    Children(usize),
    /// A number is out of its range.
    #[error("its `{0}` is out of range")]
    Range(&'static str),
    /// A child starts nowhere.
    #[error("its child `{0}` starts at no instruction")]
    Entry(String),
}

/// Checks the app of a module that has this many instructions.
pub(crate) fn check(app: &App, code: u32) -> Result<(), AppFault> {
    let range = |good, what| if good { Ok(()) } else { Err(AppFault::Range(what)) };
    name(&app.name)?;
    range(app.restarts <= MAX_RESTARTS, "restarts")?;
    range((1..=MAX_MS).contains(&app.within_ms), "within_ms")?;
    if !(1..=MAX_CHILDREN).contains(&app.children.len()) {
        return Err(AppFault::Children(app.children.len()));
    }
    let mut names: Vec<&str> = app.children.iter().map(|child| &*child.name).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(AppFault::Twice(pair[0].to_owned()));
    }
    for child in &app.children {
        name(&child.name)?;
        child.registered.as_deref().map_or(Ok(()), name)?;
        range(child.shutdown_ms <= MAX_MS, "shutdown_ms")?;
        range(child.arguments.len() <= MAX_ARGUMENTS, "arguments")?;
        range(child.first.as_ref().is_none_or(|first| first.tag >= 0), "first")?;
        if child.entry >= code {
            return Err(AppFault::Entry(child.name.clone()));
        }
    }
    Ok(())
}

fn name(name: &str) -> Result<(), AppFault> {
    let good = (1..=MAX_NAME).contains(&name.len()) && !name.contains(is_hidden);
    if good { Ok(()) } else { Err(AppFault::Name) }
}
