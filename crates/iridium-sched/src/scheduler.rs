//! A scheduler: its start and end, and what an embedder does with it.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crossbeam_deque::Injector;
use crossbeam_utils::sync::Parker;

use crate::clock::{Clock, Time};
use crate::config::Config;
use crate::embedder::OutputRoom;
use crate::memory::Memory;
use crate::process::reason::Reason;
use crate::process::signal::{Signal, system_message};
use crate::process::slot_message::SlotMessage;
use crate::run::awaiting_output::AwaitingOutput;
use crate::run::blocking_queue::BlockingCalls;
use crate::run::effects;
use crate::run::free_list::FreeList;
use crate::run::idle::Idle;
use crate::run::local_queue::{LocalQueue, Role};
use crate::run::memory_trim::MemoryTrim;
use crate::run::names::Names;
use crate::run::pause::Pause;
use crate::run::residents::Residents;
use crate::run::shared::Shared;
use crate::run::timers::Timers;
use crate::run::turn::Runner;
use crate::run::unknown_tags::UnknownTags;
use crate::run::worker::Worker;
use crate::sync::lock;
use crate::table::Table;
use crate::threads::Threads;
use iridium_isa::{DebugId, ModuleId};
use iridium_vm::{CompileStats, Completion, MAX_NODE, Message, Payload, Pid, Program, TrapKind};

/// How long the threads may take to end at shutdown. A host function that does not return by then is
/// left behind.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(3);

/// Many processes on few threads. Clones are handles of the same scheduler; it is shut down when the
/// last one is dropped.
#[derive(Clone)]
#[must_use = "a scheduler is shut down when its last handle is dropped"]
pub struct Scheduler {
    inner: Arc<Inner>,
}

/// A handle that does not keep a scheduler from being shut down.
#[derive(Clone)]
#[must_use]
pub struct WeakScheduler(Weak<Inner>);

impl WeakScheduler {
    /// The scheduler, unless its last handle was dropped.
    #[must_use]
    pub fn upgrade(&self) -> Option<Scheduler> {
        self.0.upgrade().map(|inner| Scheduler { inner })
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (node, processes) = (self.node(), self.process_count());
        let mut debug = f.debug_struct("Scheduler");
        debug.field("node", &node).field("workers", &self.workers()).field("processes", &processes);
        debug.finish_non_exhaustive()
    }
}

impl fmt::Debug for WeakScheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakScheduler").field(&self.upgrade()).finish()
    }
}

struct Inner {
    shared: Arc<Shared>,
    workers: usize,
}

impl Scheduler {
    /// Starts the workers.
    ///
    /// # Errors
    /// When the system has no threads for them; none is left running then.
    pub fn start(config: Config) -> io::Result<Self> {
        let workers = if config.time == Time::Virtual { 1 } else { config.workers.clamp(1, 1024) };
        let free_list = FreeList::default();
        let queues = (0..workers).map(Role::Worker);
        let queues = queues.map(|role| LocalQueue::new(role, free_list.sibling()));
        let queues: Vec<LocalQueue> = queues.collect();
        let parkers: Vec<Parker> = (0..workers).map(|_| Parker::new()).collect();
        let fuel = (config.fuel != u64::MAX)
            .then(|| AtomicI64::new(i64::try_from(config.fuel).unwrap_or(i64::MAX)));
        let shared = Arc::new(Shared {
            node: AtomicU32::new(config.node.clamp(1, MAX_NODE)),
            table: Table::new(config.processes, workers),
            injector: Injector::new(),
            stealers: queues.iter().map(LocalQueue::stealers).collect(),
            idle: Idle::new(parkers.iter().map(|parker| parker.unparker().clone()).collect()),
            timers: Timers::default(),
            clock: Clock::new(config.time),
            names: Names::default(),
            blocking: BlockingCalls::default(),
            deferred: Arc::default(),
            outside: AtomicUsize::new(0),
            residents: Residents::default(),
            threads: Threads::default(),
            memory_trim: MemoryTrim::default(),
            engine: config.engine,
            output: config.output,
            observer: config.observer,
            distribution: config.distribution,
            pause: Pause::default(),
            stopped: AtomicBool::new(false),
            fuel,
            out_of_fuel: Mutex::default(),
            memory: Memory::new(config.memory),
            random_state: AtomicU64::new(config.seed),
            remote_links: Mutex::default(),
            awaiting_credit: Mutex::default(),
            awaiting_output: AwaitingOutput::default(),
            node_monitors: Mutex::default(),
            programs: Mutex::default(),
            fuel_spent: AtomicU64::new(0),
            dead_letters: AtomicU64::new(0),
            unknown_tags: UnknownTags::default(),
            inspections: AtomicUsize::new(0),
        });
        let weak = Arc::downgrade(&shared);
        shared.output.on_room(OutputRoom::new(move || {
            if let Some(shared) = weak.upgrade() {
                shared.context().wake_output_waiter();
            }
        }));
        let scheduler = Self { inner: Arc::new(Inner { shared, workers }) };
        scheduler.start_workers(queues, parkers)?;
        if config.time == Time::Real {
            scheduler.start_timer()?;
        }
        Ok(scheduler)
    }

    fn start_workers(&self, queues: Vec<LocalQueue>, parkers: Vec<Parker>) -> io::Result<()> {
        let shared = self.shared();
        for (index, (local, parker)) in queues.into_iter().zip(parkers).enumerate() {
            let worker = Worker::new(index, Runner::new(Arc::clone(shared), local), parker);
            shared.threads.spawn(format!("iridium-worker-{index}"), move || worker.run())?;
        }
        Ok(())
    }

    fn start_timer(&self) -> io::Result<()> {
        let on_thread = Arc::clone(self.shared());
        self.shared().threads.spawn("iridium-timer", move || {
            let fire = |time, serial| on_thread.context().fire_timer(time, serial);
            // Processes that were woken may have exited by now, and could not report that nothing is
            // left to run.
            on_thread.timers.run(&on_thread.clock, fire, || on_thread.report_if_idle());
        })
    }

    /// Sends a message in the name of `from`, which may be [nobody](Pid::NOBODY). As in a program,
    /// nothing tells whether it has arrived. A message with a negative tag, which is reserved for the
    /// system, is not sent.
    pub fn send(&self, from: Pid, to: Pid, tag: i64, payload: Payload) {
        if tag >= 0 {
            let message = Message { tag, sender: from.bits(), payload };
            self.deliver(from, to, Signal::Message(message));
        }
    }

    /// Sends a process an exit signal. One that traps exits gets a message instead, unless the reason
    /// is [`Reason::KILLED`].
    pub fn kill(&self, pid: Pid, reason: Reason) {
        self.deliver(Pid::NOBODY, pid, Signal::Kill { from: Pid::NOBODY, reason });
    }

    /// Delivers a signal to a process of this node. When there is no such process, a link or monitor
    /// is answered with its end. One from another node is also answered so, with the reason
    /// `memory-limit`, while more memory is taken than there may be: whoever asks for it cannot end
    /// for that as one of this node would. Ends that a process is told of, and does not handle, count as its
    /// messages do: other nodes can tell of any number.
    pub fn deliver(&self, from: Pid, to: Pid, signal: Signal) {
        let context = self.shared().context();
        if matches!(signal, Signal::Exit { .. } | Signal::Down { .. }) && context.is_flooded(to) {
            return;
        }
        if from.node() != self.node() && self.shared().memory.is_over() {
            let reason = Reason::of_trap(TrapKind::MemoryLimit);
            if let Some((asker, answer)) = signal.undeliverable(to, reason) {
                return context.send_signal(to, asker, answer);
            }
        }
        context.send_signal(from, to, signal);
    }

    /// The reply to a request that [`Distribution::request`](crate::Distribution::request) was handed.
    pub fn reply(&self, asker: Pid, number: u64, reply: Completion) {
        self.shared().context().deliver(asker, SlotMessage::Reply(number, reply));
    }

    /// There may be credit again for messages to a node: processes that wait for it try again.
    pub fn credit_available(&self, node: u32) {
        let waiting = lock(&self.shared().awaiting_credit).remove(&node);
        for pid in waiting.into_iter().flatten() {
            self.shared().context().deliver(pid, SlotMessage::PollWait);
        }
    }

    /// A node can be reached from now on. Processes that monitor nodes are told.
    pub fn node_up(&self, node: u32) {
        self.notify_node_monitors(Message::NODE_UP, node);
    }

    /// A node cannot be reached any more: links and monitors to its processes fire, and processes that
    /// monitor nodes are told.
    pub fn node_down(&self, node: u32) {
        let linked = lock(&self.shared().remote_links).remove(&node);
        for pid in linked.into_iter().flatten() {
            self.deliver(Pid::NOBODY, pid, Signal::NodeLost { node });
        }
        self.credit_available(node);
        self.notify_node_monitors(Message::NODE_DOWN, node);
    }

    fn notify_node_monitors(&self, tag: i64, node: u32) {
        let monitors = lock(&self.shared().node_monitors).clone();
        for pid in monitors {
            let message = system_message(tag, 0, &[i64::from(node)]);
            self.deliver(Pid::NOBODY, pid, Signal::Message(message));
        }
    }

    /// The number of this node.
    pub fn node(&self) -> u32 {
        self.shared().node()
    }

    /// Gives this node another number; refused once there are processes, whose pids hold the old
    /// one.
    #[must_use = "the number is refused once there are processes"]
    pub fn renumber(&self, node: u32) -> bool {
        let empty = self.shared().table.live() == 0;
        if empty {
            self.shared().node.store(node.clamp(1, MAX_NODE), Ordering::SeqCst);
        }
        empty
    }

    /// The process behind a name of this node.
    pub fn find(&self, name: &str) -> Option<Pid> {
        self.shared().names.find(name)
    }

    /// Registers a name for a process of this node. Returns whether the process has the name.
    pub fn register(&self, name: &str, pid: Pid) -> bool {
        effects::register(self.shared().context(), name, pid);
        self.find(name) == Some(pid)
    }

    /// Whether a process of this node lives.
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.shared().is_alive(pid)
    }

    /// How many processes live, native ones included.
    pub fn process_count(&self) -> usize {
        self.shared().table.live()
    }

    /// Fuel that all processes have spent since the start.
    pub fn fuel_spent(&self) -> u64 {
        self.shared().fuel_spent.load(Ordering::Relaxed)
    }

    /// What its [engine](Config::engine) has compiled; `None` when that compiles nothing.
    pub fn compile_stats(&self) -> Option<CompileStats> {
        self.shared().engine.compile_stats()
    }

    /// Messages of processes, since the start, that were never received: those to processes of this
    /// node that had exited, or exited before they received them, and those that were beyond the
    /// limits of a mailbox.
    pub fn dead_letters(&self) -> u64 {
        self.shared().dead_letters.load(Ordering::Relaxed)
    }

    /// Whether no process can go on unless something comes from outside. With
    /// [limited fuel](Config::fuel), there may also be none left.
    pub fn is_idle(&self) -> bool {
        self.shared().is_idle()
    }

    /// Whether no process runs, and there is no [fuel](Config::fuel) left for those that could. Others
    /// may sleep.
    pub fn is_out_of_fuel(&self) -> bool {
        self.shared().is_out_of_fuel()
    }

    /// Makes a program known, so that supervisors and other nodes can start its processes by the
    /// identity of its module.
    pub fn add_program(&self, program: &Arc<Program>) {
        self.shared().add_program(program);
    }

    /// Forgets programs that were [added](Self::add_program) and that nothing uses.
    pub fn forget_unused(&self, ids: &[(ModuleId, DebugId)]) {
        lock(&self.shared().programs).forget_unused(ids);
    }

    /// The program of a module that was [added](Self::add_program); the first of several that differ
    /// only in their debug information.
    pub fn program(&self, id: ModuleId) -> Option<Arc<Program>> {
        self.shared().program(id)
    }

    /// As [`program`](Self::program): the one with this debug information, if it was added.
    pub fn program_as(&self, id: ModuleId, debug: DebugId) -> Option<Arc<Program>> {
        self.shared().program_as(id, debug)
    }

    /// A handle that does not keep the scheduler from being shut down.
    pub fn downgrade(&self) -> WeakScheduler {
        WeakScheduler(Arc::downgrade(&self.inner))
    }

    /// Stops the workers, each after the turn it is in, and waits until the threads have ended, for
    /// 3 s at most. Processes are dropped without being told.
    pub fn shutdown(&self) {
        self.inner.shutdown();
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    pub(crate) fn workers(&self) -> usize {
        self.inner.workers
    }
}

impl Inner {
    fn shutdown(&self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.shared.timers.stop();
        self.shared.blocking.stop();
        self.shared.memory_trim.stop();
        self.shared.idle.wake_all();
        if !self.shared.threads.wait(SHUTDOWN_PATIENCE) {
            log::warn!("a thread is still busy {SHUTDOWN_PATIENCE:?} after the shutdown");
        }
        self.shared.drop_processes();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shutdown();
    }
}
