//! What a command of the REPL is: its name, its arguments and its function.

use super::session::ReplSession;
use crate::failure::Failure;

/// Whether the REPL goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    Quit,
}

/// A command, typed as `!name argument…`.
pub(super) struct Command {
    pub(super) name: &'static str,
    /// As shown in help; empty when it takes none.
    pub(super) arguments: &'static str,
    pub(super) help: &'static str,
    pub(super) run: fn(&mut ReplSession, &Arguments<'_>) -> Result<Flow, Failure>,
}

/// What was typed behind the name of a command.
pub(super) struct Arguments<'a> {
    words: Vec<&'a str>,
    /// The command that they are for.
    command: &'static Command,
}

impl Command {
    /// Carries it out with the words behind its name.
    pub(super) fn run(
        &'static self,
        session: &mut ReplSession,
        words: Vec<&str>,
    ) -> Result<Flow, Failure> {
        let arguments = Arguments { words, command: self };
        if !self.takes_arguments() && !arguments.words.is_empty() {
            return Err(arguments.misused());
        }
        (self.run)(session, &arguments)
    }

    pub(super) fn takes_arguments(&self) -> bool {
        !self.arguments.is_empty()
    }

    pub(super) fn usage(&self) -> String {
        format!("!{} {}", self.name, self.arguments).trim_end().to_string()
    }
}

impl<'a> Arguments<'a> {
    pub(super) fn words(&self) -> &[&'a str] {
        &self.words
    }

    /// The failure of a command whose arguments make no sense.
    pub(super) fn misused(&self) -> Failure {
        Failure::usage(format!("usage: {}", self.command.usage()))
    }
}

/// The command of this name.
pub(super) fn find(commands: &'static [Command], name: &str) -> Option<&'static Command> {
    commands.iter().find(|command| command.name == name)
}

/// The failure of a command that does not exist.
pub(super) fn unknown(commands: &'static [Command], name: &str) -> Failure {
    let hint = match nearest(commands, name) {
        Some(command) => format!("; did you mean !{}?", command.name),
        None => "; !help lists the commands".into(),
    };
    Failure::usage(format!("there is no command !{name}{hint}"))
}

/// The command that was probably meant: one that has the text in its name, or
/// else the one that is a slip of the fingers away.
pub(super) fn nearest(commands: &'static [Command], name: &str) -> Option<&'static Command> {
    let slips = |command: &&Command| strsim::damerau_levenshtein(name, command.name);
    let part = commands.iter().find(|command| name.len() > 2 && command.name.contains(name));
    // A short name is two slips away from all that is short.
    let is_near = |command: &&Command| slips(command) <= 2.min(command.name.len() - 1);
    part.or_else(|| commands.iter().min_by_key(slips).filter(is_near))
}
