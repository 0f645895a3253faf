//! The commands of the REPL: one table for running, help and completion.

use iridium_isa::reference;

use super::{Session, cluster, control, help, inspect, processes};
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
    pub(super) help: &'static str,
    run: fn(&mut Session, &[&str]) -> Result<Flow, Failure>,
}

/// Every command, in the order of `!help`.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "help",
        arguments: "[COMMAND|MNEMONIC]",
        help: "list the commands, or explain one",
        run: help::help,
    },
    Command {
        name: "program",
        arguments: "",
        help: "list the program (> next, * breakpoint)",
        run: inspect::program,
    },
    Command { name: "symbols", arguments: "", help: "list the labels", run: inspect::symbols },
    Command {
        name: "registers",
        arguments: "[all]",
        help: "show the registers that are not 0, or all",
        run: inspect::registers,
    },
    Command {
        name: "floats",
        arguments: "[all]",
        help: "the same for the float lanes",
        run: inspect::floats,
    },
    Command {
        name: "heap",
        arguments: "ADDR LEN",
        help: "show bytes; ADDR may be @LABEL",
        run: inspect::heap,
    },
    Command {
        name: "clear_program",
        arguments: "",
        help: "forget the program; registers stay",
        run: control::clear_program,
    },
    Command {
        name: "clear_registers",
        arguments: "",
        help: "clear registers, stacks and calls",
        run: control::clear_registers,
    },
    Command {
        name: "load_file",
        arguments: "[PATH]",
        help: "load a program, or the last one again",
        run: control::load,
    },
    Command {
        name: "continue",
        arguments: "",
        help: "run from where the program stopped",
        run: control::go_on,
    },
    Command {
        name: "step",
        arguments: "[N]",
        help: "run one instruction, or N",
        run: control::step,
    },
    Command {
        name: "break",
        arguments: "[LABEL]",
        help: "set or remove a breakpoint, or list them",
        run: control::breakpoint,
    },
    Command {
        name: "trace",
        arguments: "on | off",
        help: "print each instruction and what it changes",
        run: control::trace,
    },
    Command {
        name: "spawn",
        arguments: "[PATH]",
        help: "start a process of a file or this program",
        run: processes::spawn,
    },
    Command { name: "ps", arguments: "", help: "list the processes", run: processes::list },
    Command {
        name: "send",
        arguments: "PID|NAME[@ALIAS] TAG TEXT|#N",
        help: "send a message to a process",
        run: processes::send,
    },
    Command {
        name: "kill",
        arguments: "PID|NAME[@ALIAS] [REASON]",
        help: "end a process, or ask it with a reason",
        run: processes::kill,
    },
    Command {
        name: "save",
        arguments: "PATH",
        help: "write this VM and all processes to a file",
        run: control::save,
    },
    Command {
        name: "restore",
        arguments: "PATH",
        help: "go on from what !save wrote",
        run: control::restore,
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
        name: "nodes",
        arguments: "",
        help: "list the members with their numbers in pids",
        run: cluster::nodes,
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
pub(super) fn run(session: &mut Session, line: &str) -> Result<Flow, Failure> {
    let mut words = line.split_whitespace();
    let Some(first) = words.next() else { return Ok(Flow::Continue) };
    let Some(name) = first.strip_prefix('!') else {
        return match find(first).filter(|_| reference::lookup(first).is_empty()) {
            Some(Command { name, .. }) => {
                Err(Failure::usage(format!("commands begin with !; did you mean !{name}?")))
            }
            None => control::enter(session, line),
        };
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

    pub(super) fn usage(&self) -> String {
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

pub(super) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

pub(super) fn unknown(name: &str) -> Failure {
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

fn history(session: &mut Session, _: &[&str]) -> Result<Flow, Failure> {
    for (number, line) in (1..).zip(session.lines.history()) {
        output::line(&format!("{number:5}  {line}"))?;
    }
    Ok(Flow::Continue)
}

fn quit(_: &mut Session, _: &[&str]) -> Result<Flow, Failure> {
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
