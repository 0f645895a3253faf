//! A process with what the scheduler needs to run it.

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::exit::ExitInfo;
use super::follow::Token;
use crate::actor::Actor;
use crate::supervisor::Supervisor;
use crate::ties::Ties;
use iridium_vm::Program;
use iridium_vm::{Completion, Limits, Message, Pid, Process, Register};

/// A process with what the scheduler needs to run it.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) actor: Actor,
    pub(crate) body: Body,
    /// Whether there were letters for it when it was taken out of its slot.
    pub(crate) has_letters: bool,
    /// Whether it has ended, and is only looked at for the last time.
    pub(crate) has_ended: bool,
    /// The deadline that the timers have for it.
    pub(crate) timer: Option<u64>,
    /// Fuel that it has spent beyond what its turns had.
    pub(crate) debt: u64,
    /// How many questions it has asked other nodes.
    pub(crate) questions: u64,
    /// The memory that it was last found to take.
    pub(crate) memory: u64,
    /// The memory of its mailbox from which on it is to be measured again, also while it waits.
    pub(crate) alarm: u64,
    /// What a host function said that failed.
    pub(crate) failure: Option<String>,
    /// Who is told of its end from outside.
    pub(crate) witnesses: Vec<Sender<ExitInfo>>,
    /// Held until it has ended, and then by those it was linked to.
    pub(crate) tokens: Vec<Token>,
}

/// What lives in a process.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are programs")]
pub(crate) enum Body {
    /// A program.
    Program(Process, Arc<Program>),
    /// A supervisor.
    Supervisor(Box<Supervisor>),
    /// Nothing any more: the process has ended, and its box waits for another one.
    Ended,
}

impl Task {
    pub(crate) fn new(actor: Actor, body: Body) -> Self {
        Self {
            actor,
            body,
            has_letters: false,
            has_ended: false,
            timer: None,
            debt: 0,
            questions: 0,
            memory: 0,
            alarm: u64::MAX,
            failure: None,
            witnesses: Vec::new(),
            tokens: Vec::new(),
        }
    }

    /// Becomes another process, in the box of one that has [ended](Self::end).
    pub(crate) fn begin(&mut self, actor: Actor, body: Body) {
        self.actor = actor;
        self.body = body;
        (self.has_letters, self.has_ended) = (false, false);
        self.timer = None;
        (self.debt, self.questions) = (0, 0);
        (self.memory, self.alarm) = (0, u64::MAX);
    }

    /// Drops what an ended process had but for its box and, for a program, its registers.
    pub(crate) fn end(&mut self) -> Option<Vec<Register>> {
        self.actor = Actor::new(Pid::NOBODY);
        self.failure = None;
        self.witnesses.clear();
        self.tokens.clear();
        match std::mem::replace(&mut self.body, Body::Ended) {
            Body::Program(process, _) => Some(process.into_registers()),
            Body::Supervisor(_) | Body::Ended => None,
        }
    }

    /// Moves its deadlines to where the clock stands at `there` when here it stands at `here`.
    pub(crate) fn move_to(&mut self, here: u64, there: u64) {
        self.actor.move_to(here, there);
        if let Body::Supervisor(supervisor) = &mut self.body {
            supervisor.move_to(here, there);
        }
    }

    /// Ends a wait with an answer. A process that waits for another kind of answer, which only one
    /// from outside can, goes on waiting, and is ended when it is to run.
    pub(crate) fn complete(&mut self, answer: Completion) {
        self.actor.wait = None;
        if let Body::Program(process, _) = &mut self.body {
            let _ = process.complete(answer);
        }
    }

    /// Gives a program the message that it waits for, or gives it back. There is no other one in the
    /// mailbox that it would take, since then it would not wait. It runs before it reads further
    /// letters, so it will see this one also when it is to be ended next.
    pub(crate) fn hand_over(&mut self, message: Message) -> Option<Message> {
        let Body::Program(process, _) = &mut self.body else { return Some(message) };
        if !self.actor.awaits(&message) {
            return Some(message);
        }
        let back = process.receive_awaited(message);
        if back.is_none() {
            self.actor.wait = None;
        }
        back
    }

    /// What it may use.
    pub(crate) fn limits(&self) -> Limits {
        match &self.body {
            Body::Program(process, _) => process.limits(),
            Body::Supervisor(_) | Body::Ended => Limits::default(),
        }
    }

    /// Whether its mailbox has grown so much while it waits that somebody must see to it.
    pub(crate) fn is_crowded(&self) -> bool {
        self.actor.mailbox.bytes() >= self.alarm || self.is_overfull()
    }

    /// Whether more messages wait than may.
    pub(crate) fn is_overfull(&self) -> bool {
        self.actor.mailbox.is_over(&self.limits())
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn measure(&self) -> u64 {
        let body = match &self.body {
            Body::Program(process, _) => process.memory(),
            Body::Supervisor(_) | Body::Ended => 0,
        };
        let ties = self.actor.has_ties().map_or(0, Ties::memory);
        size_of::<Self>() as u64 + body + ties + self.actor.mailbox.bytes()
    }
}
