//! The effects of processes, carried out.

use std::sync::Arc;

use super::context::Context;
use super::names::Registered;
use super::shared::Shared;
use crate::clock::LAST_TIME;
use crate::distribution::SendRefused;
use crate::process::actor::{ActorState, Wait};
use crate::process::entry::Body;
use crate::process::reason::Reason;
use crate::process::relations::Relations;
use crate::process::request::RemoteRequest;
use crate::process::signal::Signal;
use iridium_vm::{
    Completion, Effect, Limits, MAX_NODE, Message, Pid, Process, Program, SpawnKind, Start,
    TrapKind,
};

/// Nanoseconds of a millisecond.
const MILLISECOND: u64 = 1_000_000;

/// What came of an effect.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is done.
    Done(Completion),
    /// It is done, and other processes are to run first.
    Yield,
    /// The process has to wait.
    Wait(Wait),
    /// The process exits.
    Exit(Reason),
}

/// The process whose effect it is.
pub(crate) struct EffectContext<'e> {
    pub(crate) actor: &'e mut ActorState,
    /// The program and the limits of processes that it spawns.
    pub(crate) program: &'e Arc<Program>,
    pub(crate) limits: Limits,
    /// How many requests it has made to other nodes.
    pub(crate) requests: &'e mut u64,
}

/// Carries an effect out, or says what the process has to wait for. Part of every turn, so that what
/// is much work for an effect is a function of its own.
#[inline(always)]
pub(crate) fn perform(context: Context<'_>, process: EffectContext<'_>, effect: Effect) -> Outcome {
    let shared = context.shared;
    let EffectContext { actor, program, limits, requests } = process;
    let me = actor.pid;
    let value = |value: i64| Outcome::Done(Completion::Value(value));
    match effect {
        Effect::Spawn { kind, start } => {
            let request = SpawnRequest { program, start, limits, kind };
            return spawn(context, actor, request, requests);
        }
        Effect::Send { to, tag, payload } => {
            let message = Message { tag, sender: me.bits(), payload };
            return send(context, actor, &limits, Pid::from_bits(to), message);
        }
        Effect::Receive { tag, timeout } => return receive(context, actor, tag, timeout),
        Effect::Link { .. } | Effect::Monitor { .. } | Effect::MonitorReply { .. }
            if !may_ask(actor) =>
        {
            return failed(TrapKind::RelationLimit);
        }
        Effect::Link { pid } => {
            link(context, actor, Pid::from_bits(pid));
            return after_request(context, Completion::Done);
        }
        Effect::Unlink { pid } => {
            unlink(context, actor, Pid::from_bits(pid));
            return after_request(context, Completion::Done);
        }
        Effect::Monitor { pid } => {
            let reference = monitor(context, actor, Pid::from_bits(pid));
            return after_request(context, Completion::Value(reference));
        }
        Effect::MonitorReply { pid, tag } => {
            monitor_reply(context, actor, Pid::from_bits(pid), tag);
            return after_request(context, Completion::Done);
        }
        Effect::Demonitor { reference } => {
            context.demonitor(actor, reference);
            return after_request(context, Completion::Done);
        }
        Effect::TrapExit { on } => actor.relations_mut().traps_exits = on,
        Effect::Kill { pid, reason } => {
            let (pid, signal) =
                (Pid::from_bits(pid), Signal::Kill { from: me, reason: Reason(reason) });
            if pid != me {
                context.send_signal(me, pid, signal);
                return after_request(context, Completion::Done);
            } else if let Some(reason) = actor.on_signal(signal) {
                return Outcome::Exit(reason);
            }
        }
        // The names of supervisors are the runtime's own.
        Effect::Register { pid, .. } | Effect::Unregister { pid, .. }
            if shared.is_supervisor(Pid::from_bits(pid)) => {}
        Effect::Register { name, pid } => {
            if register(context, &name, Pid::from_bits(pid)) == Registered::TooMany {
                return failed(TrapKind::RelationLimit);
            }
            return after_request(context, Completion::Done);
        }
        Effect::Unregister { name, pid } => {
            shared.names.unregister(&name, Pid::from_bits(pid), &shared.memory);
        }
        Effect::WhereIs { name } => return where_is(context, name, requests),
        Effect::Nodes => return value(shared.distribution.nodes().len() as i64),
        Effect::NodeAt { position } => {
            let nodes = shared.distribution.nodes();
            let node = usize::try_from(position).ok().and_then(|at| nodes.get(at).copied());
            return value(i64::from(node.unwrap_or(0)));
        }
        Effect::MonitorNodes { on } => {
            actor.relations_mut().monitors_nodes = on;
            shared.monitor_nodes(me, on);
        }
        Effect::Sleep { milliseconds } => {
            return Outcome::Wait(Wait::Sleep {
                until: deadline(shared.clock.mono(), milliseconds),
            });
        }
        Effect::Yield => return Outcome::Yield,
        Effect::SelfPid | Effect::Node | Effect::Now | Effect::Mono | Effect::Random => {
            return number(context, actor, &effect).map_or(failed(TrapKind::Internal), value);
        }
        Effect::Host { import, window } => return Outcome::Wait(Wait::Host { import, window }),
    }
    Outcome::Done(Completion::Done)
}

/// The number that an effect asks for, if that is all it does.
#[inline]
pub(crate) fn number(context: Context<'_>, actor: &ActorState, effect: &Effect) -> Option<i64> {
    let shared = context.shared;
    Some(match effect {
        Effect::SelfPid => actor.pid.bits(),
        Effect::Node => i64::from(shared.node()),
        Effect::Now => shared.clock.now() as i64,
        Effect::Mono => shared.clock.mono() as i64,
        Effect::Random => shared.random() as i64,
        _ => return None,
    })
}

fn receive(context: Context<'_>, actor: &mut ActorState, tag: i64, timeout: i64) -> Outcome {
    let Some(message) = actor.mailbox.take(tag) else {
        let until = (timeout >= 0).then(|| deadline(context.shared.clock.mono(), timeout));
        return Outcome::Wait(Wait::Message { tag, until });
    };
    Outcome::Done(Completion::Received(Some(message)))
}

#[inline(never)]
fn send(
    context: Context<'_>,
    actor: &mut ActorState,
    limits: &Limits,
    to: Pid,
    message: Message,
) -> Outcome {
    // Negative tags are reserved for the system: nothing is sent.
    if message.tag < 0 {
        return Outcome::Done(Completion::Done);
    }
    if to != actor.pid {
        actor.forget_caller(to, message.tag);
        return match context.send_message(actor.pid, to, message) {
            Ok(()) => Outcome::Done(Completion::Done),
            Err(SendRefused::NoCredit(message)) => Outcome::Wait(Wait::Credit { to, message }),
            Err(SendRefused::TooLong(_)) => failed(TrapKind::BadMessage),
        };
    }
    context.apply_signal(actor, Signal::Message(message));
    if actor.mailbox.is_over(limits) {
        return failed(TrapKind::MailboxLimit);
    }
    Outcome::Done(Completion::Done)
}

fn failed(kind: TrapKind) -> Outcome {
    Outcome::Done(Completion::Failed(kind))
}

/// Whether a process may ask for another link or monitor.
pub(crate) fn may_ask(actor: &ActorState) -> bool {
    actor.relations().is_none_or(Relations::may_ask)
}

/// The outcome of what a process has asked of another one, which cannot refuse to keep it: if that
/// was more than the node has memory for, the one who has asked ends.
fn after_request(context: Context<'_>, completion: Completion) -> Outcome {
    if context.shared.memory.is_over() {
        return failed(TrapKind::MemoryLimit);
    }
    Outcome::Done(completion)
}

/// The time so many ms from now; negative ones count as 0.
fn deadline(now: u64, milliseconds: i64) -> u64 {
    let time = u64::try_from(milliseconds).unwrap_or(0).saturating_mul(MILLISECOND);
    now.saturating_add(time).min(LAST_TIME)
}

/// A process that is to be spawned.
struct SpawnRequest<'s> {
    program: &'s Arc<Program>,
    start: Start,
    limits: Limits,
    kind: SpawnKind,
}

#[inline(never)]
fn spawn(
    context: Context<'_>,
    parent: &mut ActorState,
    request: SpawnRequest<'_>,
    requests: &mut u64,
) -> Outcome {
    let SpawnRequest { program, start, limits, kind } = request;
    let node = match kind {
        SpawnKind::At(node) => u32::try_from(node).unwrap_or(0),
        _ => context.shared.node(),
    };
    if node != context.shared.node() {
        if node == 0 || node > MAX_NODE {
            return Outcome::Done(Completion::Value(Pid::NOBODY.bits()));
        }
        // The other node may ask for the module.
        context.shared.add_program(program);
        let module = program.module().id();
        return request_remote(requests, RemoteRequest::Spawn { node, module, start, limits });
    }
    if kind != SpawnKind::Plain && !may_ask(parent) {
        return failed(TrapKind::RelationLimit);
    }
    if context.shared.memory.is_over() {
        return failed(TrapKind::MemoryLimit);
    }
    let me = parent.pid;
    let reference =
        (kind == SpawnKind::Monitored).then(|| parent.relations_mut().monitor(Pid::NOBODY));
    let registers = context.local.and_then(|local| local.free_list().registers());
    let process = Process::spawned_with(registers, program, &start, limits);
    let spawned = context.spawn(Body::Program(process, Arc::clone(program)), |entry| {
        if kind == SpawnKind::Linked {
            entry.actor.relations_mut().links.insert(me);
        }
        if let Some(reference) = reference {
            entry.actor.relations_mut().monitored_by.insert((me, reference));
        }
    });
    let Ok(pid) = spawned else {
        return failed(TrapKind::ProcessLimit);
    };
    if kind == SpawnKind::Linked {
        parent.relations_mut().links.insert(pid);
    }
    Outcome::Done(match reference {
        Some(reference) => {
            parent.relations_mut().monitors.insert(reference, pid);
            Completion::Pair(pid.bits(), reference)
        }
        None => Completion::Value(pid.bits()),
    })
}

/// Links a process to another one.
pub(crate) fn link(context: Context<'_>, actor: &mut ActorState, pid: Pid) {
    let me = actor.pid;
    if pid == me {
        return;
    }
    // Also when the link seems to be there: the other side may have undone it without hearing of this
    // side's, and a new link would then never come about.
    actor.relations_mut().links.insert(pid);
    add_remote_link(context, me, pid);
    context.send_signal(me, pid, Signal::Link { from: me });
}

/// Removes a link.
pub(crate) fn unlink(context: Context<'_>, actor: &mut ActorState, pid: Pid) {
    let me = actor.pid;
    if actor.relations_mut().links.remove(&pid) {
        context.send_signal(me, pid, Signal::Unlink { from: me });
    }
}

/// Monitors a process; gives the reference.
pub(crate) fn monitor(context: Context<'_>, actor: &mut ActorState, pid: Pid) -> i64 {
    let reference = actor.relations_mut().monitor(pid);
    ask_to_monitor(context, actor.pid, pid, reference);
    reference
}

/// Monitors a process until its reply with this tag has come.
pub(crate) fn monitor_reply(context: Context<'_>, actor: &mut ActorState, pid: Pid, tag: i64) {
    let me = actor.pid;
    if let Some(former) = actor.relations_mut().monitor_reply(pid, tag) {
        context.send_signal(me, former, Signal::Demonitor { from: me, reference: tag });
    }
    ask_to_monitor(context, me, pid, tag);
}

fn ask_to_monitor(context: Context<'_>, me: Pid, pid: Pid, reference: i64) {
    add_remote_link(context, me, pid);
    context.send_signal(me, pid, Signal::Monitor { from: me, reference });
}

/// Notes a link or monitor to another node before it is asked for: should the node be lost at this
/// moment, the loss is noticed here or there.
fn add_remote_link(context: Context<'_>, me: Pid, pid: Pid) {
    if pid.node() != context.shared.node() && pid.node() != 0 {
        context.shared.add_remote_link(pid.node(), me);
    }
}

/// Registers a name for a process of this node that lives; for one that does not, it does nothing.
pub(crate) fn register(context: Context<'_>, name: &str, pid: Pid) -> Registered {
    let shared = context.shared;
    if !shared.is_alive(pid) {
        return Registered::No;
    }
    let registered = shared.names.register(name, pid, &shared.memory);
    // It may have exited meanwhile, and its names were removed before this one came.
    if registered == Registered::Yes && !shared.is_alive(pid) {
        shared.names.forget(pid, &shared.memory);
    }
    registered
}

fn where_is(context: Context<'_>, name: String, requests: &mut u64) -> Outcome {
    let shared = context.shared;
    match name.rsplit_once('@') {
        Some((local, alias)) if !is_own(shared, alias) => {
            let (name, alias) = (local.to_string(), alias.to_string());
            request_remote(requests, RemoteRequest::WhereIs { name, alias })
        }
        Some((local, _)) => found(shared.names.find(local)),
        None => found(shared.names.find(&name)),
    }
}

/// Whether what stands behind the `@` of a name is this node: its alias, or `#` and its number.
fn is_own(shared: &Shared, alias: &str) -> bool {
    match alias.strip_prefix('#') {
        Some(number) => number.parse() == Ok(shared.node()),
        None => alias == shared.distribution.alias(),
    }
}

fn found(pid: Option<Pid>) -> Outcome {
    Outcome::Done(Completion::Found(pid.map(Pid::bits)))
}

fn request_remote(requests: &mut u64, request: RemoteRequest) -> Outcome {
    // In a restored process it may be anything, also the last one there is.
    *requests = requests.wrapping_add(1);
    Outcome::Wait(Wait::Reply { number: *requests, request: Box::new(request) })
}

/// The result of a wait, if it is over.
pub(crate) fn poll_wait(context: Context<'_>, actor: &mut ActorState) -> Option<Completion> {
    let me = actor.pid;
    match actor.wait.take()? {
        Wait::Message { tag, until } => {
            if let Some(message) = actor.mailbox.take(tag) {
                return Some(Completion::Received(Some(message)));
            }
            actor.wait = Some(Wait::Message { tag, until });
            None
        }
        Wait::Sleep { until } if until <= context.shared.clock.mono() => Some(Completion::Done),
        Wait::Credit { to, message } => {
            // Before trying: credit that comes from now on is told of.
            context.shared.await_credit(to.node(), me);
            let completion = match context.send_message(me, to, message) {
                Ok(()) => Completion::Done,
                Err(SendRefused::NoCredit(message)) => {
                    actor.wait = Some(Wait::Credit { to, message });
                    return None;
                }
                Err(SendRefused::TooLong(_)) => Completion::Failed(TrapKind::BadMessage),
            };
            context.shared.stop_awaiting_credit(to.node(), me);
            Some(completion)
        }
        wait => {
            actor.wait = Some(wait);
            None
        }
    }
}
