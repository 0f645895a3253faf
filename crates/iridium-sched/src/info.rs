//! What an embedder can see of processes.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::unbounded;

use crate::process::actor::{ActorState, Wait};
use crate::process::entry::{Body, ProcessEntry};
use crate::process::slot_message::SlotMessage;
use crate::scheduler::Scheduler;
use crate::supervisor::ChildBody;
use crate::sync::lock;
use iridium_isa::{DebugId, ModuleId};
use iridium_vm::{Pid, Place, Program};

/// How long to wait for a supervisor that is busy.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long to wait for the ends of turns of processes that are listed.
const TURN_WITHIN: Duration = Duration::from_millis(150);

/// A process, as it was at some moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessInfo {
    /// Its pid.
    pub pid: Pid,
    /// Its names.
    pub names: Vec<String>,
    /// The module that it runs; `None` for a supervisor.
    pub module: Option<ModuleId>,
    /// Which one of several that behave alike.
    pub debug: Option<DebugId>,
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

/// What processes take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Messages in their mailboxes.
    pub messages: u64,
    /// Their memory, in bytes.
    pub memory: u64,
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
#[non_exhaustive]
pub enum Activity {
    /// It runs, or waits for its turn.
    Ready,
    /// It waits for a message.
    Receiving,
    /// It sleeps.
    Sleeping,
    /// It waits for another node.
    Remote,
    /// It is in a blocking host function.
    Blocked,
    /// It supervises others.
    Supervising,
    /// It waits until its output is taken.
    Output,
    /// It has had no end of a turn for some time, in a host function say: nothing else is known.
    Busy,
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
            Self::Output => "output",
            Self::Busy => "busy",
        }
    }
}

fn children(entry: &ProcessEntry) -> Option<Vec<ChildInfo>> {
    let Body::Supervisor(supervisor) = &entry.body else { return None };
    let children = supervisor.children().map(|(child, pid)| ChildInfo {
        name: child.name.clone(),
        pid,
        supervises: matches!(child.body, ChildBody::Supervisor(_)),
    });
    Some(children.collect())
}

impl ProcessInfo {
    fn of(entry: &ProcessEntry, parked: bool) -> Self {
        let actor = &entry.actor;
        let (module, debug, place, fuel, heap) = match &entry.body {
            Body::Program(process, program) => {
                let place = Some(process.own_place(program.module()));
                let ids = (Some(process.module()), Some(program.debug_id()));
                (ids.0, ids.1, place, process.fuel_spent(), process.heap().len())
            }
            Body::Supervisor(_) | Body::Retiring(_) | Body::Ended => (None, None, None, 0, 0),
        };
        let activity = match (&entry.body, &actor.wait) {
            (Body::Supervisor(_), _) => Activity::Supervising,
            (_, Some(Wait::Host { .. })) => Activity::Blocked,
            (_, Some(Wait::Output)) => Activity::Output,
            (_, Some(Wait::Message { .. })) if parked => Activity::Receiving,
            (_, Some(Wait::Sleep { .. })) if parked => Activity::Sleeping,
            (_, Some(Wait::Reply { .. } | Wait::Credit { .. })) if parked => Activity::Remote,
            _ => Activity::Ready,
        };
        Self {
            pid: actor.pid,
            names: Vec::new(),
            module,
            debug,
            activity,
            place,
            fuel,
            heap,
            memory: entry.measure(),
            messages: actor.mailbox.len(),
            links: actor.relations().map_or(0, |relations| relations.links.len()),
        }
    }

    fn of_busy(pid: Pid) -> Self {
        let unknown = Self::of_native(&ActorState::new(pid), Vec::new());
        Self { activity: Activity::Busy, ..unknown }
    }

    pub(crate) fn of_native(actor: &ActorState, names: Vec<String>) -> Self {
        Self {
            pid: actor.pid,
            names,
            module: None,
            debug: None,
            activity: Activity::Ready,
            place: None,
            fuel: 0,
            heap: 0,
            memory: 0,
            messages: actor.mailbox.len(),
            links: actor.relations().map_or(0, |relations| relations.links.len()),
        }
    }
}

impl Scheduler {
    /// What the processes take that wait. Those that run at this moment are left out.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for slot in self.shared().table.slots() {
            slot.inspect(|_, entry, _| {
                if let Some(entry) = entry {
                    usage.messages += entry.actor.mailbox.len() as u64;
                    usage.memory += entry.measure();
                }
            });
        }
        usage
    }

    /// The children of a supervisor, in the order in which they start; `None` when the process is
    /// no supervisor, or has no turn within a second.
    pub fn children(&self, supervisor: Pid) -> Option<Vec<ChildInfo>> {
        self.inspect(supervisor, |entry| children(entry))
    }

    /// The program that a process runs, and the instruction that its outermost call is at. `None` when
    /// it runs none, or has no turn within a second.
    pub fn program_of(&self, pid: Pid) -> Option<(Arc<Program>, u32)> {
        self.inspect(pid, |entry| match &entry.body {
            Body::Program(process, program) => Some((Arc::clone(program), process.outermost())),
            Body::Supervisor(_) | Body::Retiring(_) | Body::Ended => None,
        })
    }

    /// What is found in a process when it has its turn; `None` also when it has none in time.
    fn inspect<T: Send + 'static>(
        &self,
        pid: Pid,
        find: impl FnOnce(&mut ProcessEntry) -> Option<T> + Send + 'static,
    ) -> Option<T> {
        let (seen, answer) = unbounded();
        let inspect = move |entry: &mut ProcessEntry| {
            // Whoever asked may have gone meanwhile.
            let _ = seen.send(find(entry));
        };
        self.shared().context().deliver(pid, SlotMessage::Inspect(Box::new(inspect)));
        answer.recv_timeout(PATIENCE).ok().flatten()
    }

    /// All processes, by pid, without native ones. This takes 150 ms at most for those that are
    /// [busy](Activity::Busy).
    pub fn processes(&self) -> Vec<ProcessInfo> {
        let shared = self.shared();
        let (seen, busy) = unbounded();
        let (mut infos, mut silent) = (Vec::new(), BTreeSet::new());
        let _inspection = shared.begin_inspection();
        // Those without fuel have no turn in which they could be inspected.
        let mut out_of_fuel: HashMap<_, _> = lock(&shared.out_of_fuel)
            .iter()
            .filter_map(|entry| {
                Some((shared.serial_of(entry.actor.pid)?, ProcessInfo::of(entry, false)))
            })
            .collect();
        for slot in shared.table.slots().filter(|slot| !slot.is_native()) {
            let (serial, parked) =
                slot.inspect(|serial, entry, _| (serial, entry.map(|e| ProcessInfo::of(e, true))));
            let Some(serial) = serial.map(NonZeroU64::get) else { continue };
            if let Some(info) = parked.or_else(|| out_of_fuel.remove(&serial)) {
                infos.push(info);
                continue;
            }
            let seen = seen.clone();
            let inspect =
                move |entry: &mut ProcessEntry| drop(seen.send(ProcessInfo::of(entry, false)));
            let pid = Pid::new(shared.node(), serial);
            silent.insert(pid);
            shared.context().deliver(pid, SlotMessage::Inspect(Box::new(inspect)));
        }
        drop(seen);
        let deadline = Instant::now() + TURN_WITHIN;
        while let Ok(info) = busy.recv_deadline(deadline) {
            silent.remove(&info.pid);
            infos.push(info);
        }
        let silent = silent.into_iter().filter(|pid| shared.is_alive(*pid));
        infos.extend(silent.map(ProcessInfo::of_busy));
        infos.sort_by_key(|info| info.pid);
        for (name, pid) in shared.names.all() {
            if let Ok(at) = infos.binary_search_by_key(&pid, |info| info.pid) {
                infos[at].names.push(name);
            }
        }
        infos
    }
}
