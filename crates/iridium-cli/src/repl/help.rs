//! `!help`: commands from their table, instructions from theirs.

use iridium_isa::reference;

use super::Session;
use super::command::{COMMANDS, Command, Flow, find, misused, unknown};
use crate::failure::Failure;
use crate::output;

/// `!help`
pub(super) fn help(_: &mut Session, arguments: &[&str]) -> Result<Flow, Failure> {
    match arguments {
        [] => list()?,
        [name] => output::line(explain(name)?.trim_end())?,
        _ => return Err(misused("help")),
    }
    Ok(Flow::Continue)
}

fn list() -> Result<(), Failure> {
    let width = COMMANDS.iter().map(|command| command.usage().len()).max().unwrap_or(0);
    for command in COMMANDS {
        output::line(&format!("{:width$}  {}", command.usage(), command.help))?;
    }
    output::line("Any other line is assembled and run; !help MNEMONIC explains an instruction.")?;
    Ok(())
}

/// With `!` it is a command; without it may be an instruction or both.
fn explain(name: &str) -> Result<String, Failure> {
    let bare = name.trim_start_matches('!');
    let command = find(bare).map(|c: &Command| format!("{}: {}\n", c.usage(), c.help));
    let instruction = if bare == name { reference::explain(name) } else { None };
    match (command, instruction) {
        (Some(command), Some(instruction)) => Ok(command + &instruction),
        (Some(text), None) | (None, Some(text)) => Ok(text),
        (None, None) if bare == name => Err(nothing(name)),
        (None, None) => Err(unknown(bare)),
    }
}

fn nothing(name: &str) -> Failure {
    let slips = |known: &str| strsim::damerau_levenshtein(name, known);
    let commands = COMMANDS.iter().map(|command| command.name);
    let nearest = commands.chain(reference::mnemonics()).min_by_key(|known| slips(known));
    let hint = match nearest.filter(|known| slips(known) <= 2) {
        Some(known) => format!("did you mean {known}?"),
        None => "!help lists the commands".into(),
    };
    Failure::usage(format!("there is no command and no instruction {name}; {hint}"))
}
