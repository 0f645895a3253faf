//! Saving everything, while all workers are held.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use crossbeam_deque::Steal;

use super::super::letter::Letter;
use super::super::native::NativeProcess;
use super::super::shared::Shared;
use super::super::sync::lock;
use super::super::task::{Body, Task};
use super::saved::{Saved, SavedTask};
use iridium_isa::{Module, ModuleId};

/// Saves the processes that are wanted; `None` when it was not all there by the deadline.
pub(super) fn save(
    shared: &Shared,
    native: Option<&NativeProcess>,
    wanted: impl Fn(&Task) -> bool,
    deadline: Instant,
) -> Option<Saved> {
    let mut processes = Vec::new();
    let mut modules: HashMap<ModuleId, Arc<Module>> = HashMap::new();
    let mut add = |task: &Task, letters: &[Letter]| {
        if !wanted(task) {
            return;
        }
        if let Body::Program(_, program) = &task.body {
            modules.entry(program.module().id()).or_insert_with(|| Arc::clone(program.module()));
        }
        processes.push(SavedTask::of(task, letters));
    };
    let mut parked = HashSet::new();
    let mut away = HashSet::new();
    for place in shared.table.places() {
        place.look(|serial, task, letters| match task {
            Some(task) => {
                parked.insert(serial);
                add(task, letters);
            }
            None => drop(away.insert(serial)),
        });
        if place.is_lent() {
            away.remove(&place.look(|serial, _, _| serial));
        }
    }
    away.remove(&0);
    let drained = drain(shared, away, deadline);
    // Whoever was made ready meanwhile, by a timer say, was saved where it was parked.
    let found = drained.as_ref().unwrap_or_else(|found| found);
    for task in found.iter().filter(|task| !parked.contains(&task.actor.pid.serial())) {
        let place = shared.table.place(task.actor.pid.serial()).unwrap_or(&shared.nowhere);
        place.look(|_, _, letters| add(task, letters));
    }
    let complete = drained.is_ok();
    for task in drained.unwrap_or_else(|found| found) {
        shared.injector.push(task);
    }
    if let Some(native) = native {
        let place = shared.table.place(native.pid().serial()).unwrap_or(&shared.nowhere);
        place.look(|_, _, letters| processes.push(SavedTask::of_guest(native, letters)));
    }
    // Supervisors start children of modules that nobody may run at this moment.
    for (id, program) in lock(&shared.programs).iter() {
        modules.entry(*id).or_insert_with(|| Arc::clone(program.module()));
    }
    let mut names: HashMap<_, Vec<_>> = HashMap::new();
    for (name, pid) in shared.names.all() {
        names.entry(pid).or_default().push(name);
    }
    for saved in &mut processes {
        saved.names = names.remove(&saved.actor.pid).unwrap_or_default();
    }
    processes.sort_by_key(|saved| saved.actor.pid);
    let serials = processes.iter().map(|saved| saved.actor.pid.serial()).collect();
    complete.then(|| Saved {
        shape: Some(shared.table.shape(shared.node(), &serials)),
        mono: shared.clock.mono(),
        chance: shared.chance.load(Ordering::SeqCst),
        modules: modules.values().map(|module| module.to_bytes()).collect(),
        processes,
    })
}

/// Takes all processes out of the queues, and waits for those who are away but not there yet: a
/// timer, say, takes a process out of its slot first and puts it into a queue then. `Err` with
/// those that were found when some did not come.
#[expect(clippy::vec_box, reason = "they go back to the queues in their boxes")]
fn drain(
    shared: &Shared,
    mut away: HashSet<u64>,
    deadline: Instant,
) -> Result<Vec<Box<Task>>, Vec<Box<Task>>> {
    let mut tasks = Vec::new();
    loop {
        let before = tasks.len();
        tasks.append(&mut queued(shared));
        for task in tasks.iter().skip(before) {
            away.remove(&task.actor.pid.serial());
        }
        if away.is_empty() {
            return Ok(tasks);
        }
        if Instant::now() >= deadline {
            return Err(tasks);
        }
        thread::yield_now();
    }
}

/// Takes the processes out of the queues that are there at this moment.
#[expect(clippy::vec_box, reason = "they go back to the queues in their boxes")]
fn queued(shared: &Shared) -> Vec<Box<Task>> {
    let mut tasks = std::mem::take(&mut *lock(&shared.starved));
    let mut take = |steal: &dyn Fn() -> Steal<Box<Task>>| loop {
        match steal() {
            Steal::Success(task) => tasks.push(task),
            Steal::Retry => {}
            Steal::Empty => break,
        }
    };
    for stealer in &shared.stealers {
        take(&|| stealer.steal());
    }
    take(&|| shared.injector.steal());
    tasks
}
