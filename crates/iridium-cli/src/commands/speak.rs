//! Words to processes: what they understand is written in their modules.

use std::path::Path;

use iridium_isa::Module;
use iridium_isa::module::protocols_from_bytes;
use iridium_isa::protocol::{Answer, Arguments, Message, Protocol, ReplyTo, Shape, Value};
use iridium_isa::suggest::{abbreviated, nearest};
use iridium_node::Inbox;
use iridium_node::control::{Client, Target};
use iridium_sched::Reason;
use iridium_vm::{Payload, Pid};

use super::connect;
use crate::args::{CallArgs, SendArgs};
use crate::failure::Failure;
use crate::output;
use crate::program::file::display_name;

/// `iridium send NAME add by=5`
pub(super) fn send(args: &SendArgs) -> Result<(), Failure> {
    let mut node = connect(&args.client)?;
    let spoken = speak(&mut node, &args.to, &args.message, &args.content)?;
    if spoken.message.answer.is_some() {
        return Err(Failure::usage(format!(
            "{} is a call, which is answered; use: iridium call {} …",
            spoken.message.name, args.message
        )));
    }
    let payload = spoken.payload(None)?;
    let payload = Payload::Bytes(payload.into());
    node.send(Target::Pid(spoken.pid), spoken.message.tag, payload)?;
    Ok(())
}

/// `iridium call NAME get`
pub(crate) fn call(args: &CallArgs) -> Result<(), Failure> {
    let mut node = connect(&args.client)?;
    let spoken = speak(&mut node, &args.to, &args.message, &args.values)?;
    let Some(answer) = &spoken.message.answer else {
        return Err(Failure::usage(format!(
            "{} is a message, which is not answered; use: iridium send",
            spoken.message.name
        )));
    };
    // Whatever is wrong is found before anybody waits.
    spoken.payload(Some(ReplyTo { pid: 0, tag: 0 }))?;
    let payload =
        |pid: Pid, tag| spoken.payload(Some(ReplyTo { pid: pid.bits(), tag })).unwrap_or_default();
    let reply = node.call(spoken.pid, spoken.message.tag, payload, args.timeout)?;
    let reply = reply.ok_or_else(|| {
        let waited = Value::Duration(i64::try_from(args.timeout.as_nanos()).unwrap_or(i64::MAX));
        Failure::failed(format!("{} has not answered within {waited}", args.to))
    })?;
    let value = spoken.answer(&args.to, answer, reply.bytes())?;
    let shown = if args.json { value.to_json() } else { value.to_string() };
    Ok(output::print_line(&shown)?)
}

/// Where a process of an actor begins, and what its parameters are in words.
pub(super) fn start(
    file: &Path,
    module: &Module,
    actor: &str,
    words: &[String],
) -> Result<(u32, Arguments), Failure> {
    let (protocol, start) = module.start(actor).ok_or_else(|| no_actor(file, module, actor))?;
    let wrong = |error: String| Failure::usage(format!("{actor}: {error}"));
    let values = protocol.values(&start.params, words).map_err(|error| wrong(error.to_string()))?;
    let arguments = protocol.arguments(start, &values).map_err(|error| wrong(error.to_string()))?;
    Ok((start.entry, arguments))
}

fn no_actor(file: &Path, module: &Module, actor: &str) -> Failure {
    let starts = module.protocols().iter().flat_map(|protocol| &protocol.starts);
    let names: Vec<&str> = starts.map(|start| &*start.name).collect();
    let hint = match nearest(actor, names.iter().copied()) {
        Some(name) => format!("; did you mean {name}?"),
        None if names.is_empty() => "; it has none".into(),
        None => format!("; it has {}", names.join(", ")),
    };
    Failure::usage(format!("{} has no actor {actor}{hint}", display_name(file)))
}

/// A message in words, for a process.
struct Spoken {
    pid: Pid,
    protocol: Protocol,
    message: Message,
    values: Vec<Value>,
}

impl Spoken {
    fn payload(&self, reply: Option<ReplyTo>) -> Result<Vec<u8>, Failure> {
        let payload = self.protocol.encode_message(&self.message, &self.values, reply);
        payload.map_err(|error| Failure::usage(error.to_string()))
    }

    fn answer(&self, from: &Target, answer: &Shape, payload: &[u8]) -> Result<Value, Failure> {
        let name = &self.message.name;
        match self.protocol.decode_answer(answer, payload) {
            Ok(Answer::Value(value)) => Ok(value),
            Ok(Answer::NotUnderstood) => {
                Err(Failure::failed(format!("{from} does not understand {name}")))
            }
            Ok(Answer::Ended(reason)) => {
                Err(Failure::failed(format!("{from} has ended: {}", Reason(reason))))
            }
            Err(error) => {
                let expected = self.protocol.text_of(answer);
                Err(Failure::failed(format!("{from} answered {name} with no {expected}: {error}")))
            }
        }
    }
}

/// Finds the process and the message that words mean.
fn speak(node: &mut Client, to: &Target, name: &str, words: &[String]) -> Result<Spoken, Failure> {
    let (pid, inbox) = node.understands(to.clone())?;
    let protocols = protocols_from_bytes(&inbox.protocols)
        .ok_or_else(|| Failure::failed(format!("the protocols of {to} are damaged")))?;
    let protocols = own(protocols, &inbox);
    if protocols.iter().all(|protocol| protocol.messages.is_empty()) {
        return Err(Failure::failed(format!(
            "{to} does not say what it understands; send it a tag and a text"
        )));
    }
    let mut first_error = None;
    for protocol in &protocols {
        // Older forms of a message come behind the present one.
        for message in protocol.messages.iter().filter(|message| is_named(protocol, message, name))
        {
            match protocol.values(&message.params, words) {
                Ok(values) => {
                    let (protocol, message) = (protocol.clone(), message.clone());
                    return Ok(Spoken { pid, protocol, message, values });
                }
                Err(error) => {
                    first_error.get_or_insert_with(|| Failure::usage(format!("{name}: {error}")));
                }
            }
        }
    }
    Err(first_error.unwrap_or_else(|| not_understood(to, name, &protocols)))
}

/// The protocol of the actor that a process runs; all of its module when that is not known.
fn own(protocols: Vec<Protocol>, inbox: &Inbox) -> Vec<Protocol> {
    // Compilers put the module before the name, and what tells several of one name apart behind it.
    let function = format!(".{}.", inbox.function.as_deref().unwrap_or_default());
    let runs = |name: &str| function.contains(&format!(".{name}."));
    let longest = |protocol: &Protocol| {
        let names = protocol.starts.iter().map(|start| &*start.name);
        names.filter(|name| runs(name)).map(str::len).max()
    };
    let best = protocols.iter().filter_map(longest).max();
    match best {
        Some(_) => protocols.into_iter().filter(|protocol| longest(protocol) == best).collect(),
        None => protocols,
    }
}

/// Whether a message is called `add` or `Counter.add`.
fn is_named(protocol: &Protocol, message: &Message, name: &str) -> bool {
    let qualified = || name.strip_prefix(&*protocol.name).and_then(|rest| rest.strip_prefix('.'));
    *message.name == *name || qualified() == Some(&message.name)
}

fn not_understood(to: &Target, name: &str, protocols: &[Protocol]) -> Failure {
    let messages = || {
        let all =
            protocols.iter().map(|protocol| protocol.messages.iter().map(move |m| (protocol, m)));
        all.flatten()
    };
    let names = || messages().map(|(_, message)| &*message.name);
    let near = nearest(name, names()).or_else(|| abbreviated(name, names()));
    let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    let mut known: Vec<String> =
        messages().map(|(protocol, message)| protocol.signature(message)).collect();
    known.dedup();
    Failure::usage(format!("{to} does not understand {name}{hint}"))
        .with_details(format!("{to} understands\n  {}\n", known.join("\n  ")))
}
