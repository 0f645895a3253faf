//! What is said between a client and a node.

use std::fmt;
use std::str::FromStr;

use iridium_isa::ModuleId;
use iridium_proto::NodeAlias;
use iridium_sched::{Progress, Reason};
use iridium_vm::{Completion, Effect, Limits, Payload, Pid, Register};
use serde::{Deserialize, Serialize};

use crate::hub::NodeEvent;
use crate::report::{NodeLoad, NodeProcesses};

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Request {
    /// The processes of this node, or of all.
    Processes { all: bool },
    /// How all nodes do.
    Loads,
    /// The apps of this node.
    Apps,
    /// A process, please. The node may want to have its code first.
    Spawn(Box<SpawnOrder>),
    /// Send a message.
    Send { to: Target, tag: i64, payload: Payload },
    /// End a process.
    Kill { to: Target, reason: Reason },
    /// Tell what happens from now on.
    Events,
    /// A process for me to act as.
    Attach,
}

/// What a node says to a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Reply {
    Processes(Vec<NodeProcesses>),
    Loads(Vec<NodeLoad>),
    Apps(Vec<AppRow>),
    /// Send the module file now.
    CodeWanted,
    Spawned(Pid),
    /// It was done to this process.
    Done(Pid),
    /// From now on events are told.
    Follows,
    Event(NodeEvent),
    /// The client acts as this process from now on.
    Attached(Pid),
    Progress(Progress),
    Completion(Completion),
}

/// What the client of an attached process says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Act {
    /// Do what the process wants. With a `module`, its children run that.
    Perform { effect: Effect, module: Option<ModuleId>, limits: Limits },
    /// The module file that was wanted.
    Code(Vec<u8>),
    /// What it waits for is not wanted any more.
    GiveUp,
}

/// A process that an operator wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpawnOrder {
    /// The module that it runs.
    pub module: ModuleId,
    /// The instruction at which it starts; `None` is where the module says.
    pub entry: Option<u32>,
    /// Its first registers, at most eight.
    pub arguments: Vec<Register>,
    /// What it may use; no more than a process of the node may.
    pub limits: Limits,
    /// The node that is to run it; `None` is the one that is asked.
    pub on: Option<NodeAlias>,
    /// The name it is to be registered under.
    pub name: Option<String>,
    /// Whether it ends when the app of the node ends that is asked.
    pub link_app: bool,
}

/// The process that something is done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// By its pid.
    Pid(Pid),
    /// By its name at a node; `None` is the one that is asked.
    Name(String, Option<NodeAlias>),
}

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRow {
    /// Its name.
    pub name: String,
    /// Its top supervisor.
    pub pid: Pid,
    /// Its children, depth first; `None` when it has ended.
    pub children: Option<Vec<ChildRow>>,
}

/// A child in the tree of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildRow {
    /// How deep it is in the tree; children of the top supervisor are at 0.
    pub depth: u32,
    /// Its name.
    pub name: String,
    /// Its process, while it has one.
    pub pid: Option<Pid>,
    /// Whether it is a supervisor itself.
    pub supervises: bool,
}

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
