//! Completion with Tab: commands, their arguments, mnemonics and labels, and names of Palladium.
//!
//! Where there is nothing to complete, Tab is a blank as any other: assembly is indented with
//! tabs, also what is pasted into a terminal that does not say what is pasted.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use iridium_isa::escape::is_hidden;
use iridium_isa::reference;

use super::input::{MORE, PROMPT};
use super::language::Languages;
use crate::program::palladium_source::Folder;

/// What completion has to know of a command.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommandWord {
    pub(super) name: &'static str,
    pub(super) takes_arguments: bool,
}

/// What can be typed beside commands.
#[derive(Clone)]
pub(super) struct Offer {
    /// The labels of the program.
    pub(super) labels: Vec<String>,
    pub(super) languages: Languages,
    /// What was declared in Palladium.
    pub(super) session: Arc<palladium::Session>,
    /// The lines before of an entry of Palladium.
    pub(super) half: String,
}

impl Default for Offer {
    fn default() -> Self {
        let (labels, half) = (Vec::new(), String::new());
        Self { labels, languages: Languages::Both, session: Arc::default(), half }
    }
}

impl Offer {
    /// Whether the line goes on with an entry.
    pub(super) fn has_half(&self) -> bool {
        !self.half.is_empty()
    }

    /// What asks for the line.
    pub(super) fn prompt(&self) -> &'static str {
        if self.has_half() { MORE } else { PROMPT }
    }

    fn has_assembly(&self) -> bool {
        self.languages != Languages::Palladium && !self.has_half()
    }

    /// Names of Palladium, and where the word begins on the line.
    fn palladium(&self, typed: &str) -> (usize, Vec<String>) {
        let has_palladium = self.languages != Languages::Assembly || self.has_half();
        if !has_palladium {
            return (typed.len(), Vec::new());
        }
        let entry = format!("{}{typed}", self.half);
        let (at, names) = self.session.complete(&entry, &mut Folder::default());
        (at.saturating_sub(self.half.len()), names)
    }
}

/// Nobody presses two keys in so short a time; what comes faster was pasted.
const BETWEEN_KEYS: Duration = Duration::from_millis(20);

/// Completes lines.
pub(super) struct Completion {
    /// What can be typed now.
    pub(super) offer: Offer,
    /// When the last key came that has changed the line.
    last_key: Cell<Option<Instant>>,
    commands: Vec<CommandWord>,
    files: FilenameCompleter,
}

impl Completion {
    pub(super) fn new(commands: Vec<CommandWord>) -> Self {
        Self {
            offer: Offer::default(),
            last_key: Cell::default(),
            commands,
            files: FilenameCompleter::new(),
        }
    }

    /// Where the word under the cursor begins, and what it may become.
    fn complete_words(&self, typed: &str) -> (usize, Vec<String>) {
        let trimmed = typed.trim_start();
        let begin = typed.len() - trimmed.len();
        let word_at = typed.rfind([' ', ',', '\t']).map_or(0, |at| at + 1);
        let word = typed.get(word_at..).unwrap_or("");
        match trimmed.strip_prefix('!') {
            Some(name) if !name.contains(' ') => (begin, self.commands(name)),
            None if trimmed.is_empty() => (typed.len(), Vec::new()),
            None if !self.offer.has_assembly() => self.offer.palladium(typed),
            Some(command) if command.starts_with("help ") => {
                let bare = word.trim_start_matches('!');
                let mut names = self.names(bare);
                if bare == word {
                    names.extend(mnemonics(bare));
                }
                (typed.len() - bare.len(), names)
            }
            Some(command) if command.starts_with("break ") => (word_at, self.labels("", word)),
            _ if word.starts_with('@') => (word_at, self.labels("@", &word[1..])),
            None if is_first(trimmed) => {
                let (at, mut words) = self.offer.palladium(typed);
                if at == word_at || words.is_empty() {
                    words.extend(mnemonics(word));
                    words.sort();
                    words.dedup();
                    return (word_at, words);
                }
                (at, words)
            }
            None => self.offer.palladium(typed),
            Some(_) => (typed.len(), Vec::new()),
        }
    }

    /// As [`complete_words`](Self::complete_words), or the tab itself: where there is nothing to
    /// complete, and behind a whole word of what is pasted.
    fn complete_or_indent(&self, typed: &str, pasted: bool) -> (usize, Vec<String>) {
        let (begin, words) = self.complete_words(typed);
        let word = typed.get(begin..).unwrap_or("");
        let whole = words.iter().any(|candidate| candidate.trim_end() == word);
        if words.is_empty() || (whole && pasted) {
            return (typed.len(), vec!["\t".into()]);
        }
        (begin, words)
    }

    fn names(&self, start: &str) -> Vec<String> {
        let names = self.commands.iter().map(|command| command.name);
        names.filter(|name| name.starts_with(start)).map(String::from).collect()
    }

    /// The commands that begin so, ready for their arguments.
    fn commands(&self, start: &str) -> Vec<String> {
        let fits = self.commands.iter().filter(|command| command.name.starts_with(start));
        let space = |command: &CommandWord| if command.takes_arguments { " " } else { "" };
        fits.map(|command| format!("!{}{}", command.name, space(command))).collect()
    }

    fn labels(&self, sign: &str, start: &str) -> Vec<String> {
        let fits = self.offer.labels.iter().filter(|label| label.starts_with(start));
        fits.map(|label| format!("{sign}{label}")).collect()
    }
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = &line[..position];
        if takes_path(typed) {
            let (begin, mut files) = self.files.complete(line, position, context)?;
            // What a terminal would obey can neither be shown nor be typed.
            files.retain(|file| !file.replacement.contains(is_hidden));
            return Ok((begin, files));
        }
        let pasted = self.last_key.get().is_some_and(|last| last.elapsed() < BETWEEN_KEYS);
        let (begin, words) = self.complete_or_indent(typed, pasted);
        let pair = |word: String| Pair { display: word.trim_end().into(), replacement: word };
        Ok((begin, words.into_iter().map(pair).collect()))
    }
}

/// Gives no hints, but is asked for one at each key.
impl Hinter for Completion {
    type Hint = String;

    fn hint(&self, _: &str, _: usize, _: &Context<'_>) -> Option<String> {
        self.last_key.set(Some(Instant::now()));
        None
    }
}

impl Highlighter for Completion {}
impl Validator for Completion {}
impl Helper for Completion {}

/// Whether the word at the cursor is the path of a file.
fn takes_path(typed: &str) -> bool {
    ["!load_file ", "!spawn ", "!save ", "!restore "]
        .iter()
        .any(|name| typed.trim_start().starts_with(name))
}

/// Whether a line of assembly has no mnemonic before its last word.
fn is_first(trimmed: &str) -> bool {
    let mut words = trimmed.split_whitespace().rev();
    if !trimmed.ends_with(char::is_whitespace) {
        words.next();
    }
    words.all(|word| word.ends_with(':'))
}

fn mnemonics(start: &str) -> Vec<String> {
    let start = start.to_ascii_lowercase();
    let fits = reference::mnemonics().filter(|name| name.starts_with(&start));
    let mut fits: Vec<_> = fits.map(String::from).collect();
    fits.sort();
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completion() -> Completion {
        let command = |(name, takes_arguments)| CommandWord { name, takes_arguments };
        let commands = [("join_cluster", true), ("leave_cluster", false), ("quit", false)];
        let labels = ["loop", "lost", "end"].map(String::from).into();
        let completion = Completion::new(commands.map(command).into());
        Completion { offer: Offer { labels, ..Offer::default() }, ..completion }
    }

    fn complete(typed: &str) -> (usize, Vec<String>) {
        completion().complete_words(typed)
    }

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn commands_are_completed() {
        assert_eq!(complete("!jo"), (0, strings(&["!join_cluster "])));
        assert_eq!(complete("  !q"), (2, strings(&["!quit"])));
        assert_eq!(complete("!help lea"), (6, strings(&["leave_cluster"])));
        assert_eq!(complete("!help !lea"), (7, strings(&["leave_cluster"])));
        assert_eq!(complete("!").1.len(), 3);
        assert_eq!(complete("!join_cluster 127").1, strings(&[]));
    }

    #[test]
    fn mnemonics_and_labels_are_completed() {
        assert_eq!(complete("mul"), (0, strings(&["mul", "mulc", "mulf64", "muli"])));
        assert_eq!(complete("  DIVF"), (2, strings(&["divf64"])));
        assert_eq!(complete("again: popc"), (7, strings(&["popcnt"])));
        assert_eq!(complete("!help popc"), (6, strings(&["popcnt"])));
        assert_eq!(complete("djmp @lo"), (5, strings(&["@loop", "@lost"])));
        assert_eq!(complete("brlt $0,#3,@e"), (11, strings(&["@end"])));
        assert_eq!(complete("!break lo"), (7, strings(&["loop", "lost"])));
        assert_eq!(complete("add $0 mu").1, strings(&[]));
    }

    #[test]
    fn names_of_palladium_are_completed() {
        let complete = |typed: &str| completion().complete_words(typed).1;
        assert_eq!(complete("whi"), strings(&["while"]));
        assert_eq!(complete("print(\"a\".starts"), strings(&["starts_with"]));
        assert_eq!(complete("import std.js"), strings(&["json"]));
        assert!(complete("fo").contains(&"for".to_owned()));
        let mut within = completion();
        within.offer.half = "let a = [\n".to_owned();
        assert_eq!(within.complete_words("  mul"), (2, strings(&[])));
        assert_eq!(within.complete_words("  mat"), (2, strings(&["match"])));
        within.offer = Offer { languages: Languages::Assembly, ..Offer::default() };
        assert_eq!(within.complete_words("whi").1, strings(&[]));
    }

    #[test]
    fn tab_is_a_blank_where_nothing_can_be_completed() {
        let indent = |typed: &str| (typed.len(), strings(&["\t"]));
        for typed in ["", "  ", "\t", "again:", "load $0 #1", "load $0, "] {
            for pasted in [false, true] {
                assert_eq!(completion().complete_or_indent(typed, pasted), indent(typed));
            }
        }
        for typed in ["mul", "djmp @end", "!quit", "again: muli"] {
            assert_ne!(completion().complete_or_indent(typed, false), indent(typed));
            assert_eq!(completion().complete_or_indent(typed, true), indent(typed));
        }
        assert_eq!(completion().complete_or_indent("popc", true), (0, strings(&["popcnt"])));
    }

    #[test]
    fn paths_are_completed_where_a_file_is_named() {
        assert!(takes_path("!load_file exam"));
        assert!(!takes_path("!load_file"));
        assert!(!takes_path("!break x"));
    }
}
