//! What a scheduler is told at its start.

use std::sync::Arc;

use iridium_vm::{Engine, Interpreter};

use crate::clock::Time;
use crate::distribution::{Distribution, Standalone};
use crate::embedder::{Observer, Output};

/// What a scheduler is told at its start.
#[derive(Clone)]
pub struct Config {
    /// Threads that run processes, 1 to 1,024.
    pub workers: usize,
    /// The number of this node in pids, 1 to [`MAX_NODE`](iridium_vm::MAX_NODE).
    pub node: u32,
    /// Processes that may live at a time, at most 2^32.
    pub processes: usize,
    /// Memory that all processes may take together, in bytes. There is no room for more: a process that
    /// wants more traps, at the latest after its turn. `u64::MAX` is no limit.
    pub memory: u64,
    /// Fuel that all processes may spend together; `u64::MAX` is no limit.
    pub fuel: u64,
    /// The seed of the random numbers of programs.
    pub seed: u64,
    /// Real or virtual time. With virtual time there is one worker.
    pub time: Time,
    /// What runs processes.
    pub engine: Arc<dyn Engine>,
    /// Where output goes.
    pub output: Arc<dyn Output>,
    /// Who is told how processes end.
    pub observer: Arc<dyn Observer>,
    /// The other nodes.
    pub distribution: Arc<dyn Distribution>,
}

impl Config {
    /// A worker for each core, a million processes, no limit on memory, no other node.
    pub fn new(output: Arc<dyn Output>, observer: Arc<dyn Observer>, seed: u64) -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            node: 1,
            processes: (1 << 20) - 1,
            memory: u64::MAX,
            fuel: u64::MAX,
            seed,
            time: Time::Real,
            engine: Arc::new(Interpreter::default()),
            output,
            observer,
            distribution: Arc::new(Standalone { node: 1 }),
        }
    }
}
