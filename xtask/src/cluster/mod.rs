//! A cluster of `iridium node` processes on this machine.
//!
//! What is known of it lies in its folder under `target/`, so that any later
//! call can show it or stop it, also after the call that started it was killed:
//!
//! ```text
//! cluster.json       the nodes: alias, port, process
//! cluster.lock       held while a cluster is being started
//! logs/node1.log     what each node prints and logs
//! data/node1/        what each node keeps
//! ```

mod demo;
mod members;
mod process;
mod state;
mod up;
mod view;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub(crate) use members::{Member, Members};
pub(crate) use process::Process;
pub(crate) use up::tail;

use crate::flags::ClusterUp;
use state::State;

/// A node says goodbye within 2 s; after this it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(4);
const POLL: Duration = Duration::from_millis(50);

/// A place where a cluster may run.
pub(crate) struct Cluster {
    folder: PathBuf,
    /// The developer's nodes share the secret of all nodes of this user, so
    /// that `iridium members` and further nodes work without ceremony. CI does
    /// not touch what belongs to the user.
    secret: Option<PathBuf>,
}

impl Cluster {
    /// The one that `cargo xtask cluster-*` is about.
    pub(crate) fn of_developer() -> Self {
        Self { folder: crate::root().join("target/cluster"), secret: None }
    }

    /// The one that `cargo xtask ci` starts and stops.
    pub(crate) fn of_ci() -> Self {
        let folder = crate::root().join("target/ci-cluster");
        Self { secret: Some(folder.join("cluster.secret")), folder }
    }

    /// Starts nodes and waits until each sees all.
    pub(crate) fn up(&self, flags: &ClusterUp) -> Result<()> {
        up::run(self, flags)
    }

    /// Stops the nodes.
    pub(crate) fn down(&self) -> Result<()> {
        let Some(state) = State::load(&self.folder)? else {
            bail!("no cluster is running; `cargo xtask cluster-up` starts one");
        };
        let running = state.running().count();
        let killed = self.stop(&state)?;
        match (running, killed) {
            (0, _) => println!("the nodes had ended already; nothing is left of them"),
            (n, 0) => println!("{n} nodes have left and ended"),
            (n, k) => println!("{n} nodes have ended, {k} of them killed after not leaving"),
        }
        Ok(())
    }

    /// Stops what an earlier run has left, if anything.
    pub(crate) fn down_if_running(&self) -> Result<()> {
        State::load(&self.folder)?.map_or(Ok(()), |state| self.stop(&state).map(drop))
    }

    /// Shows what each node sees; an error unless all see all.
    pub(crate) fn status(&self) -> Result<()> {
        let Some(state) = State::load(&self.folder)? else {
            bail!("no cluster is running; `cargo xtask cluster-up` starts one");
        };
        let seen = members::ask_all(self, &state);
        print!("{}", view::table(&state, &seen));
        let reasons = members::reasons(&state, &seen);
        if !reasons.is_empty() {
            bail!("the cluster is not whole:\n  {}", reasons.join("\n  "));
        }
        Ok(())
    }

    /// Asks all to leave, kills who has not in time, and forgets them. The
    /// number of those killed.
    fn stop(&self, state: &State) -> Result<usize> {
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

    fn log(&self, alias: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{alias}.log"))
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

/// The first of `n` consecutive ports that nobody listens on now.
pub(crate) fn free_ports(n: u16) -> Result<u16> {
    // Below the range from which systems take the ports of outgoing
    // connections; where in it depends on the process, so that two runs at the
    // same time rarely meet.
    let offset = u16::try_from(std::process::id() % 1000).unwrap_or(0);
    (0..100)
        .map(|i| 20_000 + (offset + i * 10) % 10_000)
        .find(|&base| (base..base + n).all(is_free))
        .context("found no free ports from 20000 to 30000")
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}

/// A path as one would type it from where one is.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}
