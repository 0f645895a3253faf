//! The nodes that are soaked, and what is done to them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::attack::nodes::{Client, alias};
use crate::attack::usage::Usage;
use crate::cluster::Process;
use crate::{interrupt, repository};

/// How many there are.
pub(super) const COUNT: usize = 5;
/// A node that is to leave says goodbye within 2 s.
const END_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
/// What each of them runs, and what it writes for so many answers.
const TRAFFIC: &str = "xtask/src/soak/traffic.pd";
const MARK: &str = "soak: ";

pub(super) struct Nodes {
    client: Client,
    folder: PathBuf,
    children: Vec<Option<Child>>,
}

impl Nodes {
    pub(super) fn start(iridium: &Path, folder: &Path) -> Result<Self> {
        let client = Client::new(iridium, folder, COUNT as u16, true)?;
        let children = (0..COUNT).map(|_| None).collect();
        let mut nodes = Self { client, folder: folder.to_owned(), children };
        for node in 0..COUNT {
            nodes.restart(node)?;
        }
        Ok(nodes)
    }

    /// Starts a node. It joins by whom it remembers, or by the first.
    pub(super) fn restart(&mut self, node: usize) -> Result<()> {
        let program = repository::root().join(TRAFFIC);
        let program = program.to_string_lossy();
        let seed = self.client.addr(0).to_string();
        let join: &[&str] = if node == 0 { &[] } else { &["--join", &seed] };
        let child = self.client.start(node, &[&["--run", &program], join].concat())?;
        self.children[node] = Some(child);
        Ok(())
    }

    pub(super) fn kill(&mut self, node: usize) -> Result<()> {
        let Some(mut child) = self.children[node].take() else { return Ok(()) };
        child.kill().context("cannot kill a node")?;
        child.wait().context("cannot wait for a node")?;
        Ok(())
    }

    /// Stops a node for a while, as a machine does that has no time for it.
    pub(super) fn stop_for(&self, node: usize, time: Duration) -> Result<()> {
        let process = self.children[node].as_ref().and_then(|child| Process::of(child.id()));
        let process = process.with_context(|| format!("{} has ended", alias(node)))?;
        process.signal(Signal::STOP);
        thread::sleep(time);
        process.signal(Signal::CONT);
        Ok(())
    }

    pub(super) fn leave(&mut self, node: usize) -> Result<()> {
        self.client.ask(node, &["leave"])?;
        let deadline = Instant::now() + END_WITHIN;
        while let Some(child) = &mut self.children[node] {
            match child.try_wait().context("cannot wait for a node")? {
                Some(status) if status.success() => self.children[node] = None,
                Some(status) => bail!("{} left with {status}", alias(node)),
                None if Instant::now() > deadline => bail!("{} does not end", alias(node)),
                None => thread::sleep(POLL),
            }
        }
        Ok(())
    }

    /// Waits until each sees all others alive.
    pub(super) fn await_mesh(&mut self, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        while !(0..COUNT).all(|node| self.client.sees(node, COUNT)) {
            interrupt::check()?;
            self.refuse_dead()?;
            if Instant::now() > deadline {
                bail!("the nodes are not one mesh within {} s", within.as_secs());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// An error if a node has ended that was to run.
    pub(super) fn refuse_dead(&mut self) -> Result<()> {
        for (node, child) in self.children.iter_mut().enumerate() {
            let Some(child) = child else { continue };
            if let Some(status) = child.try_wait().context("cannot look after a node")? {
                bail!("{} has ended by itself ({status})", alias(node));
            }
        }
        Ok(())
    }

    /// What each process uses now.
    pub(super) fn usage(&self) -> Vec<(usize, u32, Usage)> {
        let running = self.children.iter().enumerate();
        let running = running.filter_map(|(node, child)| Some((node, child.as_ref()?.id())));
        running.filter_map(|(node, pid)| Some((node, pid, Usage::of(pid)?))).collect()
    }

    /// How many answers the program of a node has had, at least.
    pub(super) fn answers(&self, node: usize) -> u64 {
        let log = fs::read_to_string(self.client.log(node)).unwrap_or_default();
        let said = |line: &str| line.split_once(MARK)?.1.split(' ').next()?.parse().ok();
        log.lines().filter_map(said).max().unwrap_or(0)
    }

    /// Removes the files.
    pub(super) fn tidy_up(&self) {
        // What cannot be removed is in the folder for what is built.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for child in self.children.iter_mut().flatten() {
            // It may have ended already. SIGKILL also ends a process that is stopped.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
