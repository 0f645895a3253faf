//! Effects: what a process asks of its surroundings, and the answers.

use iridium_isa::operand::WINDOW_SPAN;
use serde::{Deserialize, Serialize};

use crate::codec::numbered;
use crate::message::{Message, Payload};
use crate::register::Register;
use crate::trap::TrapKind;

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

numbered! {
    /// How a new process relates to the one that spawns it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum SpawnKind {
        /// Not at all.
        0 = Plain,
        /// On the node with this number.
        1 = At(i64),
        /// Linked.
        2 = Linked,
        /// Monitored.
        3 = Monitored,
    }
}

numbered! {
    /// What a process wants. The comment names the [`Completion`] that answers it.
    #[derive(Debug, Clone, PartialEq)]
    #[allow(missing_docs, reason = "fields are named as in the instruction's own line")]
    pub enum Effect {
        /// Own pid: `Value`.
        0 = SelfPid,
        /// Own node number: `Value`.
        1 = Node,
        /// A new process: `Value`, its pid; for [`SpawnKind::Monitored`] `Pair`, pid and reference.
        2 = Spawn { kind: SpawnKind, start: Start },
        /// A message to send: `Done`.
        3 = Send { to: i64, tag: i64, payload: Payload },
        /// A message to take: `Received`. `tag` -1 is any, `timeout` is in ms, -1 is for ever.
        4 = Receive { tag: i64, timeout: i64 },
        /// Link: `Done`.
        5 = Link { pid: i64 },
        /// Undo a link: `Done`.
        6 = Unlink { pid: i64 },
        /// Monitor: `Value`, the reference.
        7 = Monitor { pid: i64 },
        /// Stop a monitor: `Done`.
        8 = Demonitor { reference: i64 },
        /// Exit signals as messages, or not: `Done`.
        9 = TrapExit { on: bool },
        /// End another process: `Done`.
        10 = Kill { pid: i64, reason: i64 },
        /// Give a name: `Done`.
        11 = Register { name: String, pid: i64 },
        /// Take a name: `Done`.
        12 = Unregister { name: String, pid: i64 },
        /// The pid behind a name: `Found`.
        13 = WhereIs { name: String },
        /// The number of nodes alive: `Value`.
        14 = Nodes,
        /// The number of the n-th node: `Value`.
        15 = NodeAt { position: i64 },
        /// Node events as messages, or not: `Done`.
        16 = MonitorNodes { on: bool },
        /// Not to run for some ms: `Done`.
        17 = Sleep { milliseconds: i64 },
        /// To let others run: `Done`.
        18 = Yield,
        /// Nanoseconds since 1970: `Value`.
        19 = Now,
        /// Nanoseconds since the start: `Value`.
        20 = Mono,
        /// 64 random bits: `Value`.
        21 = Random,
        /// A host function that is blocking or answers later; see
        /// [`Program::is_deferred`](crate::Program::is_deferred). The latter is started with
        /// [`start_host`](crate::Program::start_host) and completed with
        /// [`finish_host`](crate::Program::finish_host); the former is called with
        /// [`call_host`](crate::Program::call_host), on a thread where it may wait. `Done`, or
        /// `Failed`.
        22 = Host { import: u16, window: u8 },
        /// Monitor until the reply with this tag: `Done`.
        23 = MonitorReply { pid: i64, tag: i64 },
    }
}

numbered! {
    /// The answer to an effect.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Completion {
        /// It is done.
        0 = Done,
        /// It is done, with one result.
        1 = Value(i64),
        /// It is done, with two results.
        2 = Pair(i64, i64),
        /// What was looked up, if it exists.
        3 = Found(Option<i64>),
        /// The message, if one came in time.
        4 = Received(Option<Message>),
        /// It failed and the process traps.
        5 = Failed(TrapKind),
    }
}

numbered! {
    /// What is left to do of an instruction: what shape of answer a process waits for, and the
    /// register that takes it; or, while it can run, the rest of a bulk instruction.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Pending {
        0 = Done,
        1 = Value(u8),
        2 = Pair(u8),
        3 = Found(u8),
        4 = Received(u8),
        /// So many bytes of the bulk instruction at `pc` are done, and paid for.
        5 = Bulk(u64),
    }
}

/// An answer that does not go with the question. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the process waits for another answer than {0:?}")]
pub struct UnexpectedCompletion(pub Completion);
