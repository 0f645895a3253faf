//! A process that the scheduler runs.

use std::sync::Arc;

use super::actor::ActorState;
use super::group::GroupToken;
use super::mailbox::memory_of;
use super::pending_reply::PendingReply;
use super::retirement::Retirement;
use super::watchers::Watchers;
use crate::memory::Memory;
use crate::supervisor::Supervisor;
use iridium_vm::{
    ALLOCATION, Completion, Limits, Message, Payload, Pid, Process, Program, Register,
};

/// What the slot of a process takes, in bytes.
pub(crate) const SLOT: usize = 128;
/// What a deadline takes, in bytes.
const TIMER_ENTRY: u64 = 40;

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
    /// The memory in bytes that it is counted with, without the next.
    pub(crate) memory: u64,
    /// What is counted of links and monitors that others may have asked for.
    pub(crate) imposed_memory: u64,
    /// Bytes of messages that have come while it waited and are not yet counted.
    pub(crate) uncounted: u64,
    /// The error of the host function that failed last.
    pub(crate) host_error: Option<String>,
    /// The host call that it waits for, if that is answered later.
    pub(crate) pending_reply: Option<Box<PendingReply>>,
    /// Those who wait for its end.
    pub(crate) watchers: Watchers,
}

/// What a process runs.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are programs")]
pub(crate) enum Body {
    /// A program.
    Program(Process, Arc<Program>),
    /// A supervisor.
    Supervisor(Box<Supervisor>),
    /// Nothing: the process has exited, and not all of what follows from that is done.
    Retiring(Box<Retirement>),
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
            imposed_memory: 0,
            uncounted: 0,
            host_error: None,
            pending_reply: None,
            watchers: Watchers::default(),
        }
    }

    /// Makes a new process in the box of one that was [cleared](Self::clear).
    pub(crate) fn reuse(&mut self, actor: ActorState, body: Body) {
        self.actor = actor;
        self.body = body;
        (self.has_slot_messages, self.has_exited) = (false, false);
        self.timer = None;
        (self.fuel_debt, self.requests) = (0, 0);
        (self.memory, self.imposed_memory, self.uncounted) = (0, 0, 0);
    }

    /// Drops what a process had that has exited, and gives the registers of a program, to be used
    /// again.
    pub(crate) fn clear(&mut self) -> Option<Vec<Register>> {
        self.actor = ActorState::new(Pid::NOBODY);
        self.host_error = None;
        self.pending_reply = None;
        self.watchers = Watchers::default();
        let registers = match &mut self.body {
            Body::Program(process, _) => Some(process.take_registers()),
            Body::Supervisor(_) | Body::Retiring(_) | Body::Ended => None,
        };
        self.body = Body::Ended;
        registers
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
    #[inline(always)]
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

    /// Adds it to a group, once. A supervisor is in none: those that are linked to it end with it,
    /// and not it with them.
    pub(crate) fn join_group(&mut self, token: GroupToken) {
        if !self.is_supervisor() {
            self.watchers.join(token);
        }
    }

    /// What it may use.
    pub(crate) fn limits(&self) -> Limits {
        match &self.body {
            Body::Program(process, _) => process.limits(),
            Body::Supervisor(_) | Body::Retiring(_) | Body::Ended => Limits::default(),
        }
    }

    /// Whether it is a process of the runtime's own, which programs can neither end nor fill.
    pub(crate) fn is_supervisor(&self) -> bool {
        matches!(self.body, Body::Supervisor(_))
    }

    /// Whether more messages wait than may. A supervisor has only those that its children's ends are.
    pub(crate) fn is_over_limits(&self) -> bool {
        !self.is_supervisor() && self.actor.mailbox.is_over(&self.limits())
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn measure(&self) -> u64 {
        self.own_memory() + self.actor.imposed_memory()
    }

    /// The memory that it takes without what others may have asked for, in bytes.
    fn own_memory(&self) -> u64 {
        let body = match &self.body {
            Body::Program(process, _) => process.memory(),
            Body::Supervisor(supervisor) => supervisor.memory(),
            Body::Retiring(_) | Body::Ended => 0,
        };
        // Its box, its slot, and its place among the timers.
        let fixed = (size_of::<Self>() + SLOT) as u64 + ALLOCATION;
        let timer = if self.timer.is_some() { TIMER_ENTRY } else { 0 };
        fixed + timer + body + self.actor.own_memory()
    }

    /// Counts its memory, where that is limited. `false` when it has grown and there is no room for
    /// that: it is counted as before then. What others may have asked for, and a supervisor, are
    /// counted in any case.
    #[inline]
    pub(crate) fn count_memory(&mut self, memory: &Memory) -> bool {
        !memory.is_limited() || self.count_limited_memory(memory)
    }

    #[cold]
    fn count_limited_memory(&mut self, memory: &Memory) -> bool {
        let (own, imposed) = (self.own_memory(), self.actor.imposed_memory());
        memory.adjust(imposed as i64 - self.imposed_memory as i64);
        (self.imposed_memory, self.uncounted) = (imposed, 0);
        let fits = match own.checked_sub(self.memory) {
            Some(grown) if grown > 0 && !self.is_supervisor() => memory.try_grow(grown),
            _ => {
                memory.adjust(own as i64 - self.memory as i64);
                true
            }
        };
        if fits {
            self.memory = own;
        }
        fits
    }

    /// Counts the memory of a message that it is about to get while it waits; not each one, but an
    /// eighth more of its own at the latest. `false` when there is no room for it.
    #[inline]
    pub(crate) fn count_message(&mut self, memory: &Memory, message: &Message) -> bool {
        !memory.is_limited() || self.count_limited_message(memory, message)
    }

    #[cold]
    fn count_limited_message(&mut self, memory: &Memory, message: &Message) -> bool {
        // It gets none.
        if self.is_supervisor() {
            return true;
        }
        self.uncounted += match &message.payload {
            Payload::Word(_) if self.actor.awaits(message) => 0,
            _ => memory_of(message) + ALLOCATION,
        };
        if self.uncounted <= self.memory / 8 {
            return true;
        }
        let fits = memory.try_grow(self.uncounted);
        if fits {
            self.memory += std::mem::take(&mut self.uncounted);
        }
        fits
    }

    /// Counts it no more.
    pub(crate) fn uncount_memory(&mut self, memory: &Memory) {
        let counted = std::mem::take(&mut self.memory) + std::mem::take(&mut self.imposed_memory);
        memory.adjust(-(counted as i64));
    }
}
