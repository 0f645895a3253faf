//! Many processes on few threads.
//!
//! * `slot`: the place of a process, where it gets letters and waits;
//! * `table`: all places, by serial;
//! * `worker`: takes a process that can run and lets it run for a turn;
//! * `own`: what a worker has to do;
//! * `idle` and `pause`: workers without work, and workers that are held;
//! * `effects`: what processes want, and how they get it;
//! * `shared`: what all of these share;
//! * `timer`, `clock`, `names`, `blocking`: what their names say;
//! * `spare` and `reclaim`: what becomes of the memory of processes that have ended;
//! * `follow`: waiting for a process and those it is linked to;
//! * `inline_worker`: somebody who brings signals from outside;
//! * `native`: a process that somebody drives from outside;
//! * `supervise`: supervisors as processes;
//! * `snapshot` and `restore`: all of it as bytes, and back.
//!
//! Each worker has a queue of processes that can run, and takes from those of others, or from the
//! common one, when its own is empty. The queues are from `crossbeam-deque`, after Chase and Lev,
//! "Dynamic circular work-stealing deque", 2005. A process is owned by one thread at a time, so it
//! needs no lock; what it shares with others is its slot.

mod actor;
mod blocking;
mod clock;
mod effects;
mod embedder;
mod exit;
mod follow;
mod idle;
mod info;
mod inline_worker;
mod letter;
#[cfg(all(test, loom))]
mod loom_models;
mod mailbox;
mod names;
mod native;
mod own;
mod pause;
mod reason;
mod reclaim;
mod shared;
mod signal;
mod slot;
mod snapshot;
mod spare;
mod supervise;
pub mod supervisor;
mod sync;
mod table;
mod task;
#[cfg(test)]
mod tests;
mod threads;
mod ties;
mod timer;
mod worker;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use crossbeam_deque::{Injector, Worker as Queue};
use crossbeam_utils::sync::Parker;

pub use self::actor::RemoteRequest;
pub use self::clock::Time;
pub use self::embedder::{
    Distribution, NodeUnreachable, Observer, Output, SendRefused, Standalone,
};
pub use self::exit::ExitInfo;
pub use self::follow::Followed;
pub use self::info::{Activity, ChildInfo, ProcessInfo};
pub use self::inline_worker::InlineWorker;
pub use self::mailbox::MESSAGE_OVERHEAD;
pub use self::native::{NativeProcess, Progress};
pub use self::reason::Reason;
pub use self::shared::Full;
pub use self::signal::Signal;
use self::signal::system_message;
pub use self::snapshot::{RestoreError, SaveError, Stopped, VERSION as SNAPSHOT_VERSION};

use self::blocking::Blocking;
use self::clock::Clock;
use self::idle::Idle;
use self::letter::Letter;
use self::names::Names;
use self::own::Own;
use self::pause::Pause;
use self::reclaim::Reclaim;
use self::shared::Shared;
use self::slot::Slot;
use self::spare::Spare;
use self::sync::lock;
use self::table::Table;
use self::task::Body;
use self::threads::Threads;
use self::timer::Timers;
use self::worker::Worker;
use iridium_isa::ModuleId;
use iridium_vm::Program;
use iridium_vm::{Completion, MAX_NODE, Message, Payload, Pid, Process};

/// How long the threads may take to end at shutdown. A host function that does not return by then is
/// left behind.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a scheduler is told at its start.
#[derive(Clone)]
pub struct Config {
    /// Threads that run processes.
    pub workers: usize,
    /// The number of this node in pids, 1 to [`MAX_NODE`].
    pub node: u32,
    /// Processes that may live at a time, at most 2^32.
    pub processes: usize,
    /// Memory that all processes may take together, in bytes. One that grows past it in a turn ends
    /// by it, so for the length of a turn it may be more. `u64::MAX` is no limit.
    pub memory: u64,
    /// Fuel that all processes may spend together; `u64::MAX` is no limit.
    pub fuel: u64,
    /// What the random numbers of programs come from.
    pub seed: u64,
    /// Which time holds. Virtual time takes one worker.
    pub time: Time,
    /// Where output goes.
    pub output: Arc<dyn Output>,
    /// Who is told how processes end.
    pub observer: Arc<dyn Observer>,
    /// The other nodes.
    pub outside: Arc<dyn Distribution>,
}

impl Config {
    /// A worker for each core, a million processes, no limit on memory, no other node.
    pub fn new(output: Arc<dyn Output>, observer: Arc<dyn Observer>, seed: u64) -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            node: 1,
            processes: (1 << 20) - 1,
            memory: u64::MAX,
            fuel: u64::MAX,
            seed,
            time: Time::Real,
            output,
            observer,
            outside: Arc::new(Standalone { node: 1 }),
        }
    }
}

/// Many processes on few threads. Clones stand for the same scheduler; when the last one is dropped
/// it is shut down.
#[derive(Clone)]
pub struct Scheduler {
    inner: Arc<Inner>,
}

/// A scheduler that this does not keep from being shut down.
#[derive(Clone)]
pub struct WeakScheduler(Weak<Inner>);

impl WeakScheduler {
    /// The scheduler, as long as somebody else has it.
    pub fn upgrade(&self) -> Option<Scheduler> {
        self.0.upgrade().map(|inner| Scheduler { inner })
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
        let queues: Vec<Queue<_>> = (0..workers).map(|_| Queue::new_fifo()).collect();
        let parkers: Vec<Parker> = (0..workers).map(|_| Parker::new()).collect();
        let fuel = (config.fuel != u64::MAX)
            .then(|| AtomicI64::new(i64::try_from(config.fuel).unwrap_or(i64::MAX)));
        let shared = Arc::new(Shared {
            node: AtomicU32::new(config.node.clamp(1, MAX_NODE)),
            table: Table::new(config.processes, workers),
            nowhere: Slot::new(),
            injector: Injector::new(),
            stealers: queues.iter().map(Queue::stealer).collect(),
            idle: Idle::new(parkers.iter().map(|parker| parker.unparker().clone()).collect()),
            timers: Timers::default(),
            clock: Clock::new(config.time),
            names: Names::default(),
            blocking: Blocking::default(),
            threads: Threads::default(),
            reclaim: Reclaim::default(),
            output: config.output,
            observer: config.observer,
            outside: config.outside,
            pause: Pause::default(),
            stopped: AtomicBool::new(false),
            fuel,
            starved: Mutex::default(),
            memory: AtomicI64::new(0),
            memory_limit: config.memory,
            chance: AtomicU64::new(config.seed),
            afar: Mutex::default(),
            crowded: Mutex::default(),
            node_watchers: Mutex::default(),
            programs: Mutex::default(),
            spent: AtomicU64::new(0),
            dead_letters: AtomicU64::new(0),
        });
        let scheduler = Self { inner: Arc::new(Inner { shared, workers }) };
        scheduler.start_threads(queues, parkers, config.time)?;
        Ok(scheduler)
    }

    fn start_threads(
        &self,
        queues: Vec<Queue<Box<task::Task>>>,
        parkers: Vec<Parker>,
        time: Time,
    ) -> io::Result<()> {
        let shared = &self.inner.shared;
        let spare = Spare::default();
        for (index, (queue, parker)) in queues.into_iter().zip(parkers).enumerate() {
            let own = Own::new(index, queue, spare.beside());
            let worker = Worker::new(Arc::clone(shared), index, own, parker);
            shared.threads.spawn(format!("iridium-worker-{index}"), move || worker.run())?;
        }
        if time == Time::Real {
            let on_thread = Arc::clone(shared);
            shared.threads.spawn("iridium-timer", move || {
                let tell = |time, serial| on_thread.tell_time(on_thread.context(), time, serial);
                // Those who were woken may have ended by now, and could not say that all is at rest.
                on_thread.timers.run(&on_thread.clock, tell, || on_thread.tell_of_rest());
            })?;
        }
        Ok(())
    }

    /// Starts a process from a state of its machine, which may be one at its start or in the middle
    /// of its run.
    ///
    /// # Errors
    /// When there are as many processes as there may be.
    pub fn spawn(&self, process: Process, program: &Arc<Program>) -> Result<Pid, Full> {
        self.spawn_with(process, program, |_| {})
    }

    /// As [`spawn`](Self::spawn), and tells of the end of the process.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn spawn_watched(
        &self,
        process: Process,
        program: &Arc<Program>,
    ) -> Result<(Pid, Receiver<ExitInfo>), Full> {
        let (witness, ending) = bounded(1);
        let pid = self.spawn_with(process, program, |task| {
            task.witnesses.push(witness);
        })?;
        Ok((pid, ending))
    }

    fn spawn_with(
        &self,
        process: Process,
        program: &Arc<Program>,
        prepare: impl FnOnce(&mut task::Task),
    ) -> Result<Pid, Full> {
        self.shared().context().spawn(Body::Program(process, Arc::clone(program)), prepare)
    }

    /// Tells of the end of a process of this node. When there is no such process, or it is a native,
    /// the receiver ends without a word.
    pub fn watch(&self, pid: Pid) -> Receiver<ExitInfo> {
        let (witness, ending) = bounded(1);
        let look = move |task: &mut task::Task| {
            task.witnesses.push(witness);
        };
        self.shared().context().deliver(pid, Letter::Look(Box::new(look)));
        ending
    }

    /// Sends a message in the name of `from`, which may be [nobody](Pid::NOBODY). As in a program,
    /// nothing tells whether it has arrived. A negative tag is the system's own and is not sent.
    pub fn send(&self, from: Pid, to: Pid, tag: i64, payload: Payload) {
        if tag >= 0 {
            let message = Message { tag, sender: from.bits(), payload };
            self.deliver(from, to, Signal::Message(message));
        }
    }

    /// Ends a process with a reason. One that traps exits is told instead, unless the reason is
    /// [`Reason::KILLED`].
    pub fn kill(&self, pid: Pid, reason: Reason) {
        self.deliver(Pid::NOBODY, pid, Signal::Kill { from: Pid::NOBODY, reason });
    }

    /// Delivers a signal to a process of this node. When there is no such process, whoever waits for
    /// an answer to the signal is told.
    pub fn deliver(&self, from: Pid, to: Pid, signal: Signal) {
        self.shared().context().post(from, to, signal);
    }

    /// Answers a question that [`Distribution::ask`] was handed.
    pub fn answer(&self, asker: Pid, number: u64, answer: Completion) {
        self.shared().context().deliver(asker, Letter::Answer(number, answer));
    }

    /// There is room again for messages to a node.
    pub fn room(&self, node: u32) {
        let waiting = lock(&self.shared().crowded).remove(&node);
        for pid in waiting.into_iter().flatten() {
            self.shared().context().deliver(pid, Letter::Room);
        }
    }

    /// A node can be reached from now on. Processes that want to know are told.
    pub fn node_up(&self, node: u32) {
        self.tell_of_node(Message::NODE_UP, node);
    }

    /// A node cannot be reached any more: what ties processes here to those there is cut, and they
    /// are told.
    pub fn node_down(&self, node: u32) {
        let tied = lock(&self.shared().afar).remove(&node);
        for pid in tied.into_iter().flatten() {
            self.deliver(Pid::NOBODY, pid, Signal::NodeLost { node });
        }
        self.room(node);
        self.tell_of_node(Message::NODE_DOWN, node);
    }

    fn tell_of_node(&self, tag: i64, node: u32) {
        let watchers = lock(&self.shared().node_watchers).clone();
        for pid in watchers {
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

    /// Names a process of this node, unless the name is taken. Gives whether it has the name.
    pub fn register(&self, name: &str, pid: Pid) -> bool {
        effects::register(self.shared().context(), name.to_string(), pid);
        self.find(name) == Some(pid)
    }

    /// Whether a process of this node lives.
    pub fn lives(&self, pid: Pid) -> bool {
        self.shared().lives(pid)
    }

    /// How many processes live, with those that are driven from outside.
    pub fn process_count(&self) -> usize {
        self.shared().table.live()
    }

    /// Fuel that all processes have spent since the start.
    pub fn fuel_spent(&self) -> u64 {
        self.shared().spent.load(Ordering::Relaxed)
    }

    /// Messages, since the start, that no process has received and none will: those to processes of
    /// this node that had ended or ended before they took them, and those that a process had no
    /// room for. Messages of the system do not count.
    pub fn dead_letters(&self) -> u64 {
        self.shared().dead_letters.load(Ordering::Relaxed)
    }

    /// Whether no process can go on unless something comes from outside. With
    /// [limited fuel](Config::fuel), they may also have none left.
    pub fn is_at_rest(&self) -> bool {
        self.shared().is_at_rest()
    }

    /// Whether no process runs, and those that could have no [fuel](Config::fuel) left. Others may
    /// sleep.
    pub fn is_out_of_fuel(&self) -> bool {
        self.shared().is_out_of_fuel()
    }

    /// Makes a program known, so that supervisors and other nodes can start its processes by the
    /// identity of its module.
    pub fn add_program(&self, program: &Arc<Program>) {
        self.shared().know(program);
    }

    /// Forgets programs that were made known and that nothing uses.
    pub fn forget_unused(&self, ids: &[ModuleId]) {
        let mut programs = lock(&self.shared().programs);
        for id in ids {
            if programs.get(id).is_some_and(|program| Arc::strong_count(program) == 1) {
                programs.remove(id);
            }
        }
    }

    /// The program of a module that was made known.
    pub fn program(&self, id: ModuleId) -> Option<Arc<Program>> {
        self.shared().program(id)
    }

    /// A handle that does not keep the scheduler from being shut down.
    pub fn downgrade(&self) -> WeakScheduler {
        WeakScheduler(Arc::downgrade(&self.inner))
    }

    /// Stops the workers, each after the turn it is in, and waits until the threads have ended, for
    /// 3 s at most. Processes are dropped without being told.
    pub fn shutdown(&self) {
        self.inner.stop();
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }
}

impl Inner {
    fn stop(&self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.shared.timers.stop();
        self.shared.blocking.stop();
        self.shared.reclaim.stop();
        self.shared.idle.wake_all();
        self.shared.threads.wait(PATIENCE);
        self.shared.drop_processes();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}
