//! What a supervisor is told to do: its children, and what their ends mean.

use crate::process::reason::Reason;
// They bound every supervisor, whatever it or a snapshot of it says.
pub use iridium_isa::app::{MAX_MS, MAX_RESTARTS};
use iridium_isa::protocol::FirstMessage;
use iridium_isa::{DebugId, ModuleId};
use iridium_vm::codec::numbered;
use iridium_vm::{Limits, Register};

numbered! {
    /// Which children start again when one of them does.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum Strategy {
        /// That one. For children that do not need each other.
        #[default]
        0 = OneForOne,
        /// All of them. For children that cannot go on without each other.
        1 = OneForAll,
        /// That one and those behind it. For children that need the ones before them.
        2 = RestForOne,
    }
}

numbered! {
    /// Whether a child starts again when it has ended.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum Restart {
        /// Always.
        #[default]
        0 = Permanent,
        /// Unless it ended normally or was asked to. It is then still there for a restart of its group.
        1 = Transient,
        /// Never, not with its group either.
        2 = Temporary,
    }
}

impl Restart {
    /// Whether a child that has ended by itself, for `reason`, starts again.
    pub fn restarts_after(self, reason: Reason) -> bool {
        match self {
            Restart::Permanent => true,
            Restart::Transient => reason != Reason::NORMAL && reason != Reason::SHUTDOWN,
            Restart::Temporary => false,
        }
    }
}

/// How deep supervisors may be nested, the top one included. One that is deeper is not started.
pub const MAX_DEPTH: usize = 16;

/// A supervisor. Its default has no children and allows 3 restarts within 5 seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Which children start again when one of them does.
    pub strategy: Strategy,
    /// How many restarts there may be within the time below. One more, and the supervisor gives up.
    /// A restart of several children counts once. At most [`MAX_RESTARTS`].
    pub restarts: u32,
    /// The time within which restarts are counted, in ms; at most [`MAX_MS`].
    pub within_ms: u64,
    /// The children, in the order in which they start.
    pub children: Vec<Child>,
}

impl Default for Spec {
    fn default() -> Self {
        let (strategy, children) = (Strategy::default(), Vec::new());
        Self { strategy, restarts: 3, within_ms: 5_000, children }
    }
}

impl Spec {
    /// Whether supervisors are nested deeper in it than so many, itself included.
    pub(crate) fn is_deeper_than(&self, most: usize) -> bool {
        let mut below = vec![(self, 1)];
        while let Some((spec, depth)) = below.pop() {
            if depth > most {
                return true;
            }
            below.extend(spec.children.iter().filter_map(|child| match &child.body {
                ChildBody::Supervisor(spec) => Some((spec, depth + 1)),
                ChildBody::Program { .. } => None,
            }));
        }
        false
    }
}

/// A child of a supervisor.
#[derive(Debug, Clone, PartialEq)]
pub struct Child {
    /// What it is called in reports; unique within its supervisor.
    pub name: String,
    /// The name that its process is registered under, if any.
    pub registered: Option<String>,
    /// Whether it starts again when it has ended.
    pub restart: Restart,
    /// How it is stopped.
    pub shutdown: Shutdown,
    /// What runs.
    pub body: ChildBody,
}

/// How a child is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// It is killed without being asked.
    BrutalKill,
    /// It is asked, and killed if it has not ended after so many ms; at most [`MAX_MS`].
    Timeout(u64),
    /// It is asked, and never killed, which suits a supervisor: it ends when its children have.
    Infinity,
}

numbered! {
    /// Where a program starts.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Entry {
        /// At a label or export.
        0 = Label(String),
        /// At the instruction with this index.
        1 = At(u32),
    }
}

impl From<&str> for Entry {
    fn from(label: &str) -> Self {
        Self::Label(label.to_owned())
    }
}

/// What a child is.
#[derive(Debug, Clone, PartialEq)]
pub enum ChildBody {
    /// A process that runs a module.
    Program {
        /// The module.
        module: ModuleId,
        /// Which one of several that behave alike: it shows the places of that one. Any, if it is
        /// `None` or not there.
        debug: Option<DebugId>,
        /// Where it starts; `None` is the module's entry.
        entry: Option<Entry>,
        /// Its first registers.
        arguments: Vec<Register>,
        /// The message that it finds in its mailbox, each time it starts, before anybody else can
        /// have sent to it.
        first: Option<FirstMessage>,
        /// What it may use.
        limits: Limits,
    },
    /// A supervisor with children of its own.
    Supervisor(Spec),
}
