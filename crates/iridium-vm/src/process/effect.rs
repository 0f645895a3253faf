//! What a process wants from the world, and the answers.

use serde::{Deserialize, Serialize};

use super::{Message, Payload, Process, Register, Status, TrapKind};
use iridium_isa::operand::WINDOW_SPAN;

/// Where a new process starts and with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The instruction.
    pub entry: u32,
    /// Its first registers, both lanes.
    pub arguments: Box<[Register; WINDOW_SPAN as usize]>,
}

impl Start {
    /// How many registers a new process starts with.
    pub const ARGUMENTS: usize = WINDOW_SPAN as usize;
}

/// How a new process relates to the one that spawns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpawnKind {
    /// Not at all.
    Plain,
    /// On the node with this number.
    At(i64),
    /// Linked.
    Linked,
    /// Monitored.
    Monitored,
}

/// What a process wants. The comment names the [`Completion`] that answers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields are named as in the instruction's own line")]
pub enum Effect {
    /// Own pid: `Value`.
    SelfPid,
    /// Own node number: `Value`.
    Node,
    /// A new process: `Value`, its pid; for [`SpawnKind::Monitored`] `Pair`, pid and reference.
    Spawn { kind: SpawnKind, start: Start },
    /// A message to send: `Done`.
    Send { to: i64, tag: i64, payload: Payload },
    /// A message to take: `Received`. `tag` -1 is any, `timeout` is in ms, -1 is for ever.
    Receive { tag: i64, timeout: i64 },
    /// Link: `Done`.
    Link { pid: i64 },
    /// Undo a link: `Done`.
    Unlink { pid: i64 },
    /// Monitor: `Value`, the reference.
    Monitor { pid: i64 },
    /// Stop a monitor: `Done`.
    Demonitor { reference: i64 },
    /// Exit signals as messages, or not: `Done`.
    TrapExit { on: bool },
    /// End another process: `Done`.
    Kill { pid: i64, reason: i64 },
    /// Give a name: `Done`.
    Register { name: String, pid: i64 },
    /// Take a name: `Done`.
    Unregister { name: String, pid: i64 },
    /// The pid behind a name: `Found`.
    WhereIs { name: String },
    /// The number of nodes alive: `Value`.
    Nodes,
    /// The number of the n-th node: `Value`.
    NodeAt { position: i64 },
    /// Node events as messages, or not: `Done`.
    MonitorNodes { on: bool },
    /// Not to run for some ms: `Done`.
    Sleep { milliseconds: i64 },
    /// To let others run: `Done`.
    Yield,
    /// Nanoseconds since 1970: `Value`.
    Now,
    /// Nanoseconds since the start: `Value`.
    Mono,
    /// 64 random bits: `Value`.
    Random,
    /// A blocking host function to be called with [`Program::call_host`](crate::Program::call_host)
    /// on a thread where it may take its time: `Done`, or `Failed`.
    Host { import: u16, window: u8 },
}

/// The answer to an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Completion {
    /// It is done.
    Done,
    /// It is done, with one result.
    Value(i64),
    /// It is done, with two results.
    Pair(i64, i64),
    /// What was looked up, if it exists.
    Found(Option<i64>),
    /// The message, if one came in time.
    Received(Option<Message>),
    /// It failed and the process traps.
    Failed(TrapKind),
}

/// What shape of answer a process waits for, and the register that takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Pending {
    Done,
    Value(u8),
    Pair(u8),
    Found(u8),
    Received(u8),
}

/// An answer that does not go with the question. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the process waits for another answer than {0:?}")]
pub struct UnexpectedCompletion(pub Completion);

impl Process {
    /// Answers the last effect; the process can then run again.
    ///
    /// # Errors
    /// When the process does not wait, or waits for another kind of answer.
    pub fn complete(&mut self, completion: Completion) -> Result<(), UnexpectedCompletion> {
        match (self.pending, completion) {
            (Some(_), Completion::Failed(kind)) => {
                self.fail(kind);
                return Ok(());
            }
            (Some(Pending::Done), Completion::Done) => {}
            (Some(Pending::Value(d)), Completion::Value(value)) => self.set_int(d, value),
            (Some(Pending::Pair(d)), Completion::Pair(first, second)) => {
                self.set_int(d, first);
                self.set_int(d.saturating_add(1), second);
            }
            (Some(Pending::Found(d)), Completion::Found(found)) => {
                self.flag = found.is_some();
                if let Some(value) = found {
                    self.set_int(d, value);
                }
            }
            (Some(Pending::Received(d)), Completion::Received(message)) => {
                self.flag = message.is_some();
                if let Some(message) = message {
                    self.receive(d, message);
                }
            }
            (_, completion) => return Err(UnexpectedCompletion(completion)),
        }
        self.status = Status::Ready;
        self.pending = None;
        Ok(())
    }

    /// Makes a message the current one and tells of it from a register on.
    pub(crate) fn receive(&mut self, d: u8, message: Message) {
        let words = [message.tag, message.sender, message.payload.bytes().len() as i64];
        let at = self.window as usize + usize::from(d);
        match self.registers.get_mut(at..at + words.len()) {
            Some(registers) => registers.iter_mut().zip(words).for_each(|(to, int)| to.int = int),
            None => (d..=u8::MAX).zip(words).for_each(|(number, int)| self.set_int(number, int)),
        }
        self.message = Some(message.payload);
    }

    /// Ends the process with a trap from outside. One that waits stands at the instruction it waits
    /// with, which is the one before the next.
    pub fn fail(&mut self, kind: TrapKind) {
        if self.pending.take().is_some() {
            self.pc = self.pc.saturating_sub(1);
        }
        self.status = Status::Trapped(kind);
    }

    /// From now on it waits for an answer.
    pub(crate) fn wait(&mut self, pending: Pending) {
        self.status = Status::Waiting;
        self.pending = Some(pending);
    }

    /// As [`complete`](Self::complete) with a message. One that does not wait for any gives it back.
    pub fn receive_awaited(&mut self, message: Message) -> Option<Message> {
        let Some(Pending::Received(d)) = self.pending else { return Some(message) };
        self.flag = true;
        self.receive(d, message);
        self.status = Status::Ready;
        self.pending = None;
        None
    }

    fn set_int(&mut self, number: u8, int: i64) {
        let at = self.window as usize + usize::from(number);
        match self.registers.get_mut(at) {
            Some(register) => register.int = int,
            None => self.set_register(number, Register { int, float: 0.0 }),
        }
    }
}
