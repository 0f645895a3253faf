//! Supervisors as processes: what [`Supervisor`] decides, carried out.

use std::sync::Arc;

use super::context::Context;
use crate::process::actor::{ActorState, Wait};
use crate::process::entry::Body;
use crate::process::mailbox::ANY_TAG;
use crate::process::reason::Reason;
use crate::process::signal::Signal;
use crate::supervisor::{Action, Child, ChildBody, Entry, MAX_DEPTH, Spec, Supervisor};
use iridium_isa::protocol::FirstMessage;
use iridium_vm::{Message, Payload, Pid, Process};

/// The most actions of a supervisor in a turn.
const ACTIONS: usize = 256;

/// How a supervisor goes on.
pub(crate) enum Step {
    /// After other processes have run.
    Yield,
    /// When a signal or its deadline comes.
    Park,
    /// It exits.
    Exit(Reason),
}

/// A supervisor that has not started its children.
pub(crate) fn body(spec: Spec) -> Body {
    Body::Supervisor(Box::new(Supervisor::new(spec)))
}

/// Shows a supervisor what has come, and does what it decides.
pub(crate) fn poll(
    context: Context<'_>,
    actor: &mut ActorState,
    supervisor: &mut Supervisor,
) -> Step {
    let now = context.shared.clock.mono();
    supervisor.start(now);
    let mut actions = ACTIONS;
    loop {
        while let Some(action) = supervisor.poll() {
            match action {
                Action::Start(index) => {
                    let started = match supervisor.spec().children.get(index) {
                        Some(child) => start(context, actor, child),
                        None => Err("there is no such child".into()),
                    };
                    supervisor.started(index, started, now);
                }
                Action::Kill { pid, reason } => {
                    context.send_signal(actor.pid, pid, Signal::Kill { from: actor.pid, reason });
                }
                Action::Report(what) => context.shared.observer.supervised(actor.pid, &what),
                Action::End(reason) => return Step::Exit(reason),
            }
            actions = actions.saturating_sub(1);
            if actions == 0 {
                return Step::Yield;
            }
        }
        if let Some(message) = actor.mailbox.take(ANY_TAG) {
            on_message(supervisor, &message, now);
        } else if supervisor.deadline().is_some_and(|deadline| deadline <= now) {
            supervisor.timeout(now);
        } else {
            actor.wait = Some(Wait::Message { tag: ANY_TAG, until: supervisor.deadline() });
            return Step::Park;
        }
    }
}

/// Applies a signal to a supervisor. `Some` when it is to exit by it.
pub(crate) fn on_signal(
    context: Context<'_>,
    actor: &mut ActorState,
    supervisor: &mut Supervisor,
    signal: Signal,
) -> Option<Reason> {
    match signal {
        // Not by way of the mailbox, where it would look like the exit of the sender.
        Signal::Kill { reason, .. } if reason != Reason::KILLED => {
            let now = context.shared.clock.mono();
            while let Some(message) = actor.mailbox.take(ANY_TAG) {
                on_message(supervisor, &message, now);
            }
            supervisor.stop(reason, now);
            None
        }
        // Programs do not write to supervisors.
        Signal::Message(_) => {
            context.shared.count_dead_letters(usize::from(signal.is_user_message()));
            None
        }
        // A child without a link would exit without its supervisor hearing of it, which would neither
        // restart it nor, waiting for its exit, ever exit itself. So the link is made again.
        Signal::Unlink { from } if supervisor.has_child(from) => {
            context.send_signal(actor.pid, from, Signal::Link { from: actor.pid });
            None
        }
        // A supervisor is linked to its children and to its own supervisor. Others may end with it,
        // and it does not end with them.
        Signal::Link { from } | Signal::Unlink { from } | Signal::Exit { from, .. }
            if !has_link(actor, from) =>
        {
            match signal {
                Signal::Link { .. } => actor.relations_mut().add_follower(from),
                _ => actor.relations_mut().remove_follower(from),
            }
            None
        }
        signal => context.apply_signal(actor, signal),
    }
}

fn first_message(from: Pid, first: &FirstMessage) -> Message {
    let payload = Payload::Bytes(first.payload.as_slice().into());
    Message { tag: first.tag, sender: from.bits(), payload }
}

fn has_link(actor: &ActorState, pid: Pid) -> bool {
    actor.relations().is_some_and(|relations| relations.links.contains(&pid))
}

/// Handles an exit signal that has come as a message. Others mean nothing to a supervisor.
fn on_message(supervisor: &mut Supervisor, message: &Message, now: u64) {
    let word = message.payload.bytes().try_into().map(i64::from_le_bytes);
    let (Message::EXIT, Ok(reason)) = (message.tag, word) else { return };
    let (pid, reason) = (Pid::from_bits(message.sender), Reason(reason));
    // What is left is the normal end of its own supervisor, which means nothing.
    if reason != Reason::NORMAL || supervisor.has_child(pid) {
        supervisor.exited(pid, reason, now);
    }
}

/// Starts a child, linked to its supervisor.
fn start(context: Context<'_>, actor: &mut ActorState, child: &Child) -> Result<Pid, String> {
    let body = match &child.body {
        ChildBody::Supervisor(spec) if spec.is_deeper_than(MAX_DEPTH - 1) => {
            return Err(format!("its supervisors are nested too deep: at most {MAX_DEPTH}"));
        }
        ChildBody::Supervisor(spec) => body(spec.clone()),
        ChildBody::Program { module, debug, entry, arguments, limits, .. } => {
            let exact = debug.and_then(|debug| context.shared.program_as(*module, debug));
            let program = exact.or_else(|| context.shared.program(*module));
            let program = program.ok_or_else(|| format!("its module {module} is not here"))?;
            let process = match entry {
                None => Some(Process::new(&program, *limits)),
                Some(Entry::Label(label)) => Process::at_label(&program, label, *limits),
                Some(Entry::At(index)) => Process::at(&program, *index, *limits),
            };
            let mut process = process.ok_or("its module has no such place to start at")?;
            for (number, argument) in (0..=u8::MAX).zip(arguments) {
                process.set_register(number, *argument);
            }
            Body::Program(process, Arc::clone(&program))
        }
    };
    let (me, name) = (actor.pid, child.registered.as_deref());
    let spawned = context.spawn_named(body, name, |entry| {
        let relations = entry.actor.relations_mut();
        relations.links.insert(me);
        relations.traps_exits = matches!(child.body, ChildBody::Supervisor(_));
        if let ChildBody::Program { first: Some(first), .. } = &child.body {
            entry.actor.mailbox.push(first_message(me, first));
        }
    });
    let pid = spawned.map_err(|error| error.to_string())?;
    actor.relations_mut().links.insert(pid);
    Ok(pid)
}
