//! From processes to bytes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};

use super::error::SaveError;
use super::held;
use super::saved::{Saved, SavedModule, SavedProcess};
use crate::native::NativeProcess;
use crate::process::entry::{Body, ProcessEntry};
use crate::process::slot_message::SlotMessage;
use crate::run::shared::Shared;
use crate::scheduler::Scheduler;
use crate::sync::lock;
use iridium_vm::{Pid, Process};

/// How long a process may take to come to the end of its turn.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How often to check whether a process that is to be saved has run out of fuel.
pub(super) const FUEL_CHECK: Duration = Duration::from_millis(20);
/// The longest patience; the system cannot count to all times that can be written down.
const MAX_PATIENCE: Duration = Duration::from_secs(1 << 30);

/// What is left of a scheduler that was [stopped](Scheduler::stop).
#[derive(Debug)]
#[must_use]
pub struct Stopped {
    /// The process that was asked for.
    pub process: Option<Process>,
    /// All processes, for [`restore_all`](Scheduler::restore_all), if they were asked for.
    pub saved: Option<Vec<u8>>,
}

impl Scheduler {
    /// Saves all processes, with their modules, names and messages. They go on afterwards. Native
    /// processes are left out.
    ///
    /// # Errors
    /// When a process keeps its worker for longer than `patience`.
    pub fn save_all(&self, patience: Duration) -> Result<Vec<u8>, SaveError> {
        self.save_held(patience, None)
    }

    /// As [`save_all`](Self::save_all), with a native process: its mailbox, links, monitors and
    /// names.
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
        let wanted = |entry: &ProcessEntry| save || entry.actor.pid == pid;
        let saved = self.hold(patience, |deadline| {
            let saved = held::save(shared, None, wanted, deadline)?;
            shared.stopped.store(true, Ordering::SeqCst);
            Some(saved)
        })?;
        let process = saved.processes.iter().find(|saved| saved.actor.pid == pid);
        let process = process.and_then(|saved| saved.process().cloned());
        let saved = save.then(|| saved.to_bytes()).transpose()?;
        Ok(Stopped { process, saved })
    }

    fn save_held(
        &self,
        patience: Duration,
        native: Option<&NativeProcess>,
    ) -> Result<Vec<u8>, SaveError> {
        self.hold(patience, |deadline| held::save(self.shared(), native, |_| true, deadline))
            .and_then(|saved| saved.to_bytes())
    }

    /// Does something while all workers are held and no host function runs.
    fn hold<R>(
        &self,
        patience: Duration,
        act: impl FnOnce(Instant) -> Option<R>,
    ) -> Result<R, SaveError> {
        let shared = self.shared();
        let patience = patience.min(MAX_PATIENCE);
        let deadline = Instant::now() + patience;
        let wake = || shared.idle.wake_all();
        let done = shared.pause.hold(self.workers(), patience, wake, || {
            let left = deadline.saturating_duration_since(Instant::now());
            shared.blocking.wait_until_idle(left).then(|| act(deadline))
        });
        done.flatten().flatten().ok_or(SaveError::Busy)
    }

    /// Saves a process, with its module if that is wanted. It goes on afterwards.
    ///
    /// # Errors
    /// When there is no such process, or it does not come to the end of a turn within 5 s.
    pub fn save(&self, pid: Pid, with_module: bool) -> Result<Vec<u8>, SaveError> {
        let shared = self.shared();
        let slot = shared.live_slot(pid).filter(|slot| !slot.is_native());
        let parked = slot.ok_or(SaveError::NoProcess)?.inspect(|_, entry, messages| {
            entry
                .filter(|entry| entry.actor.pid == pid)
                .and_then(|entry| one(shared, entry, messages, with_module))
        });
        match parked {
            Some(saved) => saved.to_bytes(),
            None => self.save_busy(pid, with_module)?.to_bytes(),
        }
    }

    /// Saves a process that is not parked, at the end of its turn.
    fn save_busy(&self, pid: Pid, with_module: bool) -> Result<Saved, SaveError> {
        let shared = self.shared();
        let (sender, saved) = bounded(1);
        let on_worker = Arc::clone(shared);
        let inspect = move |entry: &mut ProcessEntry| {
            // What has exited meanwhile could not go on anywhere.
            if !entry.has_exited {
                drop(one(&on_worker, entry, &[], with_module).map(|saved| sender.send(saved)));
            }
        };
        shared.context().deliver(pid, SlotMessage::Inspect(Box::new(inspect)));
        let deadline = Instant::now() + PATIENCE;
        loop {
            // One without fuel has no turn in which it could be inspected.
            let waiting = shared.inspect_out_of_fuel(pid, |entry, messages| {
                one(shared, entry, messages, with_module)
            });
            if let Some(saved) = waiting.flatten() {
                return Ok(saved);
            }
            match saved.recv_timeout(FUEL_CHECK) {
                Ok(saved) => return Ok(saved),
                Err(RecvTimeoutError::Disconnected) => return Err(SaveError::NoProcess),
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(RecvTimeoutError::Timeout) => return Err(SaveError::Busy),
            }
        }
    }
}

/// A single process.
pub(super) fn one(
    shared: &Shared,
    entry: &ProcessEntry,
    messages: &[SlotMessage],
    with_module: bool,
) -> Option<Saved> {
    let modules = match &entry.body {
        Body::Program(_, program) if with_module => vec![SavedModule::of(program)],
        _ => Vec::new(),
    };
    let mut saved = SavedProcess::of(entry, messages)?;
    // Which of several its module is matters only where there are several.
    let is_among_several =
        |process: &Process| lock(&shared.programs).is_ambiguous(process.module());
    if with_module || !saved.process().is_some_and(is_among_several) {
        saved = saved.only_module();
    }
    saved.names = shared.names.of(entry.actor.pid);
    let mono = shared.clock.mono();
    Some(Saved { serials: None, mono, random_state: 0, modules, processes: vec![saved] })
}
