//! A process that the scheduler runs.

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::actor::ActorState;
use super::exit_info::ExitInfo;
use super::group::GroupToken;
use super::relations::Relations;
use crate::supervisor::Supervisor;
use iridium_vm::{Completion, Limits, Message, Pid, Process, Program, Register};

/// A process with what the scheduler needs to run it. Whoever has the box owns the process.
#[derive(Debug)]
pub(crate) struct ProcessEntry {
    pub(crate) actor: ActorState,
    pub(crate) body: Body,
    /// Whether its slot holds messages that it must handle at the start of its next turn.
    pub(crate) has_slot_messages: bool,
    /// Whether it has exited; an inspection may still see it then.
    pub(crate) has_exited: bool,
    /// The deadline that is set for it in the timers.
    pub(crate) timer: Option<u64>,
    /// Fuel that it has spent beyond that of its turns.
    pub(crate) fuel_debt: u64,
    /// How many requests it has made to other nodes.
    pub(crate) requests: u64,
    /// The memory in bytes that it is counted with.
    pub(crate) memory: u64,
    /// The bytes in its mailbox at which it is counted again, also while it waits.
    pub(crate) remeasure_at: u64,
    /// The error of the host function that failed last.
    pub(crate) host_error: Option<String>,
    /// Embedders who want to know how it ends.
    pub(crate) exit_subscribers: Vec<Sender<ExitInfo>>,
    /// The groups that it belongs to.
    pub(crate) groups: Vec<GroupToken>,
}

/// What a process runs.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are programs")]
pub(crate) enum Body {
    /// A program.
    Program(Process, Arc<Program>),
    /// A supervisor.
    Supervisor(Box<Supervisor>),
    /// Nothing: the process has exited, and its box is kept for another one.
    Ended,
}

impl ProcessEntry {
    pub(crate) fn new(actor: ActorState, body: Body) -> Self {
        Self {
            actor,
            body,
            has_slot_messages: false,
            has_exited: false,
            timer: None,
            fuel_debt: 0,
            requests: 0,
            memory: 0,
            remeasure_at: u64::MAX,
            host_error: None,
            exit_subscribers: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// Makes a new process in the box of one that was [cleared](Self::clear).
    pub(crate) fn reuse(&mut self, actor: ActorState, body: Body) {
        self.actor = actor;
        self.body = body;
        (self.has_slot_messages, self.has_exited) = (false, false);
        self.timer = None;
        (self.fuel_debt, self.requests) = (0, 0);
        (self.memory, self.remeasure_at) = (0, u64::MAX);
    }

    /// Drops what a process had that has exited, and gives the registers of a program, to be used
    /// again.
    pub(crate) fn clear(&mut self) -> Option<Vec<Register>> {
        self.actor = ActorState::new(Pid::NOBODY);
        self.host_error = None;
        self.exit_subscribers.clear();
        self.groups.clear();
        match std::mem::replace(&mut self.body, Body::Ended) {
            Body::Program(process, _) => Some(process.into_registers()),
            Body::Supervisor(_) | Body::Ended => None,
        }
    }

    /// Moves its deadlines to a clock that stands at `there` when the present one stands at `here`.
    pub(crate) fn rebase(&mut self, here: u64, there: u64) {
        self.actor.rebase(here, there);
        if let Body::Supervisor(supervisor) = &mut self.body {
            supervisor.rebase(here, there);
        }
    }

    /// Ends a wait with its result. A process that waits for a result of another kind, which only a
    /// restored one can, stays as it is, and traps when it is to run.
    pub(crate) fn complete(&mut self, completion: Completion) {
        self.actor.wait = None;
        if let Body::Program(process, _) = &mut self.body {
            let _ = process.complete(completion);
        }
    }

    /// Gives a program the message that it waits for, without the mailbox, in which there is none
    /// that it would take: it would not wait then. Any other message comes back. The program runs
    /// before it handles further slot messages, so it sees this one also when an exit follows.
    pub(crate) fn receive_now(&mut self, message: Message) -> Option<Message> {
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

    /// Adds it to a group, once.
    pub(crate) fn join_group(&mut self, token: GroupToken) {
        if !self.groups.iter().any(|known| known.is_same_group(&token)) {
            self.groups.push(token);
        }
    }

    /// What it may use.
    pub(crate) fn limits(&self) -> Limits {
        match &self.body {
            Body::Program(process, _) => process.limits(),
            Body::Supervisor(_) | Body::Ended => Limits::default(),
        }
    }

    /// Whether its mailbox has grown so much while it waits that a worker must count it.
    pub(crate) fn needs_attention(&self) -> bool {
        self.actor.mailbox.bytes() >= self.remeasure_at || self.is_over_limits()
    }

    /// Whether more messages wait than may.
    pub(crate) fn is_over_limits(&self) -> bool {
        self.actor.mailbox.is_over(&self.limits())
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn measure(&self) -> u64 {
        let body = match &self.body {
            Body::Program(process, _) => process.memory(),
            Body::Supervisor(_) | Body::Ended => 0,
        };
        let relations = self.actor.relations().map_or(0, Relations::memory);
        size_of::<Self>() as u64 + body + relations + self.actor.mailbox.bytes()
    }
}
