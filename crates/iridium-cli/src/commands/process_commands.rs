//! `iridium spawn`, `send` and `kill`, which act on processes of running nodes.

use iridium_isa::Module;
use iridium_isa::protocol::{Arguments, FirstMessage};
use iridium_node::control::{SpawnOrder, Target};
use iridium_sched::Reason;
use iridium_vm::{Payload, Register, Start};

use super::run::{no_label, register};
use super::{connect, speak};
use crate::args::{KillArgs, SendArgs, SpawnArgs};
use crate::failure::Failure;
use crate::output;
use crate::program::load_module;

/// Starts a process and prints its pid. The module is sent along, so that
/// the process shows the places of this file.
pub(crate) fn spawn(args: &SpawnArgs) -> Result<(), Failure> {
    let module = load_module(&args.file)?;
    let Begin { entry, arguments, first } = begin(args, &module)?;
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
    if let Some(first) = first {
        // It waits for this before it takes any other message.
        let payload = Payload::Bytes(first.payload.into());
        let sent = connect(&args.client)?.send(Target::Pid(pid), first.tag, payload);
        if let Err(error) = sent {
            // Without its arguments it is nothing. The first error is the one to tell.
            let _ = connect(&args.client)?.kill(Target::Pid(pid), Reason::KILLED);
            return Err(error.into());
        }
    }
    Ok(output::print_line(&pid.to_string())?)
}

/// Where a process begins, and with what.
struct Begin {
    entry: Option<u32>,
    arguments: Vec<Register>,
    first: Option<FirstMessage>,
}

fn begin(args: &SpawnArgs, module: &Module) -> Result<Begin, Failure> {
    if let Some(actor) = &args.actor {
        return speak::start(&args.file, module, actor, &args.arguments).map(
            |(entry, arguments)| match arguments {
                Arguments::Message(first) => {
                    Begin { entry: Some(entry), arguments: Vec::new(), first: Some(first) }
                }
                Arguments::Registers { ints, floats } => {
                    let lanes = ints.into_iter().zip(floats);
                    let arguments = lanes.map(|(int, float)| Register { int, float }).collect();
                    Begin { entry: Some(entry), arguments, first: None }
                }
            },
        );
    }
    let entry = match &args.entry {
        None => None,
        Some(label) => {
            let at = module.find(label);
            Some(at.ok_or_else(|| no_label(&args.file, module, label))?)
        }
    };
    let number = |text: &String| {
        let number = text.parse().map_err(|why| {
            Failure::usage(format!(
                "--arg {text}: {why}; name the actor that it is for, as in \
                                    iridium spawn FILE ACTOR --arg {text}"
            ))
        });
        number.map(|number| register(&number))
    };
    let arguments = args.arguments.iter().map(number).collect::<Result<Vec<_>, Failure>>()?;
    if arguments.len() > Start::ARGUMENTS {
        return Err(Failure::usage(format!(
            "a process starts with {} registers, so at most as many times --arg",
            Start::ARGUMENTS
        )));
    }
    Ok(Begin { entry, arguments, first: None })
}

/// Sends a message that has no sender: in words, or as a tag and bytes.
pub(crate) fn send(args: &SendArgs) -> Result<(), Failure> {
    let Ok(tag) = args.message.parse::<i64>() else { return speak::send(args) };
    if tag < 0 {
        return Err(Failure::usage(format!("{tag}: negative tags are reserved for the system")));
    }
    let payload = match args.content.as_slice() {
        [] => return Err(Failure::usage("a message with a tag needs a text, or a number as '#5'")),
        [number] if number.starts_with('#') => {
            let number: i64 = number[1..].parse().map_err(|_| {
                Failure::usage(format!("{number} is no number; text must not begin with #"))
            })?;
            Payload::Word(number.to_le_bytes())
        }
        words => Payload::Bytes(words.join(" ").into_bytes().into()),
    };
    connect(&args.client)?.send(args.to.clone(), tag, payload)?;
    Ok(())
}

/// Sends a process an exit signal; with the reason `killed` that ends it for certain.
pub(crate) fn kill(args: &KillArgs) -> Result<(), Failure> {
    connect(&args.client)?.kill(args.to.clone(), Reason(args.reason))?;
    Ok(())
}
