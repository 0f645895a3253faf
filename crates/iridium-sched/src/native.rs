//! A process that somebody drives from outside: a REPL, a test, a part of an embedder. It has a pid
//! and a mailbox, and can do what other processes can.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use serde::{Deserialize, Serialize};

use super::Scheduler;
use super::effects::{self, Outcome, Wisher};
use super::info::ProcessInfo;
use super::letter::Letter;
use super::shared::{Full, Shared, signal_of};
use super::table::Place;
use crate::Reason;
use crate::actor::{Actor, Wait};
use iridium_vm::Program;
use iridium_vm::{Completion, Effect, Limits, Pid, TrapKind};

/// A process that somebody drives from outside. When it is dropped, the process ends as one that
/// came to its end.
pub struct NativeProcess {
    shared: Arc<Shared>,
    pub(super) actor: Actor,
    pub(super) questions: u64,
    wakes: Receiver<()>,
    /// What it may use, as was said last.
    limits: Limits,
    /// What it was told to end with.
    ended: Option<Reason>,
}

/// How far a wish has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Progress {
    /// It is granted.
    Done(Completion),
    /// It waits. [`NativeProcess::poll`] is to be called when [`NativeProcess::wakes`] says so, and when
    /// [`NativeProcess::patience`] is over.
    Waits,
    /// It is a host function that takes its time, for the caller to call.
    Host {
        /// Which import of the module.
        import: u16,
        /// The register at which its window starts.
        window: u8,
    },
    /// The process was told to end. Nothing else comes from now on, and it is to be dropped.
    Ended(Reason),
}

impl Scheduler {
    /// A process that the caller drives.
    ///
    /// # Errors
    /// When there are as many processes as there may be.
    pub fn native(&self) -> Result<NativeProcess, Full> {
        let shared = self.shared();
        let serial = shared.table.reserve(None).ok_or(Full)?;
        NativeProcess::taking_place(shared, Actor::new(Pid::new(shared.node(), serial)), 0)
    }
}

impl NativeProcess {
    /// A native whose serial is reserved.
    pub(super) fn taking_place(
        shared: &Arc<Shared>,
        actor: Actor,
        questions: u64,
    ) -> Result<Self, Full> {
        let serial = actor.pid.serial();
        let place = shared.table.place(serial).ok_or(Full)?;
        let (wake, wakes) = bounded(1);
        let limits = Limits::default();
        place.lend(serial, limits.message_bytes, wake);
        Ok(Self { shared: Arc::clone(shared), actor, questions, wakes, limits, ended: None })
    }

    /// Its pid.
    pub fn pid(&self) -> Pid {
        self.actor.pid
    }

    /// Does what a process of a program wants, as that process.
    pub fn perform(&mut self, effect: Effect, program: &Arc<Program>, limits: Limits) -> Progress {
        self.limits = limits;
        let wisher =
            Wisher { actor: &mut self.actor, program, limits, questions: &mut self.questions };
        match effects::perform(self.shared.context(), wisher, effect) {
            Outcome::Done(answer) => Progress::Done(answer),
            Outcome::Yield => Progress::Done(Completion::Done),
            Outcome::Wait(Wait::Host { import, window }) => Progress::Host { import, window },
            Outcome::Wait(wait) => self.wait(wait),
            Outcome::End(reason) => {
                self.ended = Some(reason);
                Progress::Ended(reason)
            }
        }
    }

    fn wait(&mut self, wait: Wait) -> Progress {
        if let Wait::Answer { number, question } = &wait
            && self.shared.outside.ask(self.actor.pid, *number, question).is_err()
        {
            return Progress::Done(effects::no_answer(question));
        }
        self.actor.wait = Some(wait);
        self.poll()
    }

    /// Takes in what has come, and looks whether the wait is over.
    pub fn poll(&mut self) -> Progress {
        let letters = self.shared.table.place(self.actor.pid.serial()).map(|place| place.collect());
        let mut answer = None;
        for letter in letters.into_iter().flatten() {
            match letter {
                Letter::Signal(signal) => {
                    let end = self.shared.context().take_in(&mut self.actor, signal);
                    self.ended = self.ended.or(end);
                }
                Letter::Answer(number, completion) if self.actor.awaits_answer(number) => {
                    self.actor.wait = None;
                    answer = Some(completion);
                }
                Letter::Overflow => {
                    self.ended.get_or_insert(Reason::of_trap(TrapKind::MailboxLimit));
                }
                // Who is driven from outside is not seen or followed from elsewhere.
                Letter::Answer(..)
                | Letter::Time(_)
                | Letter::Room
                | Letter::Follow(_)
                | Letter::Look(_) => {}
            }
        }
        // Its letters are few at a time, since they were limited where they waited; but what it does
        // not want adds up.
        if self.actor.mailbox.is_over(&self.limits) {
            self.ended.get_or_insert(Reason::of_trap(TrapKind::MailboxLimit));
        }
        if let Some(reason) = self.ended {
            self.actor.wait = None;
            return Progress::Ended(reason);
        }
        match answer.or_else(|| effects::look(self.shared.context(), &mut self.actor)) {
            Some(answer) => Progress::Done(answer),
            None if self.patience() == Some(Duration::ZERO) => Progress::Done(self.give_up()),
            None => Progress::Waits,
        }
    }

    /// Its names and what it has to do with others, for those who list processes; what runs in it
    /// is up to the one who drives it.
    pub fn info(&self) -> ProcessInfo {
        ProcessInfo::of_guest(&self.actor, self.shared.names.of(self.actor.pid))
    }

    /// Says, each time something has come, that [`poll`](Self::poll) is to be called.
    pub fn wakes(&self) -> &Receiver<()> {
        &self.wakes
    }

    /// How long it waits at most; `None` is for ever.
    pub fn patience(&self) -> Option<Duration> {
        let until = self.actor.wait.as_ref().and_then(Wait::until)?;
        Some(Duration::from_nanos(until.saturating_sub(self.shared.clock.mono())))
    }

    /// Gives a wait up: a receive finds nothing, a sleep is over. Gives the answer for the process.
    pub fn give_up(&mut self) -> Completion {
        match self.actor.wait.take() {
            Some(Wait::Message { .. }) => Completion::Received(None),
            Some(Wait::Answer { question, .. }) => effects::no_answer(&question),
            _ => Completion::Done,
        }
    }
}

impl Drop for NativeProcess {
    fn drop(&mut self) {
        let reason = self.ended.unwrap_or(Reason::NORMAL);
        let letters = self.shared.table.place(self.actor.pid.serial()).map(Place::vacate);
        let unread = letters.into_iter().flatten().filter_map(signal_of).collect();
        self.shared.context().retire(&self.actor, reason, unread);
    }
}
