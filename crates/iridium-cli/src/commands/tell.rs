//! `iridium spawn`, `send` and `kill`: what is done to processes of running nodes.

use iridium_node::control::SpawnOrder;
use iridium_sched::Reason;
use iridium_vm::{Payload, Register, Start};

use super::connect;
use super::run::{no_label, register};
use crate::args::{KillArgs, SendArgs, SpawnArgs};
use crate::failure::Failure;
use crate::output;
use crate::program::load;

/// Starts a process and prints its pid. Its code goes along if the node does not
/// have it.
pub(crate) fn spawn(words: &SpawnArgs) -> Result<(), Failure> {
    let module = load(&words.file)?.module;
    let entry = match &words.start.entry {
        None => None,
        Some(label) => {
            let at = module.find(label);
            Some(at.ok_or_else(|| no_label(&words.file, &module, label))?)
        }
    };
    let arguments: Vec<Register> = words.start.arguments.iter().map(register).collect();
    if arguments.len() > Start::ARGUMENTS {
        return Err(Failure::usage(format!(
            "a process starts with {} registers, so at most as many times --arg",
            Start::ARGUMENTS
        )));
    }
    let order = SpawnOrder {
        module: module.id(),
        entry,
        arguments,
        limits: words.limits.limits(),
        on: words.on.clone(),
        name: words.name.clone(),
        link_app: words.link_app,
    };
    let pid = connect(&words.client)?.spawn(order, &module)?;
    Ok(output::line(&pid.to_string())?)
}

/// Sends a message in nobody's name.
pub(crate) fn send(words: &SendArgs) -> Result<(), Failure> {
    if words.tag < 0 {
        return Err(Failure::usage(format!("{}: negative tags are the system's own", words.tag)));
    }
    let payload = match words.content.as_slice() {
        [number] if number.starts_with('#') => {
            let number: i64 = number[1..].parse().map_err(|_| {
                Failure::usage(format!("{number} is no number; text does not begin with #"))
            })?;
            Payload::Word(number.to_le_bytes())
        }
        words => Payload::Bytes(words.join(" ").into_bytes().into()),
    };
    connect(&words.client)?.send(words.to.clone(), words.tag, payload)?;
    Ok(())
}

/// Ends a process, or tells it to.
pub(crate) fn kill(words: &KillArgs) -> Result<(), Failure> {
    connect(&words.client)?.kill(words.to.clone(), Reason(words.reason))?;
    Ok(())
}
