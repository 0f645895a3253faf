//! What a node is told at its start.

use std::fmt;
use std::sync::Arc;

use iridium_sched::{Observer, Output};
use iridium_vm::{Engine, Hosts, Interpreter, Limits};

use crate::error::Refusal;
use crate::local_scheduler::LocalScheduler;

/// What a node is told at its start.
#[derive(Clone)]
pub struct Config {
    /// The configuration of the node in the mesh.
    pub mesh: iridium_net::Config,
    /// A scheduler that is there before the node, and stays when the node has gone: its pids, messages,
    /// links and names stay as they are, and other nodes can reach its processes while there is a
    /// node. Then `workers`, `processes`, `memory`, `output` and the number in `mesh` are ignored.
    /// `None`: the node starts one of its own, and ends it.
    pub scheduler: Option<LocalScheduler>,
    /// Threads that run processes; default: one for each core.
    pub workers: usize,
    /// Processes that may live at a time, at most 2^32; default: a million.
    pub processes: usize,
    /// Memory that all processes may take together, in bytes; default: no limit.
    pub memory: u64,
    /// What a single process may use that another node or an operator has started. Processes start
    /// others with their own limits.
    pub limits: Limits,
    /// The functions that programs may import.
    pub hosts: Hosts,
    /// What is told of a program that imports others, here and at other nodes; default: their names.
    pub refusal: Refusal,
    /// The engine that executes the instructions of processes.
    pub engine: Arc<dyn Engine>,
    /// Where the output of processes goes.
    pub output: Arc<dyn Output>,
    /// Who else is told how processes end, apart from the subscribers of
    /// [`Node::events`](crate::Node::events).
    pub observer: Option<Arc<dyn Observer>>,
}

impl Config {
    /// A node with this place in the mesh.
    pub fn new(mesh: iridium_net::Config, output: Arc<dyn Output>) -> Self {
        Self {
            mesh,
            scheduler: None,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            processes: (1 << 20) - 1,
            memory: u64::MAX,
            limits: Limits::default(),
            hosts: Hosts::new(),
            refusal: |_, missing| missing.to_string(),
            engine: Arc::new(Interpreter::default()),
            output,
            observer: None,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("mesh", &self.mesh)
            .field("scheduler", &self.scheduler)
            .field("workers", &self.workers)
            .field("processes", &self.processes)
            .field("memory", &self.memory)
            .field("limits", &self.limits)
            .field("hosts", &self.hosts)
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}
