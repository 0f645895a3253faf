//! A compiled process that receives messages, and answers each with what was in it.

use iridium_isa::protocol::{CALL, Message, Protocol, ReplyTo, Shape, Value};
use iridium_vm::{
    Completion, Effect, Hosts, Interpreter, Limits, Message as Sent, Payload, Process, Program,
    Stop,
};
use palladium::rc::Mode;

use super::{Below, FUEL, HEAP, forms, made, module};

/// What a call is answered with that is not understood.
const NOT_UNDERSTOOD: [u8; 1] = [1];

/// The program, and what it says that it understands.
pub(super) struct Inbox {
    program: Program,
    protocol: Protocol,
}

/// What a process does with a message.
#[derive(Debug, Default, PartialEq)]
struct Done {
    /// To whom it has written, with which tag.
    sent: Vec<(i64, i64, Vec<u8>)>,
    printed: String,
}

impl Inbox {
    pub(super) fn new(
        mode: Mode,
        protocol: &Protocol,
        shapes: &[Shape],
        random: Below<'_>,
    ) -> Self {
        let module = module(&forms::inbox(protocol, shapes, random), mode);
        let protocol = module.protocols().iter().find(|protocol| &*protocol.name == "Inbox");
        let protocol = protocol.unwrap().clone();
        Self { program: Program::new(module, &Hosts::new()).unwrap(), protocol }
    }

    /// The number of a message, and a payload of it.
    pub(super) fn random(&self, random: Below<'_>) -> (u8, Vec<u8>) {
        let number = random(self.protocol.messages.len());
        let message = &self.protocol.messages[number];
        let mut value = |shape| made::value(&self.protocol, shape, 0, random);
        let values: Vec<Value> = message.params.iter().map(|p| value(&p.shape)).collect();
        let reply = message.answer.as_ref().map(|_| ReplyTo { pid: 77, tag: (1 << 62) + 5 });
        (number as u8, self.protocol.encode_message(message, &values, reply).unwrap())
    }

    /// Whether a payload is that of the message with this number. Others are not known at all.
    pub(super) fn tried(&self, number: usize, payload: &[u8]) -> Result<bool, String> {
        let message = self.protocol.messages.get(number);
        let tag = message.map_or(number as i64 * (CALL / 128), |message| message.tag);
        let values =
            message.and_then(|m| Some((m, self.protocol.decode_message(m, payload).ok()?)));
        let expected = match &values {
            Some((message, (reply, values))) => self.answered(message, *reply, values),
            None => refused(tag, payload),
        };
        let found = self.run(tag, payload)?;
        if found != expected {
            let text = message.map_or_else(|| tag.to_string(), |m| self.protocol.signature(m));
            return Err(format!("{text}: {payload:02x?} gives {found:02x?}, not {expected:02x?}"));
        }
        Ok(values.is_some())
    }

    /// A message with one value is answered with it, others with all of theirs. What nobody has
    /// asked for is printed.
    fn answered(&self, message: &Message, reply: Option<ReplyTo>, values: &[Value]) -> Done {
        let value = match values {
            [only] => only.clone(),
            all => Value::Tuple(all.to_vec()),
        };
        match (&message.answer, reply) {
            (Some(answer), Some(to)) => {
                let payload = self.protocol.encode(answer, &value).unwrap();
                Done { sent: vec![(to.pid, to.tag, payload)], printed: String::new() }
            }
            _ => Done { sent: Vec::new(), printed: format!("{value}\n") },
        }
    }

    /// Lets a new process receive this, until it waits for more.
    fn run(&self, tag: i64, payload: &[u8]) -> Result<Done, String> {
        let limits = Limits { heap: HEAP, ..Limits::default() };
        let mut process = Process::new(&self.program, limits);
        let mut output = Vec::new();
        let mut sent = Vec::new();
        let mut message = Some(Sent { tag, sender: 1, payload: payload_of(payload) });
        loop {
            let stop = process.run_on(&Interpreter::THREADED, &self.program, FUEL, &mut output);
            let completion = match stop {
                Ok(Stop::Effect(Effect::Receive { .. })) => match message.take() {
                    Some(message) => Completion::Received(Some(message)),
                    None => break,
                },
                Ok(Stop::Effect(Effect::Send { to, tag, payload })) => {
                    sent.push((to, tag, payload.bytes().to_vec()));
                    Completion::Done
                }
                other => return Err(format!("it ends with {other:?}")),
            };
            process.complete(completion).map_err(|error| error.to_string())?;
        }
        match process.live_blocks() {
            0 => {
                let printed = String::from_utf8(output).map_err(|error| error.to_string())?;
                Ok(Done { sent, printed })
            }
            left => Err(format!("{left} blocks are left")),
        }
    }
}

/// What is done with a message that is not understood: who asks is told; of what nobody has asked for
/// the node is told.
fn refused(tag: i64, payload: &[u8]) -> Done {
    let cell = |bytes: &[u8]| i64::from_le_bytes(bytes.try_into().unwrap());
    let to = match payload.first_chunk::<16>() {
        _ if tag < CALL => Some((0, tag)),
        Some(asked) => Some((cell(&asked[..8]), cell(&asked[8..]))),
        None => None,
    };
    let told = to.map(|(pid, tag)| (pid, tag, NOT_UNDERSTOOD.to_vec()));
    Done { sent: told.into_iter().collect(), printed: String::new() }
}

/// A payload as it comes from whoever sends it: one cell may come as a number.
fn payload_of(bytes: &[u8]) -> Payload {
    match bytes.try_into() {
        Ok(word) if bytes[0].is_multiple_of(2) => Payload::Word(word),
        _ => Payload::Bytes(bytes.into()),
    }
}
