//! Instructions that have an effect outside of their process: their operands are read, and the rest is left
//! to the owner of the process.

use iridium_isa::operand::{Int, IntOut, WINDOW_SPAN, Window};
use iridium_isa::{Instruction, MAX_NAME};

use super::bulk;
use super::interruption::Interruption;
use super::operands::{name, readable};
use crate::effect::{Effect, Pending, SpawnKind, Start};
use crate::host::{HostError, HostFunction};
use crate::host_call::with_caller;
use crate::interp::arithmetic::bits;
use crate::interp::machine::Run;
use crate::message::{Message, Payload};
use crate::register::Register;
use crate::stop::Stop;
use crate::trap::TrapKind;

/// Bytes of `@ALIAS` behind a name.
const MAX_NODE_SUFFIX: usize = 65;

/// Does one of these instructions; most end the run with an effect.
pub(super) fn perform(run: &mut Run<'_>, instruction: &Instruction) -> Result<(), Interruption> {
    use Instruction as I;
    let (effect, pending) = match instruction {
        I::SelfPid { d } => return ask(run, Effect::SelfPid, *d),
        I::Node { d } => return ask(run, Effect::Node, *d),
        I::Spawn { l, k, d } => (spawn(run, SpawnKind::Plain, l.0, *k), value(*d)),
        I::Spawnat { a, l, k, d } => (spawn(run, SpawnKind::At(run.int(*a)), l.0, *k), value(*d)),
        I::Spawnlink { l, k, d } => (spawn(run, SpawnKind::Linked, l.0, *k), value(*d)),
        I::Spawnmon { l, k, d } => (spawn(run, SpawnKind::Monitored, l.0, *k), Pending::Pair(d.0)),
        I::Send { p, t, m } => {
            let (to, tag) = (run.int(*p), run.int(*t));
            let (address, length) = (run.int(Int(m.0)), run.int(Int(m.0.saturating_add(1))));
            let payload = bulk::payload(run, address, length)?;
            match send(run, to, tag, payload) {
                None => return Ok(()),
                Some(effect) => (effect, Pending::Done),
            }
        }
        I::Sendi { p, t, a } => {
            let word = run.int(*a).to_le_bytes();
            (send_word(run, *p, *t, word)?, Pending::Done)
        }
        I::SendF64 { p, t, a } => {
            let word = bits(run.float(a.0)).to_le_bytes();
            (send_word(run, *p, *t, word)?, Pending::Done)
        }
        I::Msgi { d } => {
            let word = message_word(run)?;
            run.set_int(*d, i64::from_le_bytes(word));
            return Ok(());
        }
        I::MsgF64 { d } => {
            let word = message_word(run)?;
            run.register(d.0).float = f64::from_le_bytes(word);
            return Ok(());
        }
        I::Msgm { a, d } => return bulk::msgm(run, *a, *d),
        I::Link { p } => (Effect::Link { pid: run.int(*p) }, Pending::Done),
        I::Unlink { p } => (Effect::Unlink { pid: run.int(*p) }, Pending::Done),
        I::Monitor { p, d } => (Effect::Monitor { pid: run.int(*p) }, value(*d)),
        I::Monitort { p, t } => {
            let (pid, tag) = (run.int(*p), run.int(*t));
            if tag < Message::REPLY {
                return Err(TrapKind::BadMessage.into());
            }
            let effect = Effect::MonitorReply { pid, tag };
            if run.environment.answer(&effect).is_some() {
                return Ok(());
            }
            (effect, Pending::Done)
        }
        I::Demonitor { a } => (Effect::Demonitor { reference: run.int(*a) }, Pending::Done),
        I::Trapexit { n } => (Effect::TrapExit { on: n.0 != 0 }, Pending::Done),
        I::Kill { p, a } => (Effect::Kill { pid: run.int(*p), reason: run.int(*a) }, Pending::Done),
        I::Register { s, p } => {
            let name = name(run.module, *s, MAX_NAME)?;
            (Effect::Register { name, pid: run.int(*p) }, Pending::Done)
        }
        I::Registerm { a, len, p } => {
            let name = name_in_memory(run, *a, *len, MAX_NAME)?;
            (Effect::Register { name, pid: run.int(*p) }, Pending::Done)
        }
        I::Unregister { s, p } => {
            let name = name(run.module, *s, MAX_NAME)?;
            (Effect::Unregister { name, pid: run.int(*p) }, Pending::Done)
        }
        I::Unregisterm { a, len, p } => {
            let name = name_in_memory(run, *a, *len, MAX_NAME)?;
            (Effect::Unregister { name, pid: run.int(*p) }, Pending::Done)
        }
        I::Whereis { s, d } => {
            let name = name(run.module, *s, MAX_NAME + MAX_NODE_SUFFIX)?;
            (Effect::WhereIs { name }, Pending::Found(d.0))
        }
        I::Whereism { a, len, d } => {
            let name = name_in_memory(run, *a, *len, MAX_NAME + MAX_NODE_SUFFIX)?;
            (Effect::WhereIs { name }, Pending::Found(d.0))
        }
        I::Nodes { d } => (Effect::Nodes, value(*d)),
        I::Nodeat { a, d } => (Effect::NodeAt { position: run.int(*a) }, value(*d)),
        I::Monnodes { n } => (Effect::MonitorNodes { on: n.0 != 0 }, Pending::Done),
        I::Sleep { a } => (Effect::Sleep { milliseconds: run.int(*a) }, Pending::Done),
        I::Yield {} => (Effect::Yield, Pending::Done),
        I::Now { d } => return ask(run, Effect::Now, *d),
        I::Mono { d } => return ask(run, Effect::Mono, *d),
        I::Rand { d } => return ask(run, Effect::Random, *d),
        I::Host { f, k } => match run.hosts.get(usize::from(f.0)) {
            Some(HostFunction::Immediate(function)) => {
                let pid = run.environment.pid();
                let called =
                    with_caller(run.process, run.module, pid, k.0, |caller| function(caller));
                return called.map_err(|HostError(message)| {
                    Interruption::TrapWith(Box::new((TrapKind::HostError, message)))
                });
            }
            Some(HostFunction::Blocking(_) | HostFunction::Deferred(_)) => {
                (Effect::Host { import: f.0, window: k.0 }, Pending::Done)
            }
            // The verifier has seen that it exists.
            None => return Err(TrapKind::Internal.into()),
        },
        // Everything else, as a `recv`, is done on the fast path or in `execute`.
        _ => return Err(TrapKind::Internal.into()),
    };
    wait(run, effect, pending)
}

/// Asks for a number, which mostly is there at once.
fn ask(run: &mut Run<'_>, effect: Effect, d: IntOut) -> Result<(), Interruption> {
    match run.environment.answer(&effect) {
        Some(number) => {
            run.set_int(d, number);
            Ok(())
        }
        None => wait(run, effect, value(d)),
    }
}

/// Ends the run with an effect.
#[inline(always)]
fn wait(run: &mut Run<'_>, effect: Effect, pending: Pending) -> Result<(), Interruption> {
    run.process.wait(pending);
    run.stop = Some(Stop::Effect(effect));
    Err(Interruption::Waits)
}

fn value(d: IntOut) -> Pending {
    Pending::Value(d.0)
}

fn spawn(run: &Run<'_>, kind: SpawnKind, entry: u32, k: Window) -> Effect {
    // Filled at once: a box of zeros would be asked for as such, which takes much longer.
    let arguments: [Register; WINDOW_SPAN as usize] = std::array::from_fn(|nth| {
        let number = u8::try_from(usize::from(k.0) + nth);
        number.map_or_else(|_| Register::default(), |number| run.process.register(number))
    });
    Effect::Spawn { kind, start: Start { entry, arguments: Box::new(arguments) } }
}

/// A name that a program has put together, as valid as one in its data: UTF-8 without a 0.
fn name_in_memory(run: &Run<'_>, a: Int, len: Int, most: usize) -> Result<String, TrapKind> {
    let bytes = readable(run.process, run.module, run.int(a), run.int(len))?;
    if bytes.len() > most || bytes.contains(&0) {
        return Err(TrapKind::BadString);
    }
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| TrapKind::BadString)
}

/// The fast path has tried to send it at once.
fn send_word(run: &mut Run<'_>, p: Int, t: Int, word: [u8; 8]) -> Result<Effect, Interruption> {
    // As for 8 bytes in bulk.
    run.pay(1)?;
    Ok(Effect::Send { to: run.int(p), tag: run.int(t), payload: Payload::Word(word) })
}

/// Sends a message, at once if that can be.
fn send(run: &mut Run<'_>, to: i64, tag: i64, payload: Payload) -> Option<Effect> {
    let unsent = run.environment.send(to, tag, payload).err()?;
    Some(Effect::Send { to, tag, payload: unsent })
}

fn message_word(run: &Run<'_>) -> Result<[u8; 8], TrapKind> {
    let message = run.process.message.as_ref().ok_or(TrapKind::BadMessage)?;
    message.bytes().try_into().map_err(|_| TrapKind::BadMessage)
}
