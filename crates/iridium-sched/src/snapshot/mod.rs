//! Processes of a scheduler as bytes: one, or all.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | magic `IRSN` |
//! | 2 | version, little-endian |
//! | 4 | CRC-32 of the rest |
//! | … | a [`Saved`] |
//!
//! All processes are saved between two turns, while the workers are held. Deadlines are kept as time
//! left. What a process was asking another node is asked again, and a host function that had not
//! been called yet is called then.

mod held;
mod restore;
mod saved;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};

pub use self::restore::RestoreError;
use self::saved::{Saved, SavedBody, SavedTask};
use super::Scheduler;
use super::letter::Letter;
use super::native::NativeProcess;
use super::shared::Shared;
use super::task::{Body, Task};
use iridium_vm::{Pid, Process};

/// The version that is written and read.
pub const VERSION: u16 = 1;
/// How long workers may take to be held, and a process to come to the end of its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often somebody who waits for a process looks whether it has run out of fuel.
const GLANCE: Duration = Duration::from_millis(20);
/// The longest that somebody waits; the system cannot count to all times that can be written down.
const MOST_PATIENCE: Duration = Duration::from_secs(1 << 30);

/// Why processes could not be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// There is no such process, or it is driven from outside.
    #[error("there is no such process")]
    NoProcess,
    /// A process did not come to a point where it can be saved.
    #[error("a process was busy for too long, in a host function or in writing its output")]
    Busy,
}

/// What is left of a scheduler that was [stopped](Scheduler::stop).
#[derive(Debug)]
pub struct Stopped {
    /// The process that was asked for.
    pub process: Option<Process>,
    /// All processes, for [`restore_all`](Scheduler::restore_all), if they were asked for.
    pub saved: Option<Vec<u8>>,
}

impl Scheduler {
    /// Saves all processes, with their modules, names and messages. They go on afterwards. Guests
    /// are left out.
    ///
    /// # Errors
    /// When a process keeps its worker for longer than `patience`.
    pub fn save_all(&self, patience: Duration) -> Result<Vec<u8>, SaveError> {
        self.save_held(patience, None)
    }

    /// As [`save_all`](Self::save_all), with a native: its mailbox, its ties and its names.
    ///
    /// # Errors
    /// As [`save_all`](Self::save_all).
    pub fn save_with(
        &self,
        native: &NativeProcess,
        patience: Duration,
    ) -> Result<Vec<u8>, SaveError> {
        self.save_held(patience, Some(native))
    }

    /// Stops all workers between two turns, for good, and gives the state in which the process
    /// `pid` is, if it lives and has a program, and, if that is wanted, all processes as
    /// [`save_all`](Self::save_all) does. Nothing has run or written anything after that moment.
    ///
    /// # Errors
    /// As [`save_all`](Self::save_all). All goes on then.
    pub fn stop(&self, pid: Pid, save: bool, patience: Duration) -> Result<Stopped, SaveError> {
        let shared = self.shared();
        let wanted = |task: &Task| save || task.actor.pid == pid;
        let saved = self.hold(patience, |deadline| {
            let saved = held::save(shared, None, wanted, deadline)?;
            shared.stopped.store(true, Ordering::SeqCst);
            Some(saved)
        })?;
        let process = saved.processes.iter().find(|saved| saved.actor.pid == pid);
        let process = process.and_then(|saved| match &saved.body {
            SavedBody::Program(process) => Some(process.clone()),
            SavedBody::Supervisor(_) | SavedBody::NativeProcess => None,
        });
        Ok(Stopped { process, saved: save.then(|| saved.to_bytes()) })
    }

    fn save_held(
        &self,
        patience: Duration,
        native: Option<&NativeProcess>,
    ) -> Result<Vec<u8>, SaveError> {
        self.hold(patience, |deadline| held::save(self.shared(), native, |_| true, deadline))
            .map(|saved| saved.to_bytes())
    }

    /// Does something while all workers are held and no host function runs.
    fn hold<R>(
        &self,
        patience: Duration,
        act: impl FnOnce(Instant) -> Option<R>,
    ) -> Result<R, SaveError> {
        let shared = self.shared();
        let patience = patience.min(MOST_PATIENCE);
        let deadline = Instant::now() + patience;
        let wake = || shared.idle.wake_all();
        let done = shared.pause.hold(self.inner.workers, patience, wake, || {
            let rest = deadline.saturating_duration_since(Instant::now());
            shared.blocking.wait_until_idle(rest).then(|| act(deadline))
        });
        done.flatten().flatten().ok_or(SaveError::Busy)
    }

    /// Saves a process, with its module if that is wanted. It goes on afterwards.
    ///
    /// # Errors
    /// When there is no such process, or it does not come to the end of a turn within 5 s.
    pub fn save(&self, pid: Pid, with_module: bool) -> Result<Vec<u8>, SaveError> {
        let shared = Arc::clone(self.shared());
        let place = shared.table.place(pid.serial()).filter(|_| pid.node() == shared.node());
        let parked = place.ok_or(SaveError::NoProcess)?.look(|serial, task, letters| {
            (serial == pid.serial())
                .then(|| task.map(|task| one(&shared, task, letters, with_module)))
        });
        match parked {
            None => Err(SaveError::NoProcess),
            Some(Some(saved)) => Ok(saved.to_bytes()),
            Some(None) => {
                let (sender, saved) = bounded(1);
                let on_worker = Arc::clone(&shared);
                let look = move |task: &mut Task| {
                    // What has ended meanwhile could not go on anywhere.
                    if !task.has_ended {
                        drop(sender.send(one(&on_worker, task, &[], with_module)));
                    }
                };
                shared.context().deliver(pid, Letter::Look(Box::new(look)));
                let deadline = Instant::now() + PATIENCE;
                let saved = loop {
                    // One without fuel has no turn in which it would see that it is asked.
                    let look =
                        |task: &Task, letters: &[Letter]| one(&shared, task, letters, with_module);
                    if let Some(saved) = shared.look_at_starving(pid, look) {
                        break saved;
                    }
                    match saved.recv_timeout(GLANCE) {
                        Ok(saved) => break saved,
                        Err(RecvTimeoutError::Disconnected) => return Err(SaveError::NoProcess),
                        Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                        Err(RecvTimeoutError::Timeout) => return Err(SaveError::Busy),
                    }
                };
                Ok(saved.to_bytes())
            }
        }
    }
}

/// A single process.
fn one(shared: &Shared, task: &Task, letters: &[Letter], with_module: bool) -> Saved {
    let modules = match &task.body {
        Body::Program(_, program) if with_module => vec![program.module().to_bytes()],
        _ => Vec::new(),
    };
    let mut saved = SavedTask::of(task, letters);
    saved.names = shared.names.of(task.actor.pid);
    Saved { shape: None, mono: shared.clock.mono(), chance: 0, modules, processes: vec![saved] }
}
