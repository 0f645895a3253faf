//! The processes of nodes that are started, ended and started again, each in the place of its node.

use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::cluster::Process;

const POLL: Duration = Duration::from_millis(10);

/// The process of each node, while it has one. They are killed when this is dropped.
pub(crate) struct Children {
    places: Vec<Option<Child>>,
    /// What a node is called.
    name: fn(usize) -> String,
}

impl Children {
    /// No processes yet.
    pub(crate) fn new(nodes: usize, name: fn(usize) -> String) -> Self {
        Self { places: (0..nodes).map(|_| None).collect(), name }
    }

    /// How many nodes there are.
    pub(crate) fn count(&self) -> usize {
        self.places.len()
    }

    /// The node has that process now.
    pub(crate) fn put(&mut self, node: usize, child: Child) {
        self.places[node] = Some(child);
    }

    /// The nodes that have a process, with its number.
    pub(crate) fn running(&self) -> impl Iterator<Item = (usize, u32)> {
        let places = self.places.iter().enumerate();
        places.filter_map(|(node, child)| Some((node, child.as_ref()?.id())))
    }

    /// Sends a signal to a node.
    pub(crate) fn signal(&self, node: usize, signal: Signal) -> Result<()> {
        let child = self.places[node].as_ref();
        let process = child.and_then(|child| Process::of(child.id()));
        process.with_context(|| format!("{} has ended", (self.name)(node)))?.signal(signal);
        Ok(())
    }

    /// Kills a node, if it runs, and waits until its process is gone.
    pub(crate) fn kill(&mut self, node: usize) -> Result<()> {
        let Some(mut child) = self.places[node].take() else { return Ok(()) };
        child.kill().context("cannot kill a node")?;
        child.wait().context("cannot wait for a node")?;
        Ok(())
    }

    /// Waits until a node has ended that was asked to leave.
    pub(crate) fn wait_for_leave(&mut self, node: usize, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        while let Some(child) = &mut self.places[node] {
            let name = (self.name)(node);
            match child.try_wait().context("cannot wait for a node")? {
                Some(status) if status.success() => self.places[node] = None,
                Some(status) => bail!("{name} left with {status}"),
                None if Instant::now() > deadline => {
                    bail!("{name} has not ended after it was to leave")
                }
                None => thread::sleep(POLL),
            }
        }
        Ok(())
    }

    /// A node that has ended although it was to run.
    pub(crate) fn ended(&mut self) -> Result<Option<(usize, ExitStatus)>> {
        for (node, child) in self.places.iter_mut().enumerate() {
            let Some(child) = child else { continue };
            if let Some(status) = child.try_wait().context("cannot look after a node")? {
                return Ok(Some((node, status)));
            }
        }
        Ok(None)
    }

    /// An error if a node has ended that was to run.
    pub(crate) fn refuse_dead(&mut self) -> Result<()> {
        match self.ended()? {
            Some((node, status)) => bail!("{} has ended by itself ({status})", (self.name)(node)),
            None => Ok(()),
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for child in self.places.iter_mut().flatten() {
            // It may have ended already. SIGKILL also ends a process that is stopped.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
