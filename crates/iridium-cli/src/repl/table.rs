//! The commands of the REPL: one table for running, help and completion.

use iridium_isa::reference;

use super::command::{Arguments, Command, Flow, find, unknown};
use super::completion::CommandWord;
use super::language::Languages;
use super::session::ReplSession;
use super::{cluster, control, inspect, processes};
use crate::failure::Failure;
use crate::output;

/// Every command, in the order of `!help`.
const COMMANDS: &[Command] = &[
    Command {
        name: "help",
        arguments: "[COMMAND|MNEMONIC]",
        help: "list the commands, or explain one",
        run: help,
    },
    Command {
        name: "pd",
        arguments: "",
        help: "take all lines for Palladium",
        run: |session, _| take_for(session, Languages::Palladium),
    },
    Command {
        name: "asm",
        arguments: "",
        help: "take all lines for assembly",
        run: |session, _| take_for(session, Languages::Assembly),
    },
    Command {
        name: "both",
        arguments: "",
        help: "take each line for what it looks like",
        run: |session, _| take_for(session, Languages::Both),
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
        help: "the same for the floats in registers",
        run: inspect::floats,
    },
    Command {
        name: "heap",
        arguments: "ADDR LEN",
        help: "show bytes of memory; ADDR may be @LABEL",
        run: inspect::heap,
    },
    Command {
        name: "clear_program",
        arguments: "",
        help: "remove the program, and all of Palladium",
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
        help: "load a program, or reload the last one",
        run: control::load,
    },
    Command {
        name: "continue",
        arguments: "",
        help: "run from where the program stopped",
        run: control::resume,
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
        help: "start a process, of a file or this program",
        run: processes::spawn,
    },
    Command { name: "ps", arguments: "", help: "list the processes", run: processes::ps },
    Command {
        name: "send",
        arguments: "PID|NAME[@ALIAS] TAG TEXT|#N",
        help: "send a message to a process",
        run: processes::send,
    },
    Command {
        name: "kill",
        arguments: "PID|NAME[@ALIAS] [REASON]",
        help: "end a process, or send it another reason",
        run: processes::kill,
    },
    Command {
        name: "save",
        arguments: "PATH",
        help: "save this VM and all processes to a file",
        run: control::save,
    },
    Command {
        name: "restore",
        arguments: "PATH",
        help: "restore what !save has saved",
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
        help: "join a cluster; starts this node if needed",
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
        help: "list the members with their pid numbers",
        run: cluster::nodes,
    },
    Command {
        name: "forget",
        arguments: "ALIAS",
        help: "forget a member that is down or has left",
        run: cluster::forget,
    },
    Command {
        name: "leave_cluster",
        arguments: "",
        help: "leave the cluster and stop this node",
        run: cluster::leave,
    },
    Command { name: "history", arguments: "", help: "list the lines typed before", run: history },
    Command { name: "quit", arguments: "", help: "leave the cluster and end", run: quit },
];

/// Carries out a command, typed with its `!`.
pub(super) fn run(session: &mut ReplSession, line: &str) -> Result<Flow, Failure> {
    let mut words = line.split_whitespace();
    let name = words.next().unwrap_or_default().trim_start_matches('!');
    let command = find(COMMANDS, name).ok_or_else(|| unknown(COMMANDS, name))?;
    command.run(session, words.collect())
}

/// Runs lines of assembly.
pub(super) fn assemble(session: &mut ReplSession, lines: &str) -> Result<Flow, Failure> {
    let Some(first) = lines.split_whitespace().next() else { return Ok(Flow::Continue) };
    match find(COMMANDS, first).filter(|_| reference::lookup(first).is_empty()) {
        Some(command) => Err(without_sign(command)),
        None => control::assemble(session, lines),
    }
}

/// Runs an entry of Palladium.
pub(super) fn enter(session: &mut ReplSession, entry: &str) -> Result<Flow, Failure> {
    let mut words = entry.split_whitespace();
    let first = words.next().unwrap_or_default();
    let is_word = |word: &str| word.starts_with(|c: char| c.is_alphanumeric() || c == '/');
    match find(COMMANDS, first) {
        Some(command) if words.all(is_word) && !session.notebook.knows(first) => {
            Err(without_sign(command))
        }
        _ if session.languages == Languages::Both
            && is_slip(entry.trim())
            && !session.notebook.knows(first) =>
        {
            control::assemble(session, entry.trim_end())
        }
        _ => control::enter(session, entry),
    }
}

/// Whether a word alone is nearly a mnemonic.
fn is_slip(word: &str) -> bool {
    let is_word = word.chars().all(char::is_alphanumeric) && word.len() > 2;
    is_word && reference::mnemonics().any(|known| strsim::damerau_levenshtein(known, word) == 1)
}

fn without_sign(command: &Command) -> Failure {
    Failure::usage(format!("commands begin with !; did you mean !{}?", command.name))
}

/// What Tab completes.
pub(super) fn words() -> Vec<CommandWord> {
    let word = |command: &Command| CommandWord {
        name: command.name,
        takes_arguments: command.takes_arguments(),
    };
    COMMANDS.iter().map(word).collect()
}

fn help(_: &mut ReplSession, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    super::help::help(COMMANDS, arguments)
}

fn history(session: &mut ReplSession, _: &Arguments<'_>) -> Result<Flow, Failure> {
    for (number, line) in (1..).zip(session.lines.history()) {
        output::print_line(&format!("{number:5}  {line}"))?;
    }
    Ok(Flow::Continue)
}

fn take_for(session: &mut ReplSession, languages: Languages) -> Result<Flow, Failure> {
    session.languages = languages;
    Ok(Flow::Continue)
}

fn quit(_: &mut ReplSession, _: &Arguments<'_>) -> Result<Flow, Failure> {
    Ok(Flow::Quit)
}

#[cfg(test)]
mod tests {
    use super::super::command::nearest;
    use super::*;

    #[test]
    fn a_slip_is_told_what_was_probably_meant() {
        for (typed, meant) in [
            ("quti", "quit"),
            ("members", "cluster_members"),
            ("join", "join_cluster"),
            ("startcluster", "start_cluster"),
        ] {
            assert_eq!(nearest(COMMANDS, typed).map(|c| c.name), Some(meant), "{typed}");
        }
        assert!(nearest(COMMANDS, "xyzzy").is_none());
    }

    #[test]
    fn help_fits_a_terminal_of_80_columns() {
        let width = COMMANDS.iter().map(|c| c.usage().len()).max().unwrap();
        for command in COMMANDS {
            assert!(width + 2 + command.help.len() <= 80, "{}", command.name);
        }
    }
}
