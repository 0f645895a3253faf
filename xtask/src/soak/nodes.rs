//! The nodes that are soaked, and what is done to them.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::process::Signal;

use crate::attack::nodes::{Client, alias};
use crate::attack::usage::Usage;
use crate::children::Children;
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
    children: Children,
}

impl Nodes {
    pub(super) fn start(iridium: &Path, folder: &Path) -> Result<Self> {
        let client = Client::new(iridium, folder, COUNT as u16, true)?;
        let children = Children::new(COUNT, alias);
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
        self.children.put(node, child);
        Ok(())
    }

    pub(super) fn kill(&mut self, node: usize) -> Result<()> {
        self.children.kill(node)
    }

    /// Stops a node for a while, as a machine does that has no time for it.
    pub(super) fn stop_for(&self, node: usize, time: Duration) -> Result<()> {
        self.children.signal(node, Signal::STOP)?;
        thread::sleep(time);
        self.children.signal(node, Signal::CONT)
    }

    pub(super) fn leave(&mut self, node: usize) -> Result<()> {
        self.client.ask(node, &["leave"])?;
        self.children.wait_for_leave(node, END_WITHIN)
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
        self.children.refuse_dead()
    }

    /// What each process uses now.
    pub(super) fn usage(&self) -> Vec<(usize, u32, Usage)> {
        let running = self.children.running();
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
