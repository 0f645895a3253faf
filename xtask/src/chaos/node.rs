//! The nodes: real processes, each in a namespace of its own.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::network::Network;
use crate::children::Children;
use crate::cluster::Members;

const PORT: u16 = 2254;
/// How many lines of a log are shown.
const TAIL: usize = 20;
/// A node that is to leave says goodbye within 2 s.
const END_WITHIN: Duration = Duration::from_secs(4);

/// The nodes, their files and their network.
pub(super) struct Nodes {
    iridium: PathBuf,
    folder: PathBuf,
    // Ended before the network: a namespace lives for as long as a process in it.
    children: Children,
    pub(super) network: Network,
}

/// What a node answers about the others, or why it does not; and when it was asked and had
/// answered.
pub(super) struct Answer {
    pub(super) node: usize,
    pub(super) asked: Instant,
    pub(super) answered: Instant,
    pub(super) seen: Result<Members, String>,
}

impl Nodes {
    /// Makes the files; starts no node yet.
    pub(super) fn new(iridium: PathBuf, folder: PathBuf, network: Network, n: u8) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let children = Children::new(usize::from(n), alias);
        let nodes = Self { iridium, folder, children, network };
        let made = Command::new(&nodes.iridium)
            .args(["secret", "new"])
            .arg(nodes.secret())
            .output()
            .context("cannot run iridium")?;
        if !made.status.success() {
            bail!("no secret: {}", String::from_utf8_lossy(&made.stderr).trim());
        }
        Ok(nodes)
    }

    pub(super) fn count(&self) -> usize {
        self.children.count()
    }

    fn secret(&self) -> PathBuf {
        self.folder.join("cluster.secret")
    }

    /// The end of a node's log, under its name; without the lines about being asked, which
    /// it was all the time.
    pub(super) fn log(&self, node: usize) -> String {
        let path = self.log_path(node);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| error.to_string());
        let lines: Vec<&str> = text.lines().filter(|l| !l.contains("control client")).collect();
        let last = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        format!("--- {}\n{last}", path.display())
    }

    fn log_path(&self, node: usize) -> PathBuf {
        self.folder.join(format!("{}.log", alias(node)))
    }

    fn iridium(&self, node: usize) -> Command {
        let mut command = self.network.command(node, &self.iridium);
        command.env("IRIDIUM_SECRET_FILE", self.secret()).stdin(Stdio::null());
        command
    }

    fn at(&self, node: usize) -> String {
        format!("{}:{PORT}", self.network.address(node))
    }

    /// Starts a node, which joins through `seed` if it does not remember any peers.
    pub(super) fn start(&mut self, node: usize, seed: Option<usize>) -> Result<()> {
        let path = self.log_path(node);
        let log = File::options().create(true).append(true).open(&path);
        let log = log.with_context(|| format!("cannot write {}", path.display()))?;
        let mut command = self.iridium(node);
        command.args(["node", "-v", "--node-alias", &alias(node)]);
        command.args(["-H", &self.network.address(node).to_string(), "-P", &PORT.to_string()]);
        command.arg("--data-root-dir").arg(self.folder.join("data"));
        if let Some(seed) = seed {
            command.args(["--join", &self.at(seed)]);
        }
        command.stdout(log.try_clone()?).stderr(log);
        // A group of its own: Ctrl-C is for this process, which ends the nodes.
        command.process_group(0);
        self.children.put(node, command.spawn().context("cannot run ip")?);
        Ok(())
    }

    /// Sends a signal to a node.
    pub(super) fn signal(&self, node: usize, signal: Signal) -> Result<()> {
        self.children.signal(node, signal)
    }

    /// Kills a node and waits until its process is gone.
    pub(super) fn kill(&mut self, node: usize) -> Result<()> {
        // One that has ended by itself is an error.
        self.signal(node, Signal::KILL)?;
        self.children.kill(node)
    }

    /// Asks a node to leave and waits until it has ended.
    pub(super) fn leave(&mut self, node: usize) -> Result<()> {
        let asked = self.iridium(node).args(["leave", "--at", &self.at(node)]).output();
        let asked = asked.context("cannot run ip")?;
        if !asked.status.success() {
            bail!("{} does not leave: {}", alias(node), complaint(&asked.stderr));
        }
        self.children.wait_for_leave(node, END_WITHIN)
    }

    /// An error if a node that should run has ended.
    pub(super) fn refuse_dead(&mut self) -> Result<()> {
        self.children.refuse_dead()
    }

    /// Asks some nodes at the same time.
    pub(super) fn ask(&self, nodes: &[usize]) -> Vec<Answer> {
        thread::scope(|scope| {
            let asked = nodes.iter().map(|node| scope.spawn(|| self.ask_one(*node)));
            let asked: Vec<_> = asked.collect();
            // A thread that panicked has printed so; its missing answer is noticed later.
            asked.into_iter().filter_map(|thread| thread.join().ok()).collect()
        })
    }

    fn ask_one(&self, node: usize) -> Answer {
        let asked = Instant::now();
        let output =
            self.iridium(node).args(["members", "--json", "--at", &self.at(node)]).output();
        let answered = Instant::now();
        let seen = match output {
            Err(error) => Err(format!("cannot run ip: {error}")),
            Ok(output) if !output.status.success() => Err(complaint(&output.stderr)),
            Ok(output) => serde_json::from_slice(&output.stdout)
                .map_err(|error| format!("it answers nonsense: {error}")),
        };
        Answer { node, asked, answered, seen }
    }

    /// Removes the files after a successful run.
    pub(super) fn tidy_up(&self) {
        // What cannot be removed now is removed by the next run.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The name of a node.
pub(super) fn alias(node: usize) -> String {
    format!("node{}", node + 1)
}

fn complaint(stderr: &[u8]) -> String {
    String::from_utf8_lossy(stderr).trim().trim_start_matches("error: ").to_owned()
}
