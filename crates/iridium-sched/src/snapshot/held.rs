//! Saving everything, while all workers are held.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use crossbeam_deque::Steal;

use super::saved::{Saved, SavedModule, SavedProcess};
use crate::native::NativeProcess;
use crate::process::entry::{Body, ProcessEntry};
use crate::process::slot_message::SlotMessage;
use crate::programs::Programs;
use crate::run::shared::Shared;
use crate::sync::lock;
use iridium_vm::Pid;

/// Saves the processes that are wanted; `None` when some that can run were not found by the deadline.
pub(super) fn save(
    shared: &Shared,
    native: Option<&NativeProcess>,
    wanted: impl Fn(&ProcessEntry) -> bool,
    deadline: Instant,
) -> Option<Saved> {
    complete_exits(shared);
    let mut found = Found { wanted, processes: Vec::new(), programs: Programs::default() };
    let mut parked = HashSet::new();
    let mut away = HashSet::new();
    for slot in shared.table.slots() {
        slot.inspect(|serial, entry, messages| match (serial, entry) {
            (Some(serial), Some(entry)) => {
                parked.insert(serial.get());
                found.add(entry, messages);
            }
            (Some(serial), None) => drop(away.insert(serial.get())),
            (None, _) => {}
        });
        if slot.is_native() {
            let serial = slot.inspect(|serial, _, _| serial.map(NonZeroU64::get));
            serial.map(|serial| away.remove(&serial));
        }
    }
    let (entries, complete) = drain(shared, away, deadline);
    // What was made ready meanwhile, by a timer say, was saved where it was parked.
    let is_parked = |entry: &ProcessEntry| {
        shared.serial_of(entry.actor.pid).is_some_and(|serial| parked.contains(&serial))
    };
    for entry in entries.iter().filter(|entry| !is_parked(entry)) {
        if let Some(slot) = shared.slot_of(entry.actor.pid) {
            slot.inspect(|_, _, messages| found.add(entry, messages));
        }
    }
    for entry in entries {
        shared.injector.push(entry);
    }
    let Found { mut processes, mut programs, .. } = found;
    if let Some(native) = native
        && let Some(slot) = shared.slot_of(native.pid())
    {
        let saved = slot.inspect(|_, _, messages| SavedProcess::of_native(native, messages));
        processes.push(saved);
    }
    // Supervisors start children of modules that no process may run at this moment.
    for program in lock(&shared.programs).iter() {
        programs.add(program);
    }
    let is_only = |saved: &SavedProcess| {
        saved.process().is_some_and(|process| !programs.is_ambiguous(process.module()))
    };
    let short = |saved| if is_only(&saved) { saved.only_module() } else { saved };
    processes = processes.into_iter().map(short).collect();
    let mut names: HashMap<_, Vec<_>> = HashMap::new();
    for (name, pid) in shared.names.all() {
        names.entry(pid).or_default().push(name);
    }
    for saved in &mut processes {
        saved.names = names.remove(&saved.actor.pid).unwrap_or_default();
    }
    processes.sort_by_key(|saved| saved.actor.pid);
    // Those that have their home elsewhere get slots anew.
    let local = processes.iter().map(|saved| saved.actor.pid);
    let local = local.filter(|pid| pid.node() == shared.node());
    let serials = local.map(Pid::serial).collect();
    complete.then(|| Saved {
        serials: Some(shared.table.serials(shared.node(), &serials)),
        mono: shared.clock.mono(),
        random_state: shared.random_state.load(Ordering::SeqCst),
        modules: programs.iter().map(SavedModule::of).collect(),
        processes,
    })
}

/// What was saved so far.
struct Found<W> {
    wanted: W,
    processes: Vec<SavedProcess>,
    programs: Programs,
}

impl<W: Fn(&ProcessEntry) -> bool> Found<W> {
    fn add(&mut self, entry: &ProcessEntry, messages: &[SlotMessage]) {
        if !(self.wanted)(entry) {
            return;
        }
        if let Body::Program(_, program) = &entry.body {
            self.programs.add(program);
        }
        self.processes.extend(SavedProcess::of(entry, messages));
    }
}

/// Has exited processes tell all that are related to them, so that none is saved that waits for that.
fn complete_exits(shared: &Shared) {
    for entry in queued(shared) {
        match entry.body {
            Body::Retiring(_) => shared.context().complete_exit(entry),
            _ => shared.injector.push(entry),
        }
    }
}

/// Takes all processes out of the queues, and waits for those that are away but not there yet: a
/// timer, say, takes a process out of its slot first and puts it into a queue then. Returns those that
/// were found, and whether that is all.
#[expect(clippy::vec_box, reason = "they go back to the queues in their boxes")]
fn drain(
    shared: &Shared,
    mut away: HashSet<u64>,
    deadline: Instant,
) -> (Vec<Box<ProcessEntry>>, bool) {
    let mut entries = Vec::new();
    loop {
        let before = entries.len();
        entries.append(&mut queued(shared));
        for entry in entries.iter().skip(before) {
            shared.serial_of(entry.actor.pid).map(|serial| away.remove(&serial));
        }
        if away.is_empty() || Instant::now() >= deadline {
            return (entries, away.is_empty());
        }
        thread::yield_now();
    }
}

/// Takes the processes out of the queues that are there at this moment.
#[expect(clippy::vec_box, reason = "they go back to the queues in their boxes")]
fn queued(shared: &Shared) -> Vec<Box<ProcessEntry>> {
    let mut entries = std::mem::take(&mut *lock(&shared.out_of_fuel));
    let mut take = |steal: &dyn Fn() -> Steal<Box<ProcessEntry>>| loop {
        match steal() {
            Steal::Success(entry) => entries.push(entry),
            Steal::Retry => {}
            Steal::Empty => break,
        }
    };
    for stealer in &shared.stealers {
        take(&|| stealer.steal());
    }
    take(&|| shared.injector.steal());
    entries
}
