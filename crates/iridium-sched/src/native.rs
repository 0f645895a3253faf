//! Native processes: Rust code with a pid and a mailbox, which can do what programs can.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded, never};

use crate::distribution::SendRefused;
use crate::info::ProcessInfo;
use crate::process::actor::{ActorState, Wait};
use crate::process::mailbox::ANY_TAG;
use crate::process::reason::Reason;
use crate::process::slot_message::{SlotMessage, Wake};
use crate::run::effects::{self, EffectContext, Outcome};
use crate::run::shared::Shared;
use crate::scheduler::Scheduler;
use crate::table::TooManyProcesses;
use iridium_vm::codec::numbered;
use iridium_vm::{Completion, Effect, Limits, Message, Payload, Pid, Program, TrapKind};

/// A process that Rust code drives: a REPL, a test, a part of an embedder. When it is dropped, the
/// process ends normally, or for the reason that it was told to end with.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use iridium_asm::Assembler;
/// use iridium_sched::{Config, ExitInfo, Observer, Output, Scheduler};
/// use iridium_vm::{Hosts, Limits, Payload, Pid, Process, Program, Register};
///
/// struct Quiet;
/// impl Output for Quiet {
///     fn write(&self, _: Pid, _: &[u8]) {}
/// }
/// impl Observer for Quiet {
///     fn exited(&self, _: &ExitInfo) {}
/// }
///
/// let scheduler = Scheduler::start(Config::new(Arc::new(Quiet), Arc::new(Quiet), 1))?;
/// let mut native = scheduler.spawn_native()?;
/// native.register("doubler");
///
/// // It sends 21 with tag 1 to the process in $0, and prints nothing.
/// let source = "load $1 #1\nload $2 #21\nsendi $0 $1 $2\nload $3 #-1\nload $4 #-1\nrecv $3 $5\nhlt";
/// let program = Program::new(Assembler::new("ask.iasm").assemble(source)?.module, &Hosts::new())?;
/// let program = Arc::new(program);
/// let mut process = Process::new(&program, Limits::default());
/// process.set_register(0, Register { int: native.pid().bits(), float: 0.0 });
/// let asker = scheduler.spawn(process, &program)?;
/// let monitor = native.monitor(asker);
///
/// let patience = Some(Duration::from_secs(10));
/// let question = native.receive(Some(1), patience)?.ok_or("nothing came")?;
/// assert_eq!(question.payload, Payload::Word(21_i64.to_le_bytes()));
/// native.send(Pid::from_bits(question.sender), 1, Payload::Word(42_i64.to_le_bytes()))?;
///
/// // The answer ends the program, which the monitor tells.
/// let down = native.receive(Some(iridium_vm::Message::DOWN), patience)?.ok_or("it lives on")?;
/// assert_eq!(down.sender, asker.bits());
/// assert_eq!(down.payload.bytes()[..8], monitor.to_le_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the process ends when this is dropped"]
pub struct NativeProcess {
    shared: Arc<Shared>,
    pub(crate) actor: ActorState,
    pub(crate) requests: u64,
    wakes: Receiver<()>,
    /// Whether the scheduler counts it among what may make processes go on.
    is_outside: bool,
    /// The memory in bytes that it is counted with.
    memory: u64,
    /// What it may use, as was said last.
    limits: Limits,
    /// What it was told to end with.
    ended: Option<Reason>,
}

numbered! {
    /// How far an effect has come.
    #[derive(Debug, Clone, PartialEq)]
    pub enum Progress {
        /// It is done.
        0 = Done(Completion),
        /// The process waits. [`NativeProcess::poll`] is to be called when [`NativeProcess::wakes`]
        /// says so, and when [`NativeProcess::timeout`] is over.
        1 = Waits,
        /// It is a blocking host function, for the caller to call.
        2 = Host {
            /// Which import of the module.
            import: u16,
            /// The register at which its window starts.
            window: u8,
        },
        /// The process was told to end. Nothing else comes from now on, and it is to be dropped.
        3 = Ended(Reason),
    }
}

/// A native process was told to end, and is to be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the process was told to end: {0}")]
pub struct Ended(pub Reason);

impl Scheduler {
    /// A process that the caller drives.
    ///
    /// # Errors
    /// When there are as many processes as there may be.
    pub fn spawn_native(&self) -> Result<NativeProcess, TooManyProcesses> {
        let actor = self.native_actor()?;
        NativeProcess::in_slot(self.shared(), actor, 0)
    }

    /// A process that is driven by what happens outside of the scheduler: at a socket, say. While it
    /// lives, the scheduler is not [idle](Self::is_idle).
    ///
    /// `wake` is called, instead of anything coming to [`NativeProcess::wakes`], each time that there
    /// is something to [receive](NativeProcess::receive) or to [poll](NativeProcess::poll) for: on the
    /// thread of whoever sent it, so it must not wait. One thread can drive many processes so; it
    /// receives with a timeout of zero.
    ///
    /// # Errors
    /// When there are as many processes as there may be.
    pub fn spawn_outside(
        &self,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<NativeProcess, TooManyProcesses> {
        let actor = self.native_actor()?;
        let mut process =
            NativeProcess::woken_by(self.shared(), actor, 0, Wake::new(wake), never())?;
        self.shared().outside.fetch_add(1, Ordering::SeqCst);
        process.is_outside = true;
        Ok(process)
    }

    fn native_actor(&self) -> Result<ActorState, TooManyProcesses> {
        let serial = self.shared().table.reserve(None).ok_or(TooManyProcesses)?;
        Ok(ActorState::new(Pid::new(self.shared().node(), serial)))
    }
}

impl NativeProcess {
    /// A process whose serial is reserved.
    pub(crate) fn in_slot(
        shared: &Arc<Shared>,
        actor: ActorState,
        requests: u64,
    ) -> Result<Self, TooManyProcesses> {
        let (wake, wakes) = bounded(1);
        // A full channel: a wake-up is under way already.
        let wake = Wake::new(move || {
            let _ = wake.try_send(());
        });
        Self::woken_by(shared, actor, requests, wake, wakes)
    }

    fn woken_by(
        shared: &Arc<Shared>,
        actor: ActorState,
        requests: u64,
        wake: Wake,
        wakes: Receiver<()>,
    ) -> Result<Self, TooManyProcesses> {
        let slot = shared.slot_of(actor.pid).ok_or(TooManyProcesses)?;
        let limits = Limits::default();
        slot.occupy_native(actor.pid.serial(), limits.message_bytes, wake);
        let shared = Arc::clone(shared);
        let is_outside = false;
        Ok(Self { shared, actor, requests, wakes, is_outside, memory: 0, limits, ended: None })
    }

    /// Its pid.
    pub fn pid(&self) -> Pid {
        self.actor.pid
    }

    /// Sends a message. As in a program, nothing tells whether it arrives, and one with a negative
    /// tag, which is reserved for the system, is not sent.
    ///
    /// # Errors
    /// When a message to another node cannot be sent, or not now.
    pub fn send(&mut self, to: Pid, tag: i64, payload: Payload) -> Result<(), SendRefused> {
        let message = Message { tag, sender: self.actor.pid.bits(), payload };
        if tag < 0 {
            return Ok(());
        }
        if to == self.actor.pid {
            self.actor.mailbox.push(message);
            return Ok(());
        }
        self.shared.context().send_message(self.actor.pid, to, message)
    }

    /// Waits for a message with this tag, or with any, and takes it. `None` when none comes in time;
    /// without a timeout it waits for as long as it takes. Not to be called while an
    /// [effect](Self::perform) waits.
    ///
    /// # Errors
    /// When the process was told to end.
    pub fn receive(
        &mut self,
        tag: Option<i64>,
        timeout: Option<Duration>,
    ) -> Result<Option<Message>, Ended> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            self.read_slot();
            if let Some(reason) = self.ended {
                return Err(Ended(reason));
            }
            if let Some(message) = self.search(tag.unwrap_or(ANY_TAG)) {
                return Ok(Some(message));
            }
            let woken = match deadline {
                Some(deadline) => self.wakes.recv_deadline(deadline).is_ok(),
                None => self.wakes.recv().is_ok(),
            };
            if !woken {
                return Ok(None);
            }
        }
    }

    /// Takes a message with this tag, however many slices the search has: it keeps no worker.
    fn search(&mut self, tag: i64) -> Option<Message> {
        loop {
            let message = self.actor.mailbox.take(tag);
            if message.is_some() || self.actor.mailbox.is_searched() {
                return message;
            }
        }
    }

    /// Links it to a process: each ends when the other one ends abnormally.
    pub fn link(&mut self, pid: Pid) {
        effects::link(self.shared.context(), &mut self.actor, pid);
    }

    /// Removes a link.
    pub fn unlink(&mut self, pid: Pid) {
        effects::unlink(self.shared.context(), &mut self.actor, pid);
    }

    /// Asks for a message with tag [`Message::DOWN`] when a process ends. Returns the reference that is
    /// in it.
    pub fn monitor(&mut self, pid: Pid) -> i64 {
        effects::monitor(self.shared.context(), &mut self.actor, pid)
    }

    /// Removes a monitor.
    pub fn demonitor(&mut self, reference: i64) {
        self.shared.context().demonitor(&mut self.actor, reference);
    }

    /// Whether exit signals come as messages with tag [`Message::EXIT`].
    pub fn trap_exits(&mut self, on: bool) {
        self.actor.relations_mut().traps_exits = on;
    }

    /// Registers a name for it. Returns whether it has the name.
    pub fn register(&mut self, name: &str) -> bool {
        let pid = self.actor.pid;
        effects::register(self.shared.context(), name, pid);
        self.shared.names.find(name) == Some(pid)
    }

    /// Removes a name of it.
    pub fn unregister(&mut self, name: &str) {
        self.shared.names.unregister(name, self.actor.pid, &self.shared.memory);
    }

    /// Carries out an effect of a program as this process.
    pub fn perform(&mut self, effect: Effect, program: &Arc<Program>, limits: Limits) -> Progress {
        self.limits = limits;
        let (actor, requests) = (&mut self.actor, &mut self.requests);
        let process = EffectContext { actor, program, limits, requests };
        match effects::perform(self.shared.context(), process, effect) {
            Outcome::Done(completion) => Progress::Done(completion),
            Outcome::Yield => Progress::Done(Completion::Done),
            Outcome::Wait(Wait::Host { import, window }) => Progress::Host { import, window },
            Outcome::Wait(wait) => self.wait(wait),
            Outcome::Exit(reason) => {
                self.ended = Some(reason);
                Progress::Ended(reason)
            }
        }
    }

    fn wait(&mut self, wait: Wait) -> Progress {
        if let Wait::Reply { number, request } = &wait
            && self.shared.distribution.request(self.actor.pid, *number, request).is_err()
        {
            return Progress::Done(request.unavailable());
        }
        self.actor.wait = Some(wait);
        self.poll()
    }

    /// Handles what has come, and gives how far the effect is that waits.
    pub fn poll(&mut self) -> Progress {
        let reply = self.read_slot();
        if let Some(reason) = self.ended {
            self.actor.wait = None;
            return Progress::Ended(reason);
        }
        match reply.or_else(|| self.poll_wait()) {
            Some(completion) => Progress::Done(completion),
            None if self.timeout() == Some(Duration::ZERO) => Progress::Done(self.cancel_wait()),
            None => Progress::Waits,
        }
    }

    /// The result of its wait, if it is over; all of the mailbox was searched.
    fn poll_wait(&mut self) -> Option<Completion> {
        loop {
            let result = effects::poll_wait(self.shared.context(), &mut self.actor);
            if result.is_some() || !self.actor.is_searching() {
                return result;
            }
        }
    }

    /// Handles the messages in the slot. Returns the reply to its remote request, if that is there.
    fn read_slot(&mut self) -> Option<Completion> {
        let collected = self.shared.slot_of(self.actor.pid).map(|slot| slot.collect());
        let (messages, counted) =
            collected.map_or_else(Default::default, |all| (all.messages, all.counted));
        self.memory += counted;
        let mut reply = None;
        for message in messages {
            match message {
                SlotMessage::Signal(signal) => {
                    let exit = self.shared.context().apply_signal(&mut self.actor, signal);
                    self.ended = self.ended.or(exit);
                }
                SlotMessage::Reply(number, completion) if self.actor.awaits_reply(number) => {
                    self.actor.wait = None;
                    reply = Some(completion);
                }
                SlotMessage::Overflow => {
                    self.ended.get_or_insert(Reason::of_trap(TrapKind::MailboxLimit));
                }
                // Its waits are polled by whoever drives it; it cannot be inspected, and is in no
                // group.
                SlotMessage::Reply(..)
                | SlotMessage::TimerFired(_)
                | SlotMessage::HostAnswer(..)
                | SlotMessage::Remove(_)
                | SlotMessage::PollWait
                | SlotMessage::OutOfMemory
                | SlotMessage::JoinGroup(_)
                | SlotMessage::Inspect(_) => {}
            }
        }
        // The slot is limited, but what is never received adds up in the mailbox.
        if self.actor.mailbox.is_over(&self.limits) {
            self.ended.get_or_insert(Reason::of_trap(TrapKind::MailboxLimit));
        }
        self.count_memory();
        reply
    }

    /// Counts its memory with that of all processes; its own limits bound it.
    fn count_memory(&mut self) {
        let memory = self.actor.own_memory() + self.actor.imposed_memory();
        self.shared.memory.adjust(memory as i64 - self.memory as i64);
        self.memory = memory;
    }

    /// What others see of it, for lists of processes.
    pub fn info(&self) -> ProcessInfo {
        ProcessInfo::of_native(&self.actor, self.shared.names.of(self.actor.pid))
    }

    /// Receives something each time that [`poll`](Self::poll) is to be called.
    pub fn wakes(&self) -> &Receiver<()> {
        &self.wakes
    }

    /// How long it waits at most; `None` is for ever.
    pub fn timeout(&self) -> Option<Duration> {
        let until = self.actor.wait.as_ref().and_then(Wait::until)?;
        Some(Duration::from_nanos(until.saturating_sub(self.shared.clock.mono())))
    }

    /// Ends a wait early: a receive finds nothing, a sleep is over. Returns the result for the program.
    pub fn cancel_wait(&mut self) -> Completion {
        match self.actor.wait.take() {
            Some(Wait::Message { .. }) => Completion::Received(None),
            Some(Wait::Reply { request, .. }) => request.unavailable(),
            _ => Completion::Done,
        }
    }
}

impl Drop for NativeProcess {
    fn drop(&mut self) {
        let reason = self.ended.unwrap_or(Reason::NORMAL);
        self.shared.memory.adjust(-(self.memory as i64));
        self.shared.context().abandon(&mut self.actor, reason);
        if self.is_outside {
            self.shared.outside.fetch_sub(1, Ordering::SeqCst);
            self.shared.report_if_idle();
        }
    }
}

impl fmt::Debug for NativeProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("NativeProcess");
        debug.field("pid", &self.actor.pid).field("wait", &self.actor.wait);
        debug.field("messages", &self.actor.mailbox.len()).finish_non_exhaustive()
    }
}
