//! The commands of the REPL: one table for running, help and completion.

use super::{Session, cluster};
use crate::failure::Failure;
use crate::output;

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
    arguments: &'static str,
    help: &'static str,
    run: fn(&mut Session<'_>, &[&str]) -> Result<Flow, Failure>,
}

/// Every command, in the order of `!help`.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "help",
        arguments: "[COMMAND]",
        help: "list the commands, or explain one",
        run: help,
    },
    Command {
        name: "start_cluster",
        arguments: "",
        help: "start this node; others can then join it",
        run: cluster::start,
    },
    Command {
        name: "join_cluster",
        arguments: "HOST PORT | HOST:PORT",
        help: "join through a member (starts this node)",
        run: cluster::join,
    },
    Command {
        name: "cluster_members",
        arguments: "",
        help: "list the members and where they listen",
        run: cluster::members,
    },
    Command {
        name: "leave_cluster",
        arguments: "",
        help: "say goodbye and stop this node",
        run: cluster::leave,
    },
    Command { name: "history", arguments: "", help: "list the lines typed before", run: history },
    Command { name: "quit", arguments: "", help: "leave the cluster and end", run: quit },
];

/// Carries out a line.
pub(super) fn run(session: &mut Session<'_>, line: &str) -> Result<Flow, Failure> {
    let mut words = line.split_whitespace();
    let Some(first) = words.next() else { return Ok(Flow::Continue) };
    let Some(name) = first.strip_prefix('!') else {
        let hint = match find(first) {
            Some(command) => format!("did you mean !{}?", command.name),
            None => "!help lists them".into(),
        };
        return Err(Failure::usage(format!("commands begin with !; {hint}")));
    };
    let command = find(name).ok_or_else(|| unknown(name))?;
    let arguments: Vec<&str> = words.collect();
    if !command.takes_arguments() && !arguments.is_empty() {
        return Err(command.misused());
    }
    (command.run)(session, &arguments)
}

impl Command {
    pub(super) fn takes_arguments(&self) -> bool {
        !self.arguments.is_empty()
    }

    fn usage(&self) -> String {
        format!("!{} {}", self.name, self.arguments).trim_end().to_string()
    }

    /// The arguments make no sense.
    fn misused(&self) -> Failure {
        Failure::usage(format!("usage: {}", self.usage()))
    }
}

/// The failure of a command whose arguments make no sense.
pub(super) fn misused(name: &str) -> Failure {
    find(name).map_or_else(|| unknown(name), Command::misused)
}

fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

fn unknown(name: &str) -> Failure {
    let hint = match nearest(name) {
        Some(command) => format!("; did you mean !{}?", command.name),
        None => "; !help lists the commands".into(),
    };
    Failure::usage(format!("there is no command !{name}{hint}"))
}

/// The command that was probably meant: one that has the text in its name, or
/// else the one that is a slip of the fingers away.
fn nearest(name: &str) -> Option<&'static Command> {
    let slips = |command: &&Command| strsim::damerau_levenshtein(name, command.name);
    let part = COMMANDS.iter().find(|command| name.len() > 2 && command.name.contains(name));
    part.or_else(|| COMMANDS.iter().min_by_key(slips).filter(|command| slips(command) <= 2))
}

fn help(_: &mut Session<'_>, arguments: &[&str]) -> Result<Flow, Failure> {
    match arguments {
        [] => {
            let width = COMMANDS.iter().map(|c| c.usage().len()).max().unwrap_or(0);
            for command in COMMANDS {
                output::line(&format!("{:width$}  {}", command.usage(), command.help))?;
            }
        }
        [name] => {
            let name = name.trim_start_matches('!');
            let command = find(name).ok_or_else(|| unknown(name))?;
            output::line(&format!("{}: {}", command.usage(), command.help))?;
        }
        _ => return Err(misused("help")),
    }
    Ok(Flow::Continue)
}

fn history(session: &mut Session<'_>, _: &[&str]) -> Result<Flow, Failure> {
    for (number, line) in (1..).zip(session.lines.history()) {
        output::line(&format!("{number:5}  {line}"))?;
    }
    Ok(Flow::Continue)
}

fn quit(_: &mut Session<'_>, _: &[&str]) -> Result<Flow, Failure> {
    Ok(Flow::Quit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_what_was_probably_meant() {
        for (typed, meant) in [
            ("quti", "quit"),
            ("members", "cluster_members"),
            ("join", "join_cluster"),
            ("startcluster", "start_cluster"),
        ] {
            assert_eq!(nearest(typed).map(|c| c.name), Some(meant), "{typed}");
        }
        assert!(nearest("xyzzy").is_none());
    }

    #[test]
    fn help_fits_a_terminal_of_80_columns() {
        let width = COMMANDS.iter().map(|c| c.usage().len()).max().unwrap();
        for command in COMMANDS {
            assert!(width + 2 + command.help.len() <= 80, "{}", command.name);
        }
    }
}
