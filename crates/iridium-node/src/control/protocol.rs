//! What a client and a node say to each other; see [`wire`](crate::wire) for the form.

use std::fmt;
use std::str::FromStr;

use iridium_isa::ModuleId;
use iridium_proto::{NodeAlias, ProtoError};
use iridium_sched::{Progress, Reason};
use iridium_vm::{Completion, Effect, Limits, Payload, Pid, Register};

use crate::events::NodeEvent;
use crate::report::{Inbox, NodeLoad, NodeProcesses};
use crate::wire::form::{fields, numbered, to_bytes};

/// What a client asks. Each call begins a conversation; most are answered once.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Call {
    /// The processes of this node, or of all: a `Processes` for each node.
    Processes {
        /// Whether of all.
        all: bool,
    },
    /// How all nodes do: `Loads`.
    Loads,
    /// The apps of this node: `Apps`.
    Apps,
    /// A new process: `Spawned`, after `CodeWanted`, which the client answers with the bytes
    /// of the module file.
    Spawn(Box<SpawnOrder>),
    /// Send a message in nobody's name: `Done`.
    Send {
        /// The receiver.
        to: Target,
        /// The tag of the message; negative ones are the system's own.
        tag: i64,
        /// The content of the message.
        payload: Payload,
    },
    /// End a process, or tell it to: `Done`.
    Kill {
        /// The process.
        to: Target,
        /// The exit reason.
        reason: Reason,
    },
    /// What happens from now on: `Subscribed`, then an `Event` for each, until the client goes.
    Events,
    /// What a process understands: `Understands`.
    Understands {
        /// The process.
        of: Target,
    },
    /// A native process of the node that the client drives: `Attached`, then the client says
    /// what the process does.
    Attach,
}

numbered!(Call {
    0 Processes { all: bool };
    1 Loads;
    2 Apps;
    3 Spawn(order: Box<SpawnOrder>);
    4 Send { to: Target, tag: i64, payload: Payload };
    5 Kill { to: Target, reason: Reason };
    6 Events;
    7 Attach;
    8 Understands { of: Target };
});

/// What a node says to a client.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// Processes of nodes.
    Processes(Vec<NodeProcesses>),
    /// How nodes do.
    Loads(Vec<NodeLoad>),
    /// The apps of the node.
    Apps(Vec<AppRow>),
    /// Send the module file now.
    CodeWanted,
    /// The new process.
    Spawned(Pid),
    /// A `Send` or `Kill` was carried out on this process.
    Done(Pid),
    /// Events follow.
    Subscribed,
    /// Something has happened.
    Event(NodeEvent),
    /// The client drives this process from now on.
    Attached(Pid),
    /// How far an attached process has come.
    Progress(Progress),
    /// The outcome of a wait that an attached process has given up.
    Completion(Completion),
    /// The node does not know what the client has said, or misses a part of it.
    NotUnderstood,
    /// What a process understands.
    Understands {
        /// The process.
        pid: Pid,
        /// Its inbox.
        inbox: Inbox,
    },
}

impl Answer {
    /// Its bytes. It is not there any more while they are read, which may be slow.
    pub(super) fn into_bytes(self) -> Result<Vec<u8>, ProtoError> {
        to_bytes(&self)
    }
}

numbered!(Answer {
    0 Processes(nodes: Vec<NodeProcesses>);
    1 Loads(loads: Vec<NodeLoad>);
    2 Apps(apps: Vec<AppRow>);
    3 CodeWanted;
    4 Spawned(pid: Pid);
    5 Done(pid: Pid);
    6 Subscribed;
    7 Event(event: NodeEvent);
    8 Attached(pid: Pid);
    9 Progress(progress: Progress);
    10 Completion(completion: Completion);
    11 NotUnderstood;
    12 Understands { pid: Pid, inbox: Inbox };
});

/// The number of [`Answer::Event`].
pub(super) const EVENT: u32 = 7;

/// What the client of an attached process says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    /// Do what the process wants: `Progress`, perhaps after `CodeWanted`. With a `module`, its
    /// children run that.
    Perform { effect: Effect, module: Option<ModuleId>, limits: Limits },
    /// The module file that was wanted: `Progress`.
    Code(Box<[u8]>),
    /// Give up what it waits for: `Completion`.
    GiveUp,
}

numbered!(Act {
    0 Perform { effect: Effect, module: Option<ModuleId>, limits: Limits };
    1 Code(file: Box<[u8]>);
    2 GiveUp;
});

/// A process that an operator wants.
#[derive(Debug, Clone, PartialEq)]
pub struct SpawnOrder {
    /// The module that it runs.
    pub module: ModuleId,
    /// The instruction at which it starts; `None` is where the module says.
    pub entry: Option<u32>,
    /// The values of the first registers, at most eight.
    pub arguments: Vec<Register>,
    /// The limits of the process; those of the node hold too.
    pub limits: Limits,
    /// The node that is to run it; `None` is the one that is asked.
    pub on: Option<NodeAlias>,
    /// The name it is to be registered under.
    pub name: Option<String>,
    /// Whether it ends when the app of the node ends that is asked.
    pub link_app: bool,
}

fields!(SpawnOrder {
    module: ModuleId,
    entry: Option<u32>,
    arguments: Vec<Register>,
    limits: Limits,
    on: Option<NodeAlias>,
    name: Option<String>,
    link_app: bool,
});

/// The process that something is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By its pid.
    Pid(Pid),
    /// By its name at a node; `None` is the one that is asked.
    Name(String, Option<NodeAlias>),
}

numbered!(Target {
    0 Pid(pid: Pid);
    1 Name(name: String, alias: Option<NodeAlias>);
});

impl FromStr for Target {
    type Err = String;

    /// `PID`, `NAME` or `NAME@ALIAS`.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(bits) = text.parse::<i64>() {
            return match Pid::from_bits(bits) {
                pid if pid.node() == 0 => Err(format!("{bits} is no pid")),
                pid => Ok(Self::Pid(pid)),
            };
        }
        let (name, alias) = match text.rsplit_once('@') {
            Some((name, alias)) => (name, Some(alias)),
            None => (text, None),
        };
        if name.is_empty() {
            return Err(format!("{text:?} is neither a pid nor NAME or NAME@ALIAS"));
        }
        let alias = alias.map(NodeAlias::new).transpose().map_err(|error| error.to_string())?;
        Ok(Self::Name(name.to_string(), alias))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid(pid) => write!(f, "process {pid}"),
            Self::Name(name, None) => f.write_str(name),
            Self::Name(name, Some(alias)) => write!(f, "{name}@{alias}"),
        }
    }
}

/// An app that was started at a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRow {
    /// The name of the app.
    pub name: String,
    /// The top supervisor.
    pub pid: Pid,
    /// The children, depth first; `None` when the app has ended.
    pub children: Option<Vec<ChildRow>>,
}

fields!(AppRow { name: String, pid: Pid, children: Option<Vec<ChildRow>> });

/// A child in the tree of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildRow {
    /// The depth in the tree; children of the top supervisor are at 0.
    pub depth: u32,
    /// The name of the child.
    pub name: String,
    /// The process of the child, while it has one.
    pub pid: Option<Pid>,
    /// Whether the child is a supervisor itself.
    pub supervises: bool,
}

fields!(ChildRow { depth: u32, name: String, pid: Option<Pid>, supervises: bool });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_pids_or_names() {
        let alias = NodeAlias::new("node2").unwrap();
        let pid = Pid::new(7, 3);
        for (text, target) in [
            (pid.to_string(), Target::Pid(pid)),
            ("server".into(), Target::Name("server".into(), None)),
            ("server@node2".into(), Target::Name("server".into(), Some(alias.clone()))),
            ("a@b@node2".into(), Target::Name("a@b".into(), Some(alias))),
        ] {
            assert_eq!(text.parse(), Ok(target), "{text}");
        }
        for text in ["", "0", "-5", "12", "@node2", "server@", "server@no node"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
