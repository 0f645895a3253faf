//! What processes want from the world, and how they get it.

use std::sync::Arc;

use super::core::Hands;
use super::outside::Refused;
use super::task::Body;
use crate::process::{
    Actor, Completion, Effect, LAST_TIME, Limits, MAX_NODE, Message, Pid, Process, Question,
    Reason, Signal, SpawnKind, Start, TrapKind, Wait,
};
use crate::program::Program;

/// Nanoseconds of a millisecond.
const MILLISECOND: u64 = 1_000_000;

/// What becomes of a wish.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is granted.
    Done(Completion),
    /// It is granted, and others have their turn first.
    Yield,
    /// It waits for something.
    Wait(Wait),
    /// The process ends by it.
    End(Reason),
}

/// Who wants something.
pub(crate) struct Wisher<'w> {
    pub(crate) actor: &'w mut Actor,
    /// What its children run, and may use.
    pub(crate) program: &'w Arc<Program>,
    pub(crate) limits: Limits,
    /// How many questions it has asked other nodes.
    pub(crate) questions: &'w mut u64,
}

/// Carries a wish out, or says what it has to wait for.
pub(crate) fn perform(hands: Hands<'_>, wisher: Wisher<'_>, effect: Effect) -> Outcome {
    let core = hands.core;
    let Wisher { actor, program, limits, questions } = wisher;
    let me = actor.pid;
    let value = |value: i64| Outcome::Done(Completion::Value(value));
    match effect {
        Effect::SelfPid => return value(me.bits()),
        Effect::Node => return value(i64::from(core.node())),
        Effect::Spawn { kind, start } => {
            let start = Birth { program, start, limits, kind };
            return spawn(hands, actor, start, questions);
        }
        // Negative tags are the system's.
        Effect::Send { tag: ..0, .. } => {}
        Effect::Send { to, tag, payload } => {
            let message = Message { tag, sender: me.bits(), payload };
            let to = Pid::from_bits(to);
            if to == me {
                actor.mailbox.push(message);
                if actor.mailbox.is_over(&limits) {
                    return Outcome::Done(Completion::Failed(TrapKind::MailboxLimit));
                }
            } else {
                match hands.send(me, to, message) {
                    Ok(()) => {}
                    Err(Refused::NoRoom(message)) => {
                        return Outcome::Wait(Wait::Room { to, message });
                    }
                    Err(Refused::TooLong(_)) => {
                        return Outcome::Done(Completion::Failed(TrapKind::BadMessage));
                    }
                }
            }
        }
        Effect::Receive { tag, timeout } => {
            let Some(message) = actor.mailbox.take(tag) else {
                let until = (timeout >= 0).then(|| deadline(core.clock.mono(), timeout));
                return Outcome::Wait(Wait::Message { tag, until });
            };
            return Outcome::Done(Completion::Received(Some(message)));
        }
        Effect::Link { pid } => link(hands, actor, Pid::from_bits(pid)),
        Effect::Unlink { pid } => {
            let pid = Pid::from_bits(pid);
            if actor.ties().links.remove(&pid) {
                hands.post(me, pid, Signal::Unlink { from: me });
            }
        }
        Effect::Monitor { pid } => {
            return value(monitor(hands, actor, Pid::from_bits(pid)));
        }
        Effect::Demonitor { reference } => {
            if let Some(pid) = actor.ties().monitors.remove(&reference) {
                hands.post(me, pid, Signal::Demonitor { from: me, reference });
            }
        }
        Effect::TrapExit { on } => actor.ties().traps_exits = on,
        Effect::Kill { pid, reason } => {
            let (pid, signal) =
                (Pid::from_bits(pid), Signal::Kill { from: me, reason: Reason(reason) });
            if pid != me {
                hands.post(me, pid, signal);
            } else if let Some(reason) = actor.take_in(signal) {
                return Outcome::End(reason);
            }
        }
        Effect::Register { name, pid } => register(hands, name, Pid::from_bits(pid)),
        Effect::Unregister { name, pid } => core.names.unregister(&name, Pid::from_bits(pid)),
        Effect::WhereIs { name } => return where_is(hands, name, questions),
        Effect::Nodes => return value(core.outside.nodes().len() as i64),
        Effect::NodeAt { position } => {
            let nodes = core.outside.nodes();
            let node = usize::try_from(position).ok().and_then(|at| nodes.get(at).copied());
            return value(i64::from(node.unwrap_or(0)));
        }
        Effect::MonitorNodes { on } => {
            actor.ties().watches_nodes = on;
            core.watch_nodes(me, on);
        }
        Effect::Sleep { milliseconds } => {
            return Outcome::Wait(Wait::Time { until: deadline(core.clock.mono(), milliseconds) });
        }
        Effect::Yield => return Outcome::Yield,
        Effect::Now => return value(core.clock.now() as i64),
        Effect::Mono => return value(core.clock.mono() as i64),
        Effect::Random => return value(core.random() as i64),
        Effect::Host { import, window } => return Outcome::Wait(Wait::Host { import, window }),
    }
    Outcome::Done(Completion::Done)
}

/// So many ms from now. Less than nothing is nothing.
fn deadline(now: u64, milliseconds: i64) -> u64 {
    let time = u64::try_from(milliseconds).unwrap_or(0).saturating_mul(MILLISECOND);
    now.saturating_add(time).min(LAST_TIME)
}

/// What a new process starts with.
struct Birth<'b> {
    program: &'b Arc<Program>,
    start: Start,
    limits: Limits,
    kind: SpawnKind,
}

fn spawn(hands: Hands<'_>, parent: &mut Actor, birth: Birth<'_>, questions: &mut u64) -> Outcome {
    let Birth { program, start, limits, kind } = birth;
    let node = match kind {
        SpawnKind::At(node) => u32::try_from(node).unwrap_or(0),
        _ => hands.core.node(),
    };
    if node != hands.core.node() {
        if node == 0 || node > MAX_NODE {
            return Outcome::Done(Completion::Value(Pid::NOBODY.bits()));
        }
        // The other node may want to have it.
        hands.core.know(program);
        let module = program.module().id();
        return ask(questions, Question::Spawn { node, module, start, limits });
    }
    let me = parent.pid;
    let reference = (kind == SpawnKind::Monitored).then(|| parent.ties().monitor(Pid::NOBODY));
    let registers = hands.own.and_then(|own| own.spare.registers());
    let process = Process::spawned_with(registers, program, &start, limits);
    let spawned = hands.spawn(Body::Program(process, Arc::clone(program)), |task| {
        if kind == SpawnKind::Linked {
            task.actor.ties().links.insert(me);
        }
        if let Some(reference) = reference {
            task.actor.ties().watchers.insert((me, reference));
        }
    });
    let Ok(pid) = spawned else {
        return Outcome::Done(Completion::Failed(TrapKind::ProcessLimit));
    };
    if kind == SpawnKind::Linked {
        parent.ties().links.insert(pid);
    }
    Outcome::Done(match reference {
        Some(reference) => {
            parent.ties().monitors.insert(reference, pid);
            Completion::Pair(pid.bits(), reference)
        }
        None => Completion::Value(pid.bits()),
    })
}

fn link(hands: Hands<'_>, actor: &mut Actor, pid: Pid) {
    let me = actor.pid;
    if pid == me {
        return;
    }
    // Also when the link seems to be there: the other side may have undone it before it heard of
    // this side's, and there would be none then, however often it is asked for.
    actor.ties().links.insert(pid);
    tie(hands, me, pid);
    hands.post(me, pid, Signal::Link { from: me });
}

fn monitor(hands: Hands<'_>, actor: &mut Actor, pid: Pid) -> i64 {
    let me = actor.pid;
    let reference = actor.ties().monitor(pid);
    tie(hands, me, pid);
    hands.post(me, pid, Signal::Monitor { from: me, reference });
    reference
}

/// Notes a tie to another node before it is asked for: should the node be lost at this moment, the
/// one side or the other tells of it.
fn tie(hands: Hands<'_>, me: Pid, pid: Pid) {
    if pid.node() != hands.core.node() && pid.node() != 0 {
        hands.core.tie(pid.node(), me);
    }
}

/// Registers a process of this node that lives.
pub(crate) fn register(hands: Hands<'_>, name: String, pid: Pid) {
    let core = hands.core;
    // Looked at again afterwards: it may have ended meanwhile, and then its names were forgotten
    // before this one came.
    if core.lives(pid) && core.names.register(name, pid) && !core.lives(pid) {
        core.names.forget(pid);
    }
}

fn where_is(hands: Hands<'_>, name: String, questions: &mut u64) -> Outcome {
    let core = hands.core;
    match name.rsplit_once('@') {
        Some((local, alias)) if alias != core.outside.alias() => {
            let (name, alias) = (local.to_string(), alias.to_string());
            ask(questions, Question::WhereIs { name, alias })
        }
        Some((local, _)) => found(core.names.find(local)),
        None => found(core.names.find(&name)),
    }
}

fn found(pid: Option<Pid>) -> Outcome {
    Outcome::Done(Completion::Found(pid.map(Pid::bits)))
}

fn ask(questions: &mut u64, question: Question) -> Outcome {
    // From a snapshot it may be anything.
    *questions = questions.wrapping_add(1);
    Outcome::Wait(Wait::Answer { number: *questions, question: Box::new(question) })
}

/// The answer to a question that cannot be asked.
pub(crate) fn no_answer(question: &Question) -> Completion {
    match question {
        Question::Spawn { .. } => Completion::Value(Pid::NOBODY.bits()),
        Question::WhereIs { .. } => Completion::Found(None),
    }
}

/// Looks whether a wait is over.
pub(crate) fn look(hands: Hands<'_>, actor: &mut Actor) -> Option<Completion> {
    let me = actor.pid;
    match actor.wait.take()? {
        Wait::Message { tag, until } => {
            if let Some(message) = actor.mailbox.take(tag) {
                return Some(Completion::Received(Some(message)));
            }
            actor.wait = Some(Wait::Message { tag, until });
            None
        }
        Wait::Time { until } if until <= hands.core.clock.mono() => Some(Completion::Done),
        Wait::Room { to, message } => {
            // Before trying: room that is made from now on is told of.
            hands.core.await_room(to.node(), me);
            let answer = match hands.send(me, to, message) {
                Ok(()) => Completion::Done,
                Err(Refused::NoRoom(message)) => {
                    actor.wait = Some(Wait::Room { to, message });
                    return None;
                }
                Err(Refused::TooLong(_)) => Completion::Failed(TrapKind::BadMessage),
            };
            hands.core.await_no_room(to.node(), me);
            Some(answer)
        }
        wait => {
            actor.wait = Some(wait);
            None
        }
    }
}
