//! What all threads of a scheduler share.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crossbeam_deque::{Injector, Steal};
use crossbeam_utils::sync::Unparker;

use super::awaiting_output::AwaitingOutput;
use super::blocking_queue::BlockingCalls;
use super::idle::Idle;
use super::local_queue::Stealers;
use super::memory_trim::MemoryTrim;
use super::names::Names;
use super::pause::Pause;
use super::residents::Residents;
use super::timers::Timers;
use super::unknown_tags::UnknownTags;
use crate::clock::Clock;
use crate::distribution::Distribution;
use crate::embedder::{Observer, Output};
use crate::memory::Memory;
use crate::process::entry::ProcessEntry;
use crate::process::pending_reply::DeferredCalls;
use crate::process::slot_message::{ProcessSlot, SlotMessage};
use crate::programs::Programs;
use crate::sync::lock;
use crate::table::Table;
use crate::threads::Threads;
use iridium_isa::{DebugId, ModuleId};
use iridium_vm::{Engine, Pid, Program};

/// What all threads of a scheduler share.
pub(crate) struct Shared {
    pub(crate) node: AtomicU32,
    pub(crate) table: Table,
    /// Processes that were made ready outside of workers.
    pub(crate) injector: Injector<Box<ProcessEntry>>,
    pub(crate) stealers: Vec<Stealers>,
    pub(crate) idle: Idle<Unparker>,
    pub(crate) timers: Timers,
    pub(crate) clock: Clock,
    pub(crate) names: Names,
    pub(crate) blocking: BlockingCalls,
    /// Host calls that are answered later.
    pub(crate) deferred: DeferredCalls,
    /// How many native processes wait for what comes from outside: each may make others go on.
    pub(crate) outside: AtomicUsize,
    pub(crate) residents: Residents,
    pub(crate) threads: Threads,
    pub(crate) memory_trim: MemoryTrim,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) output: Arc<dyn Output>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) distribution: Arc<dyn Distribution>,
    pub(crate) pause: Pause,
    pub(crate) stopped: AtomicBool,
    /// Fuel that all processes together may still spend, where that is limited.
    pub(crate) fuel: Option<AtomicI64>,
    /// Processes that wait for fuel.
    #[expect(clippy::vec_box, reason = "they go back to the queues in their boxes")]
    pub(crate) out_of_fuel: Mutex<Vec<Box<ProcessEntry>>>,
    pub(crate) memory: Memory,
    pub(crate) random_state: AtomicU64,
    /// Processes with links or monitors to or from other nodes, by node.
    pub(crate) remote_links: Mutex<HashMap<u32, HashSet<Pid>>>,
    /// Processes that wait for credit for a message to another node, by node.
    pub(crate) awaiting_credit: Mutex<HashMap<u32, HashSet<Pid>>>,
    /// Processes that wait for room for their output.
    pub(crate) awaiting_output: AwaitingOutput,
    /// Processes that want messages about nodes that come and go.
    pub(crate) node_monitors: Mutex<HashSet<Pid>>,
    /// The programs that can be named by the identity of their module.
    pub(crate) programs: Mutex<Programs>,
    /// How many look at processes at this moment.
    pub(crate) inspections: AtomicUsize,
    /// Fuel that was spent since the start.
    pub(crate) fuel_spent: AtomicU64,
    /// Messages of processes that were never received.
    pub(crate) dead_letters: AtomicU64,
    /// The tags of messages that processes did not understand, as far as they were logged.
    pub(crate) unknown_tags: UnknownTags,
}

impl Shared {
    /// The number of this node.
    pub(crate) fn node(&self) -> u32 {
        self.node.load(Ordering::Relaxed)
    }

    /// The slot of a process that lives. It always has one; if not, that is logged.
    #[inline]
    pub(crate) fn slot_of(&self, pid: Pid) -> Option<&ProcessSlot> {
        let slot = self.serial_of(pid).and_then(|serial| self.table.slot(serial));
        slot.or_else(|| no_slot(pid))
    }

    /// The slot of a process, if it lives here.
    pub(crate) fn live_slot(&self, pid: Pid) -> Option<&ProcessSlot> {
        let serial = self.serial_of(pid)?;
        self.table.slot(serial).filter(|slot| slot.is_of(serial))
    }

    /// Whether a process is a supervisor of this node that lives.
    pub(crate) fn is_supervisor(&self, pid: Pid) -> bool {
        let serial = self.serial_of(pid);
        let slot = serial.and_then(|serial| Some((serial, self.table.slot(serial)?)));
        slot.is_some_and(|(serial, slot)| slot.is_of_system(serial))
    }

    /// Whether a process of this node lives.
    pub(crate) fn is_alive(&self, pid: Pid) -> bool {
        self.live_slot(pid).is_some()
    }

    /// The serial of the slot that a process has here, if it lives. `None` for processes of other
    /// nodes.
    #[inline(always)]
    pub(crate) fn serial_of(&self, pid: Pid) -> Option<u64> {
        if pid.node() == self.node() { Some(pid.serial()) } else { self.residents.serial_of(pid) }
    }

    /// 64 random bits. Source: `SplitMix64`, Steele, Lea and Flood, "Fast splittable pseudorandom
    /// number generators", 2014.
    pub(crate) fn random(&self) -> u64 {
        const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.random_state.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Notes that a process here has a link or monitor to or from another node.
    pub(crate) fn add_remote_link(&self, node: u32, pid: Pid) {
        lock(&self.remote_links).entry(node).or_default().insert(pid);
    }

    /// Forgets the links and monitors of a process that has exited.
    pub(crate) fn remove_remote_links(&self, pid: Pid) {
        let mut remote_links = lock(&self.remote_links);
        if !remote_links.is_empty() {
            remote_links.retain(|_, pids| {
                pids.remove(&pid);
                !pids.is_empty()
            });
        }
    }

    /// The program of a module that was [added](Self::add_program).
    pub(crate) fn program(&self, id: ModuleId) -> Option<Arc<Program>> {
        lock(&self.programs).find(id).cloned()
    }

    /// As [`program`](Self::program): the one with this debug information, if it was added.
    pub(crate) fn program_as(&self, id: ModuleId, debug: DebugId) -> Option<Arc<Program>> {
        lock(&self.programs).find_exact(id, debug).cloned()
    }

    /// Makes a program known by the identity of its module.
    pub(crate) fn add_program(&self, program: &Arc<Program>) {
        if !lock(&self.programs).has(program) {
            // It is computed once, and not under the lock.
            program.debug_id();
            lock(&self.programs).add(program);
        }
    }

    /// Notes that a process waits for credit for a message to another node.
    pub(crate) fn await_credit(&self, node: u32, pid: Pid) {
        lock(&self.awaiting_credit).entry(node).or_default().insert(pid);
    }

    /// Forgets that a process waited for credit.
    pub(crate) fn stop_awaiting_credit(&self, node: u32, pid: Pid) {
        let mut awaiting_credit = lock(&self.awaiting_credit);
        if let Entry::Occupied(mut waiting) = awaiting_credit.entry(node) {
            waiting.get_mut().remove(&pid);
            if waiting.get().is_empty() {
                waiting.remove();
            }
        }
    }

    /// Notes whether a process wants messages about nodes that come and go.
    pub(crate) fn monitor_nodes(&self, pid: Pid, on: bool) {
        let mut monitors = lock(&self.node_monitors);
        if on {
            monitors.insert(pid)
        } else {
            monitors.remove(&pid)
        };
    }

    /// Counts messages that nobody will receive.
    pub(crate) fn count_dead_letters(&self, messages: usize) {
        if messages > 0 {
            self.dead_letters.fetch_add(messages as u64, Ordering::Relaxed);
        }
    }

    /// Whether there are processes that wait for fuel.
    pub(crate) fn has_out_of_fuel(&self) -> bool {
        !lock(&self.out_of_fuel).is_empty()
    }

    /// Shows a process that waits for fuel, and the messages in its slot.
    pub(crate) fn inspect_out_of_fuel<R>(
        &self,
        pid: Pid,
        inspect: impl FnOnce(&ProcessEntry, &[SlotMessage]) -> R,
    ) -> Option<R> {
        let out_of_fuel = lock(&self.out_of_fuel);
        let entry = out_of_fuel.iter().find(|entry| entry.actor.pid == pid)?;
        Some(self.slot_of(pid)?.inspect(|_, _, messages| inspect(entry, messages)))
    }

    /// Drops all processes, which nobody runs any more. That disconnects those who wait for exits.
    pub(crate) fn drop_processes(&self) {
        for slot in self.table.slots().filter(|slot| !slot.is_native()) {
            slot.vacate();
        }
        lock(&self.out_of_fuel).clear();
        while !matches!(self.injector.steal(), Steal::Empty) {}
        for stealer in &self.stealers {
            while !matches!(stealer.steal(), Steal::Empty) {}
        }
    }

    /// Makes sure that a timer fires for a process at a time at the latest.
    pub(crate) fn arm_timer(&self, entry: &mut ProcessEntry, until: u64) {
        let Some(serial) = self.serial_of(entry.actor.pid) else { return };
        match entry.timer {
            // It fires early enough; the process is armed again then if its wait is not over.
            Some(set) if set <= until => return,
            Some(set) => self.timers.remove(set, serial),
            None => {}
        }
        entry.timer = Some(until);
        self.timers.insert(until, serial);
    }

    /// Removes the timer of an earlier wait, before one without a deadline: it would look as if
    /// something were still to come when all processes wait.
    pub(crate) fn disarm_timer(&self, entry: &mut ProcessEntry) {
        if let Some(set) = entry.timer.take() {
            self.remove_timer(entry.actor.pid, set);
        }
    }

    /// Removes the timer of a process that was set for this time.
    pub(crate) fn remove_timer(&self, pid: Pid, time: u64) {
        if let Some(serial) = self.serial_of(pid) {
            self.timers.remove(time, serial);
        }
    }

    /// Whether virtual time may advance when nothing can run: not while processes wait for fuel, with
    /// which they would run, or for room for their output, nor during a host function, after which its
    /// process will.
    pub(crate) fn may_advance_virtual_time(&self) -> bool {
        self.clock.is_virtual()
            && !self.has_out_of_fuel()
            && self.awaiting_output.is_empty()
            && self.has_no_host_calls()
    }

    /// Whether a worker that finds no work would let virtual time advance.
    pub(crate) fn has_virtual_time_to_advance(&self) -> bool {
        self.may_advance_virtual_time() && !self.timers.is_empty()
    }

    /// Whether a worker would find something to do.
    pub(crate) fn has_work(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
            || self.pause.is_wanted()
            || !self.injector.is_empty()
            || self.stealers.iter().any(|stealer| !stealer.is_empty())
    }

    /// Whether nothing runs and nothing is going to, unless something comes from outside.
    pub(crate) fn is_idle(&self) -> bool {
        // Virtual time stands still while processes wait for fuel.
        let no_timer_fires =
            || self.timers.is_empty() || self.clock.is_virtual() && self.has_out_of_fuel();
        let nothing_comes = || self.outside.load(Ordering::SeqCst) == 0;
        self.idle.all_asleep_throughout(|| {
            self.has_nothing_to_run() && no_timer_fires() && nothing_comes()
        })
    }

    /// Whether nothing runs, and what could waits for fuel.
    pub(crate) fn is_out_of_fuel(&self) -> bool {
        self.idle.all_asleep_throughout(|| self.has_nothing_to_run() && self.has_out_of_fuel())
    }

    /// Tells the observer if nothing can go on, or only with more fuel. To be called by every thread
    /// that may have been the last one to do something.
    pub(crate) fn report_if_idle(&self) {
        if self.is_idle() {
            self.observer.idle();
        }
        if self.is_out_of_fuel() {
            self.observer.out_of_fuel();
        }
    }

    /// Whether workers that look for work now find none, and no host function is going to make some.
    /// The checks are one after the other, so this holds only while no worker wakes up.
    fn has_nothing_to_run(&self) -> bool {
        self.injector.is_empty()
            && self.stealers.iter().all(Stealers::is_empty)
            && self.awaiting_output.is_empty()
            && self.has_no_host_calls()
    }

    /// Whether no host function is going to return or to answer.
    fn has_no_host_calls(&self) -> bool {
        self.blocking.is_idle() && self.deferred.load(Ordering::SeqCst) == 0
    }
}

impl Shared {
    /// Keeps turns short until it is dropped, so that all processes answer soon.
    pub(crate) fn begin_inspection(&self) -> Inspection<'_> {
        self.inspections.fetch_add(1, Ordering::Relaxed);
        Inspection(self)
    }

    /// Whether somebody looks at processes.
    pub(crate) fn is_inspected(&self) -> bool {
        self.inspections.load(Ordering::Relaxed) > 0
    }
}

/// While it lives, somebody looks at processes.
pub(crate) struct Inspection<'s>(&'s Shared);

impl Drop for Inspection<'_> {
    fn drop(&mut self) {
        self.0.inspections.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cold]
fn no_slot<'s>(pid: Pid) -> Option<&'s ProcessSlot> {
    log::error!("internal error: process {pid} lives and has no slot");
    None
}
