//! Stops a cluster.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::folder::{Cluster, POLL};
use super::state::State;

/// A node leaves within 2 s; after this time it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(4);

impl Cluster {
    /// Stops the nodes.
    pub(crate) fn down(&self) -> Result<()> {
        let Some(state) = State::load(&self.folder)? else {
            bail!("no cluster is running; `cargo xtask cluster-up` starts one");
        };
        let running = state.running().count();
        let killed = self.stop(&state)?;
        match (running, killed) {
            (0, _) => println!("the nodes had ended already"),
            (n, 0) => println!("{n} nodes have left and ended"),
            (n, k) => println!("{n} nodes have ended, {k} of them killed after not leaving"),
        }
        Ok(())
    }

    /// Stops what an earlier run has left, if anything.
    pub(crate) fn down_if_running(&self) -> Result<()> {
        State::load(&self.folder)?.map_or(Ok(()), |state| self.stop(&state).map(drop))
    }

    /// Asks all nodes to leave, kills those that do not in time, and removes the record of the
    /// cluster. Returns the number of those killed.
    pub(super) fn stop(&self, state: &State) -> Result<usize> {
        for node in state.running() {
            node.terminate();
        }
        let deadline = Instant::now() + STOP_WITHIN;
        while state.running().next().is_some() && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        let killed = state.running().inspect(|node| node.kill()).count();
        while state.running().next().is_some() {
            if Instant::now() > deadline + STOP_WITHIN {
                bail!(
                    "cannot stop {}",
                    state.running().map(|n| n.describe()).collect::<Vec<_>>().join(", ")
                );
            }
            thread::sleep(POLL);
        }
        State::forget(&self.folder)?;
        Ok(killed)
    }
}
