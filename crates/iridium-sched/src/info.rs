//! What can be seen of processes from outside.

use std::collections::HashMap;
use std::time::Duration;

use crossbeam_channel::unbounded;

use super::Scheduler;
use super::letter::Letter;
use super::sync::lock;
use super::task::{Body, Task};
use crate::actor::{Actor, Wait};
use crate::supervisor::ChildBody;
use iridium_isa::ModuleId;
use iridium_vm::{Pid, Place};

/// How long processes that are busy may take to show themselves.
const PATIENCE: Duration = Duration::from_secs(1);

/// A process, as it was at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessInfo {
    /// Its pid.
    pub pid: Pid,
    /// Its names.
    pub names: Vec<String>,
    /// The module that it runs; `None` for a supervisor.
    pub module: Option<ModuleId>,
    /// What it does.
    pub activity: Activity,
    /// Where it is in its program.
    pub place: Option<Place>,
    /// Fuel spent since its start.
    pub fuel: u64,
    /// Its heap, in bytes.
    pub heap: usize,
    /// All memory that it takes, in bytes.
    pub memory: u64,
    /// Messages that wait.
    pub messages: usize,
    /// Processes that it is linked to.
    pub links: usize,
}

/// A child of a supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildInfo {
    /// Its name.
    pub name: String,
    /// Its process, while it has one.
    pub pid: Option<Pid>,
    /// Whether it is a supervisor itself.
    pub supervises: bool,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It runs, or waits for its turn.
    Ready,
    /// It waits for a message.
    Receiving,
    /// It sleeps.
    Sleeping,
    /// It waits for another node.
    Remote,
    /// It is in a host function that takes its time.
    Blocked,
    /// It supervises others.
    Supervising,
}

impl Activity {
    /// The word shown to people and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Receiving => "receiving",
            Self::Sleeping => "sleeping",
            Self::Remote => "remote",
            Self::Blocked => "blocked",
            Self::Supervising => "supervising",
        }
    }
}

fn children(task: &Task) -> Option<Vec<ChildInfo>> {
    let Body::Supervisor(supervisor) = &task.body else { return None };
    let children = supervisor.children().map(|(child, pid)| ChildInfo {
        name: child.name.clone(),
        pid,
        supervises: matches!(child.body, ChildBody::Supervisor(_)),
    });
    Some(children.collect())
}

impl ProcessInfo {
    fn of(task: &Task, parked: bool) -> Self {
        let actor = &task.actor;
        let (module, place, fuel, heap) = match &task.body {
            Body::Program(process, program) => {
                let place = process.backtrace(program).into_iter().next();
                (Some(process.module()), place, process.fuel_spent(), process.heap().len())
            }
            Body::Supervisor(_) | Body::Ended => (None, None, 0, 0),
        };
        let activity = match (&task.body, &actor.wait) {
            (Body::Supervisor(_), _) => Activity::Supervising,
            (_, Some(Wait::Host { .. })) => Activity::Blocked,
            (_, Some(Wait::Message { .. })) if parked => Activity::Receiving,
            (_, Some(Wait::Time { .. })) if parked => Activity::Sleeping,
            (_, Some(Wait::Answer { .. } | Wait::Room { .. })) if parked => Activity::Remote,
            _ => Activity::Ready,
        };
        Self {
            pid: actor.pid,
            names: Vec::new(),
            module,
            activity,
            place,
            fuel,
            heap,
            memory: task.measure(),
            messages: actor.mailbox.len(),
            links: actor.has_ties().map_or(0, |ties| ties.links.len()),
        }
    }
}

impl ProcessInfo {
    pub(super) fn of_guest(actor: &Actor, names: Vec<String>) -> Self {
        Self {
            pid: actor.pid,
            names,
            module: None,
            activity: Activity::Ready,
            place: None,
            fuel: 0,
            heap: 0,
            memory: 0,
            messages: actor.mailbox.len(),
            links: actor.has_ties().map_or(0, |ties| ties.links.len()),
        }
    }
}

impl Scheduler {
    /// The messages that wait in the mailboxes of processes that wait, and the memory in bytes that
    /// these processes take. Those that run at this moment are left out.
    pub fn weight(&self) -> (u64, u64) {
        let weight = |task: &Task| (task.actor.mailbox.len() as u64, task.measure());
        let weights = self.shared().table.places();
        weights
            .filter_map(|place| place.look(|_, task, _| task.map(weight)))
            .fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }

    /// The children of a supervisor, in the order in which they start; `None` when the process is
    /// none, or does not show itself within a second.
    pub fn children(&self, supervisor: Pid) -> Option<Vec<ChildInfo>> {
        let (seen, answer) = unbounded();
        let look = move |task: &mut Task| {
            // Whoever asked may have gone meanwhile.
            let _ = seen.send(children(task));
        };
        self.shared().context().deliver(supervisor, Letter::Look(Box::new(look)));
        answer.recv_timeout(PATIENCE).ok().flatten()
    }

    /// All processes, by pid, without those that are driven from outside. Those that are busy for a
    /// second or more, in a host function say, are
    /// left out.
    pub fn processes(&self) -> Vec<ProcessInfo> {
        let shared = self.shared();
        let (seen, busy) = unbounded();
        let mut infos = Vec::new();
        // Those without fuel have no turn in which they would see that they are asked.
        let mut starving: HashMap<_, _> = lock(&shared.starved)
            .iter()
            .map(|task| (task.actor.pid.serial(), ProcessInfo::of(task, false)))
            .collect();
        for place in shared.table.places().filter(|place| !place.is_lent()) {
            let (serial, info) = place
                .look(|serial, task, _| (serial, task.map(|task| ProcessInfo::of(task, true))));
            match (serial, info.or_else(|| starving.remove(&serial))) {
                (0, _) => {}
                (_, Some(info)) => infos.push(info),
                (serial, None) => {
                    let seen = seen.clone();
                    let look = move |task: &mut Task| drop(seen.send(ProcessInfo::of(task, false)));
                    let pid = Pid::new(shared.node(), serial);
                    shared.context().deliver(pid, Letter::Look(Box::new(look)));
                }
            }
        }
        drop(seen);
        let deadline = std::time::Instant::now() + PATIENCE;
        while let Ok(info) = busy.recv_deadline(deadline) {
            infos.push(info);
        }
        for (name, pid) in shared.names.all() {
            if let Some(info) = infos.iter_mut().find(|info| info.pid == pid) {
                info.names.push(name);
            }
        }
        infos.sort_by_key(|info| info.pid);
        infos
    }
}
