//! `!help`: commands from their table, instructions from theirs.

use iridium_isa::reference;

use super::command::{Arguments, Command, Flow, find, unknown};
use crate::failure::Failure;
use crate::output;

/// What is said of lines that are no commands.
const OTHER_LINES: &str = "
A line of assembly is run on the default VM: a label, a directive, or a mnemonic
with its operands. !help MNEMONIC explains an instruction.

Any other line is Palladium. An expression shows its value: 1 + 2 gives = 3.
What let and var name stays; fn, record, enum, const and import declare, and the
last declaration of a name counts. An entry goes on until its brackets are
closed; Ctrl-C drops it. One that traps changes nothing.";

/// `!help`
pub(super) fn help(
    commands: &'static [Command],
    arguments: &Arguments<'_>,
) -> Result<Flow, Failure> {
    match arguments.words() {
        [] => list(commands)?,
        [name] => output::print_line(explain(commands, name)?.trim_end())?,
        _ => return Err(arguments.misused()),
    }
    Ok(Flow::Continue)
}

fn list(commands: &[Command]) -> Result<(), Failure> {
    let width = commands.iter().map(|command| command.usage().len()).max().unwrap_or(0);
    for command in commands {
        output::print_line(&format!("{:width$}  {}", command.usage(), command.help))?;
    }
    output::print_line(OTHER_LINES)?;
    Ok(())
}

/// With `!` it is a command; without it may be an instruction or both.
fn explain(commands: &'static [Command], name: &str) -> Result<String, Failure> {
    let bare = name.trim_start_matches('!');
    let command = find(commands, bare).map(|c: &Command| format!("{}: {}\n", c.usage(), c.help));
    let instruction = if bare == name { reference::explain(name) } else { None };
    match (command, instruction) {
        (Some(command), Some(instruction)) => Ok(command + &instruction),
        (Some(text), None) | (None, Some(text)) => Ok(text),
        (None, None) if bare == name => Err(nothing(commands, name)),
        (None, None) => Err(unknown(commands, bare)),
    }
}

fn nothing(commands: &[Command], name: &str) -> Failure {
    let slips = |known: &str| strsim::damerau_levenshtein(name, known);
    let names = commands.iter().map(|command| command.name);
    let nearest = names.chain(reference::mnemonics()).min_by_key(|known| slips(known));
    let hint = match nearest.filter(|known| slips(known) <= 2) {
        Some(known) => format!("did you mean {known}?"),
        None => "!help lists the commands".into(),
    };
    Failure::usage(format!("there is no command and no instruction {name}; {hint}"))
}
