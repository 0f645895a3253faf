//! What processes want from the world, and how they get it.

use std::sync::Arc;

use super::embedder::SendRefused;
use super::shared::Context;
use super::task::Body;
use crate::actor::{Actor, LAST_TIME, Wait};
use crate::{Reason, RemoteRequest, Signal};
use iridium_vm::Program;
use iridium_vm::{
    Completion, Effect, Limits, MAX_NODE, Message, Pid, Process, SpawnKind, Start, TrapKind,
};

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
pub(crate) fn perform(context: Context<'_>, wisher: Wisher<'_>, effect: Effect) -> Outcome {
    let shared = context.shared;
    let Wisher { actor, program, limits, questions } = wisher;
    let me = actor.pid;
    let value = |value: i64| Outcome::Done(Completion::Value(value));
    match effect {
        Effect::SelfPid => return value(me.bits()),
        Effect::Node => return value(i64::from(shared.node())),
        Effect::Spawn { kind, start } => {
            let start = Birth { program, start, limits, kind };
            return spawn(context, actor, start, questions);
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
                match context.send(me, to, message) {
                    Ok(()) => {}
                    Err(SendRefused::NoRoom(message)) => {
                        return Outcome::Wait(Wait::Room { to, message });
                    }
                    Err(SendRefused::TooLong(_)) => {
                        return Outcome::Done(Completion::Failed(TrapKind::BadMessage));
                    }
                }
            }
        }
        Effect::Receive { tag, timeout } => {
            let Some(message) = actor.mailbox.take(tag) else {
                let until = (timeout >= 0).then(|| deadline(shared.clock.mono(), timeout));
                return Outcome::Wait(Wait::Message { tag, until });
            };
            return Outcome::Done(Completion::Received(Some(message)));
        }
        Effect::Link { pid } => link(context, actor, Pid::from_bits(pid)),
        Effect::Unlink { pid } => {
            let pid = Pid::from_bits(pid);
            if actor.ties().links.remove(&pid) {
                context.post(me, pid, Signal::Unlink { from: me });
            }
        }
        Effect::Monitor { pid } => {
            return value(monitor(context, actor, Pid::from_bits(pid)));
        }
        Effect::Demonitor { reference } => {
            if let Some(pid) = actor.ties().monitors.remove(&reference) {
                context.post(me, pid, Signal::Demonitor { from: me, reference });
            }
        }
        Effect::TrapExit { on } => actor.ties().traps_exits = on,
        Effect::Kill { pid, reason } => {
            let (pid, signal) =
                (Pid::from_bits(pid), Signal::Kill { from: me, reason: Reason(reason) });
            if pid != me {
                context.post(me, pid, signal);
            } else if let Some(reason) = actor.take_in(signal) {
                return Outcome::End(reason);
            }
        }
        Effect::Register { name, pid } => register(context, name, Pid::from_bits(pid)),
        Effect::Unregister { name, pid } => shared.names.unregister(&name, Pid::from_bits(pid)),
        Effect::WhereIs { name } => return where_is(context, name, questions),
        Effect::Nodes => return value(shared.outside.nodes().len() as i64),
        Effect::NodeAt { position } => {
            let nodes = shared.outside.nodes();
            let node = usize::try_from(position).ok().and_then(|at| nodes.get(at).copied());
            return value(i64::from(node.unwrap_or(0)));
        }
        Effect::MonitorNodes { on } => {
            actor.ties().watches_nodes = on;
            shared.watch_nodes(me, on);
        }
        Effect::Sleep { milliseconds } => {
            return Outcome::Wait(Wait::Time {
                until: deadline(shared.clock.mono(), milliseconds),
            });
        }
        Effect::Yield => return Outcome::Yield,
        Effect::Now => return value(shared.clock.now() as i64),
        Effect::Mono => return value(shared.clock.mono() as i64),
        Effect::Random => return value(shared.random() as i64),
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

fn spawn(
    context: Context<'_>,
    parent: &mut Actor,
    birth: Birth<'_>,
    questions: &mut u64,
) -> Outcome {
    let Birth { program, start, limits, kind } = birth;
    let node = match kind {
        SpawnKind::At(node) => u32::try_from(node).unwrap_or(0),
        _ => context.shared.node(),
    };
    if node != context.shared.node() {
        if node == 0 || node > MAX_NODE {
            return Outcome::Done(Completion::Value(Pid::NOBODY.bits()));
        }
        // The other node may want to have it.
        context.shared.know(program);
        let module = program.module().id();
        return ask(questions, RemoteRequest::Spawn { node, module, start, limits });
    }
    let me = parent.pid;
    let reference = (kind == SpawnKind::Monitored).then(|| parent.ties().monitor(Pid::NOBODY));
    let registers = context.own.and_then(|own| own.spare.registers());
    let process = Process::spawned_with(registers, program, &start, limits);
    let spawned = context.spawn(Body::Program(process, Arc::clone(program)), |task| {
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

fn link(context: Context<'_>, actor: &mut Actor, pid: Pid) {
    let me = actor.pid;
    if pid == me {
        return;
    }
    // Also when the link seems to be there: the other side may have undone it before it heard of
    // this side's, and there would be none then, however often it is asked for.
    actor.ties().links.insert(pid);
    tie(context, me, pid);
    context.post(me, pid, Signal::Link { from: me });
}

fn monitor(context: Context<'_>, actor: &mut Actor, pid: Pid) -> i64 {
    let me = actor.pid;
    let reference = actor.ties().monitor(pid);
    tie(context, me, pid);
    context.post(me, pid, Signal::Monitor { from: me, reference });
    reference
}

/// Notes a tie to another node before it is asked for: should the node be lost at this moment, the
/// one side or the other tells of it.
fn tie(context: Context<'_>, me: Pid, pid: Pid) {
    if pid.node() != context.shared.node() && pid.node() != 0 {
        context.shared.tie(pid.node(), me);
    }
}

/// Registers a process of this node that lives.
pub(crate) fn register(context: Context<'_>, name: String, pid: Pid) {
    let shared = context.shared;
    // Looked at again afterwards: it may have ended meanwhile, and then its names were forgotten
    // before this one came.
    if shared.lives(pid) && shared.names.register(name, pid) && !shared.lives(pid) {
        shared.names.forget(pid);
    }
}

fn where_is(context: Context<'_>, name: String, questions: &mut u64) -> Outcome {
    let shared = context.shared;
    match name.rsplit_once('@') {
        Some((local, alias)) if alias != shared.outside.alias() => {
            let (name, alias) = (local.to_string(), alias.to_string());
            ask(questions, RemoteRequest::WhereIs { name, alias })
        }
        Some((local, _)) => found(shared.names.find(local)),
        None => found(shared.names.find(&name)),
    }
}

fn found(pid: Option<Pid>) -> Outcome {
    Outcome::Done(Completion::Found(pid.map(Pid::bits)))
}

fn ask(questions: &mut u64, question: RemoteRequest) -> Outcome {
    // From a snapshot it may be anything.
    *questions = questions.wrapping_add(1);
    Outcome::Wait(Wait::Answer { number: *questions, question: Box::new(question) })
}

/// The answer to a question that cannot be asked.
pub(crate) fn no_answer(question: &RemoteRequest) -> Completion {
    match question {
        RemoteRequest::Spawn { .. } => Completion::Value(Pid::NOBODY.bits()),
        RemoteRequest::WhereIs { .. } => Completion::Found(None),
    }
}

/// Looks whether a wait is over.
pub(crate) fn look(context: Context<'_>, actor: &mut Actor) -> Option<Completion> {
    let me = actor.pid;
    match actor.wait.take()? {
        Wait::Message { tag, until } => {
            if let Some(message) = actor.mailbox.take(tag) {
                return Some(Completion::Received(Some(message)));
            }
            actor.wait = Some(Wait::Message { tag, until });
            None
        }
        Wait::Time { until } if until <= context.shared.clock.mono() => Some(Completion::Done),
        Wait::Room { to, message } => {
            // Before trying: room that is made from now on is told of.
            context.shared.await_room(to.node(), me);
            let answer = match context.send(me, to, message) {
                Ok(()) => Completion::Done,
                Err(SendRefused::NoRoom(message)) => {
                    actor.wait = Some(Wait::Room { to, message });
                    return None;
                }
                Err(SendRefused::TooLong(_)) => Completion::Failed(TrapKind::BadMessage),
            };
            context.shared.await_no_room(to.node(), me);
            Some(answer)
        }
        wait => {
            actor.wait = Some(wait);
            None
        }
    }
}
