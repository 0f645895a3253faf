//! Supervisors as processes: what [`Supervisor`] decides, carried out.

use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};

use super::Scheduler;
use super::exit::ExitInfo;
use super::shared::{Context, Full};
use super::task::{Body, Task};
use crate::actor::{Actor, Wait};
use crate::supervisor::{Action, Child, ChildBody, MAX_DEPTH, Spec, Supervisor};
use crate::{Reason, Signal};
use iridium_vm::{Message, Pid, Process};

/// What a supervisor does in a turn at most.
const ACTIONS: usize = 256;

/// How a supervisor goes on.
pub(crate) enum Tended {
    /// After others have had their turn.
    Later,
    /// When something comes.
    Wait,
    /// It ends.
    End(Reason),
}

impl Scheduler {
    /// Starts a supervisor, which starts its children. The programs of all modules in the tree must
    /// have been [made known](Self::add_program); a child whose program was not counts as one that
    /// ended abnormally. Tells of the end of the supervisor, which may come before this returns.
    ///
    /// # Errors
    /// When there are as many processes as there may be, or the name is taken.
    pub fn start_supervisor(
        &self,
        spec: Spec,
        name: Option<&str>,
    ) -> Result<(Pid, Receiver<ExitInfo>), Full> {
        let context = self.shared().context();
        let (witness, ending) = bounded(1);
        let pid = context.spawn_if(supervisor(spec), |task| {
            task.actor.ties().traps_exits = true;
            task.witnesses.push(witness);
            name.is_none_or(|name| context.shared.names.register(name.to_string(), task.actor.pid))
        })?;
        Ok((pid, ending))
    }
}

fn supervisor(spec: Spec) -> Body {
    Body::Supervisor(Box::new(Supervisor::new(spec)))
}

/// Lets a supervisor take in what has come, and does what it decides.
pub(crate) fn tend(context: Context<'_>, actor: &mut Actor, supervisor: &mut Supervisor) -> Tended {
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
                    context.post(actor.pid, pid, Signal::Kill { from: actor.pid, reason });
                }
                Action::Report(what) => context.shared.observer.supervised(actor.pid, &what),
                Action::End(reason) => return Tended::End(reason),
            }
            actions = actions.saturating_sub(1);
            if actions == 0 {
                return Tended::Later;
            }
        }
        if let Some(message) = actor.mailbox.take(-1) {
            take_in(actor, supervisor, &message, now);
        } else if supervisor.deadline().is_some_and(|deadline| deadline <= now) {
            supervisor.timeout(now);
        } else {
            actor.wait = Some(Wait::Message { tag: -1, until: supervisor.deadline() });
            return Tended::Wait;
        }
    }
}

/// Lets a supervisor take in a signal. `Some` when it is to end by it.
pub(crate) fn hear(
    context: Context<'_>,
    actor: &mut Actor,
    supervisor: &mut Supervisor,
    signal: Signal,
) -> Option<Reason> {
    match signal {
        // In the mailbox it would look like the end of the one who asks, should that have ended by
        // the time it is looked at.
        Signal::Kill { reason, .. } if reason != Reason::KILLED => {
            let now = context.shared.clock.mono();
            while let Some(message) = actor.mailbox.take(-1) {
                take_in(actor, supervisor, &message, now);
            }
            supervisor.stop(reason, now);
            None
        }
        // A child that were not linked would end without its supervisor hearing of it, which would
        // neither start it again nor, waiting for its end, ever end itself.
        Signal::Unlink { from } if supervisor.has_child(from) => {
            context.post(actor.pid, from, Signal::Link { from: actor.pid });
            None
        }
        signal => context.take_in(actor, signal),
    }
}

/// Takes in an exit signal. Other messages mean nothing to a supervisor.
fn take_in(actor: &mut Actor, supervisor: &mut Supervisor, message: &Message, now: u64) {
    let word = message.payload.bytes().try_into().map(i64::from_le_bytes);
    let (Message::EXIT, Ok(reason)) = (message.tag, word) else { return };
    let (pid, reason) = (Pid::from_bits(message.sender), Reason(reason));
    // Whoever ends is not linked any more; one who still is has only said that it wants this end.
    if actor.ties().links.contains(&pid) {
        supervisor.stop(reason, now);
    } else if reason != Reason::NORMAL || supervisor.has_child(pid) {
        supervisor.exited(pid, reason, now);
    }
    // What is left is one that was linked to it and came to its end, which leaves others alone.
}

/// Starts a child, linked to its supervisor.
fn start(context: Context<'_>, actor: &mut Actor, child: &Child) -> Result<Pid, String> {
    let body = match &child.body {
        ChildBody::Supervisor(spec) if spec.is_deeper_than(MAX_DEPTH - 1) => {
            return Err(format!("its supervisors are nested too deep: at most {MAX_DEPTH}"));
        }
        ChildBody::Supervisor(spec) => supervisor(spec.clone()),
        ChildBody::Program { module, entry, arguments, limits } => {
            let program = context.shared.program(*module);
            let program = program.ok_or_else(|| format!("its module {module} is not here"))?;
            let process = match entry {
                None => Some(Process::new(&program, *limits)),
                Some(label) => Process::at_label(&program, label, *limits),
            };
            let mut process = process.ok_or("its module has no such label to start at")?;
            for (number, argument) in (0..=u8::MAX).zip(arguments) {
                process.set_register(number, *argument);
            }
            Body::Program(process, Arc::clone(&program))
        }
    };
    let me = actor.pid;
    let mut taken = false;
    let spawned = context.spawn_if(body, |task: &mut Task| {
        let ties = task.actor.ties();
        ties.links.insert(me);
        ties.traps_exits = matches!(child.body, ChildBody::Supervisor(_));
        let name = child.registered.clone();
        taken = name.is_some_and(|name| !context.shared.names.register(name, task.actor.pid));
        !taken
    });
    match (spawned, &child.registered) {
        (Ok(pid), _) => {
            actor.ties().links.insert(pid);
            Ok(pid)
        }
        (Err(_), Some(name)) if taken => Err(format!("the name {name} is taken")),
        (Err(full), _) => Err(full.to_string()),
    }
}
