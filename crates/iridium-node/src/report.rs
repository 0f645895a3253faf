//! What a node tells operators about itself.

use iridium_isa::ModuleId;
use iridium_proto::NodeAlias;
use iridium_sched::ProcessInfo;
use iridium_vm::{CompileStats, Pid};
use serde::Serialize;

use crate::wire::form::{counters, fields};

/// How long a list of processes may be that a node sends to operators, in bytes: far less than the
/// longest message, and more than anybody reads.
pub(crate) const MAX_LIST: usize = 4 << 20;
/// What a text takes beside its bytes, where memory is given out in small portions.
const TEXT: usize = size_of::<String>() + 16;

/// A process, for operators.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessRow {
    /// The pid.
    pub pid: Pid,
    /// The names it is registered under.
    pub names: Vec<String>,
    /// The module that it runs; `None` for a supervisor or a native process.
    pub module: Option<ModuleId>,
    /// What the process is doing, in a word.
    pub state: String,
    /// The place in the program that the process has come to.
    pub place: Option<String>,
    /// Fuel spent since its start.
    pub fuel: u64,
    /// Size of the heap, in bytes.
    pub heap: u64,
    /// All memory that the process takes, in bytes.
    pub memory: u64,
    /// Messages that wait in the mailbox.
    pub messages: u64,
    /// Number of processes that the process is linked to.
    pub links: u64,
}

fields!(ProcessRow {
    pid: Pid,
    names: Vec<String>,
    module: Option<ModuleId>,
    state: String,
    place: Option<String>,
    fuel: u64,
    heap: u64,
    memory: u64,
    messages: u64,
    links: u64,
});

impl From<ProcessInfo> for ProcessRow {
    fn from(info: ProcessInfo) -> Self {
        Self {
            pid: info.pid,
            names: info.names,
            module: info.module,
            state: info.activity.as_str().to_string(),
            place: info.place.map(|place| place.to_string()),
            fuel: info.fuel,
            heap: info.heap as u64,
            memory: info.memory,
            messages: info.messages as u64,
            links: info.links as u64,
        }
    }
}

impl ProcessRow {
    /// About what it takes as bytes, and rather more than less.
    fn encoded_len(&self) -> usize {
        let place = self.place.as_ref().map_or(0, String::len);
        let names: usize = self.names.iter().map(|name| name.len() + 8).sum();
        128 + self.state.len() + place + names
    }

    /// About what it takes in memory, and rather more than less.
    pub(crate) fn size(&self) -> usize {
        let texts = [Some(&self.state), self.place.as_ref()].into_iter().flatten();
        let texts = texts.chain(&self.names).map(|text| text.len() + TEXT);
        size_of::<Self>() + texts.sum::<usize>()
    }
}

#[cfg(test)]
impl ProcessRow {
    /// Of a process with these names, and of which there is nothing else to say.
    pub(crate) fn named(pid: Pid, names: Vec<String>) -> Self {
        Self {
            pid,
            names,
            module: None,
            state: String::new(),
            place: None,
            fuel: 0,
            heap: 0,
            memory: 0,
            messages: 0,
            links: 0,
        }
    }
}

/// As many rows from the first on as a list may hold and are admitted by what they take in memory, and how many more
/// there are, which are not made.
pub(crate) fn listed(
    rows: impl IntoIterator<Item = ProcessRow, IntoIter: ExactSizeIterator>,
    admit: impl Fn(usize) -> bool,
) -> (Vec<ProcessRow>, u64) {
    let mut rest = rows.into_iter();
    let (mut fit, mut len) = (Vec::new(), 0);
    while let Some(row) = rest.next() {
        len += row.encoded_len();
        if len > MAX_LIST || !admit(row.size()) {
            return (fit, rest.len() as u64 + 1);
        }
        fit.push(row);
    }
    (fit, 0)
}

/// The processes of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeProcesses {
    /// The node.
    pub alias: NodeAlias,
    /// The processes of the node, by pid; `None` when it did not answer in time.
    pub processes: Option<Vec<ProcessRow>>,
    /// How many more there are: a list holds at most 4 MiB, from the first pid on, all of one answer
    /// 8 MiB, and less while operators are told much.
    pub more: u64,
}

fields!(NodeProcesses { alias: NodeAlias, processes: Option<Vec<ProcessRow>>, more: u64 });

/// What a process understands, for operators who want to send it words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// The label before the instruction that its outermost call is at: the actor or function that
    /// it runs.
    pub function: Option<String>,
    /// The protocols of its module, as
    /// [`protocols_from_bytes`](iridium_isa::module::protocols_from_bytes) reads them.
    pub protocols: Box<[u8]>,
}

fields!(Inbox { function: Option<String>, protocols: Box<[u8]> });

/// How a node does as a whole. Tools may print it in the form that serde gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NodeReport {
    /// The number of the node in pids.
    pub number: u32,
    /// Time since its start, in seconds.
    pub uptime: u64,
    /// Threads that run processes.
    pub workers: u32,
    /// Processes that live.
    pub processes: u64,
    /// Processes that ended with another reason than normal, since the start.
    pub failures: u64,
    /// Those among them that ended by a trap.
    pub traps: u64,
    /// Children that supervisors have started again, since the start.
    pub restarts: u64,
    /// Fuel that all processes have spent since the start.
    pub fuel: u64,
    /// Messages that wait in mailboxes.
    pub messages: u64,
    /// Messages, since the start, that were for processes here and that nobody has received or will.
    pub dead_letters: u64,
    /// Memory of all processes, in bytes.
    pub memory: u64,
    /// Messages to other nodes, since the start.
    pub sent: u64,
    /// Messages from other nodes, since the start.
    pub received: u64,
    /// Bytes of messages to other nodes, since the start.
    pub sent_bytes: u64,
    /// Bytes of messages from other nodes, since the start.
    pub received_bytes: u64,
    /// Modules whose code was sent to other nodes, since the start.
    pub modules_sent: u64,
    /// Bytes that wait to be sent to other nodes.
    pub queued_bytes: u64,
    /// Functions that became native code, since the start.
    pub native_functions: u64,
    /// The instructions in them.
    pub native_instructions: u64,
    /// Time that compiling has taken since the start, in microseconds.
    pub compile_us: u64,
    /// Functions that cannot become native code, since the start.
    pub not_compiled: u64,
    /// Functions that wait to be compiled.
    pub compile_queue: u64,
    /// How many may wait; 0 when nothing is compiled here.
    pub compile_queue_limit: u64,
    /// Memory of native code, in bytes.
    pub native_memory: u64,
    /// How much that may be; 0 when nothing is compiled here.
    pub native_memory_limit: u64,
}

impl NodeReport {
    /// Adds what was compiled.
    pub(crate) fn add_compiled(&mut self, stats: &CompileStats) {
        self.native_functions = stats.functions;
        self.native_instructions = stats.instructions;
        self.compile_us = u64::try_from(stats.took.as_micros()).unwrap_or(u64::MAX);
        self.not_compiled = stats.too_large + stats.refused + stats.no_room;
        self.compile_queue = stats.waiting;
        self.compile_queue_limit = stats.waiting_limit;
        self.native_memory = stats.memory;
        self.native_memory_limit = stats.memory_limit;
    }
}

counters!(NodeReport {
    1 number: u32,
    2 uptime: u64,
    3 workers: u32,
    4 processes: u64,
    5 failures: u64,
    6 traps: u64,
    7 restarts: u64,
    8 fuel: u64,
    9 messages: u64,
    10 dead_letters: u64,
    11 memory: u64,
    12 sent: u64,
    13 received: u64,
    14 sent_bytes: u64,
    15 received_bytes: u64,
    16 modules_sent: u64,
    17 queued_bytes: u64,
    18 native_functions: u64,
    19 native_instructions: u64,
    20 compile_us: u64,
    21 not_compiled: u64,
    22 compile_queue: u64,
    23 compile_queue_limit: u64,
    24 native_memory: u64,
    25 native_memory_limit: u64,
});

/// A node, and how it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLoad {
    /// The node.
    pub alias: NodeAlias,
    /// The report of the node; `None` when it did not answer in time.
    pub report: Option<NodeReport>,
}

fields!(NodeLoad { alias: NodeAlias, report: Option<NodeReport> });
