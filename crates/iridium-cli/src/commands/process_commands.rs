//! `iridium spawn`, `send` and `kill`, which act on processes of running nodes.

use iridium_node::control::SpawnOrder;
use iridium_sched::Reason;
use iridium_vm::{Payload, Register, Start};

use super::connect;
use super::run::{no_label, register};
use crate::args::{KillArgs, SendArgs, SpawnArgs};
use crate::failure::Failure;
use crate::output;
use crate::program::load;

/// Starts a process and prints its pid. The module is sent along, so that
/// the process shows the places of this file.
pub(crate) fn spawn(args: &SpawnArgs) -> Result<(), Failure> {
    let module = load(&args.file)?.module;
    let entry = match &args.start.entry {
        None => None,
        Some(label) => {
            let at = module.find(label);
            Some(at.ok_or_else(|| no_label(&args.file, &module, label))?)
        }
    };
    let arguments: Vec<Register> = args.start.arguments.iter().map(register).collect();
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
        limits: args.limits.limits(),
        on: args.on.clone(),
        name: args.name.clone(),
        link_app: args.link_app,
    };
    let pid = connect(&args.client)?.spawn(order, &module)?;
    Ok(output::print_line(&pid.to_string())?)
}

/// Sends a message that has no sender.
pub(crate) fn send(args: &SendArgs) -> Result<(), Failure> {
    if args.tag < 0 {
        return Err(Failure::usage(format!(
            "{}: negative tags are reserved for the system",
            args.tag
        )));
    }
    let payload = match args.content.as_slice() {
        [number] if number.starts_with('#') => {
            let number: i64 = number[1..].parse().map_err(|_| {
                Failure::usage(format!("{number} is no number; text must not begin with #"))
            })?;
            Payload::Word(number.to_le_bytes())
        }
        words => Payload::Bytes(words.join(" ").into_bytes().into()),
    };
    connect(&args.client)?.send(args.to.clone(), args.tag, payload)?;
    Ok(())
}

/// Sends a process an exit signal; with the reason `killed` that ends it for certain.
pub(crate) fn kill(args: &KillArgs) -> Result<(), Failure> {
    connect(&args.client)?.kill(args.to.clone(), Reason(args.reason))?;
    Ok(())
}
