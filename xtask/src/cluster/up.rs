//! Starts a cluster and waits until it is whole.

use std::fs::{self, File, TryLockError};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::folder::{Cluster, POLL};
use super::log::{shown, tail};
use super::members::{self, Seen};
use super::ports::is_free;
use super::process::Process;
use super::state::{Node, State};
use super::{demo, view};
use crate::flags::ClusterUp;
use crate::{build, interrupt};

/// How long a cluster may take to become complete.
const CONVERGE_WITHIN: Duration = Duration::from_secs(30);

impl Cluster {
    /// Starts nodes and waits until each sees all; then watches them, unless they are to be left
    /// alone.
    pub(crate) fn up(&self, flags: &ClusterUp) -> Result<()> {
        let ports = ports(flags)?;
        let lock = lock(&self.folder)?;
        refuse_second(self)?;
        refuse_ports_in_use(&ports)?;
        println!("building iridium ({})", if flags.release { "release" } else { "debug" });
        let iridium = build::iridium(!flags.release)?;
        prepare(self, &iridium)?;

        let stop = interrupt::note()?;

        let start = Instant::now();
        let mut nodes = Starting {
            cluster: self,
            state: State { iridium, nodes: Vec::new() },
            children: Vec::new(),
        };
        let seen = match nodes.start(&ports).and_then(|()| nodes.converge(stop)) {
            Ok(seen) => seen,
            Err(error) => {
                self.stop(&nodes.state)?;
                return Err(error.context("the cluster did not come up; nothing is left running"));
            }
        };
        let state = nodes.state;
        println!(
            "{} nodes, each linked to every other, in {:.1} s",
            state.nodes.len(),
            start.elapsed().as_secs_f64()
        );
        drop(lock);

        if flags.demo {
            let shown = demo::run(self, &state, stop);
            let seen = members::ask_all(self, &state);
            print!("\n{}", view::table(&state, &seen));
            return self.down().and(shown);
        }
        if flags.detach {
            print!("\n{}", view::table(&state, &seen));
            println!("{}", what_next(&state));
            return Ok(());
        }
        println!("{}\n", what_next(&state));
        let watched = view::watch(self, &state, stop);
        if State::load(&self.folder)?.is_none() {
            println!("the cluster was stopped by `cargo xtask cluster-down`");
            return watched;
        }
        self.down().and(watched)
    }
}

/// The nodes of a cluster that is being started.
struct Starting<'a> {
    cluster: &'a Cluster,
    state: State,
    children: Vec<Child>,
}

impl Starting<'_> {
    fn start(&mut self, ports: &[u16]) -> Result<()> {
        for (i, &port) in (1..).zip(ports) {
            let alias = format!("node{i}");
            let child = self.spawn(&alias, port, ports[0])?;
            let pid = child.id();
            self.children.push(child);
            // A process that has ended already is found by `refuse_dead`.
            if let Some(process) = Process::of(pid) {
                self.state.nodes.push(Node { alias, port, process });
                self.state.save(&self.cluster.folder)?;
            }
        }
        Ok(())
    }

    fn spawn(&self, alias: &str, port: u16, seed: u16) -> Result<Child> {
        let path = self.cluster.log(alias);
        let log =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut node = self.cluster.command(&self.state.iridium);
        node.args(["node", "--node-alias", alias, "--server-bind-port", &port.to_string()]);
        node.args(["--preset", "local", "--data-root-dir"]).arg(self.cluster.data());
        if port != seed {
            node.args(["--join", &format!("127.0.0.1:{seed}")]);
        }
        node.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A process group of its own: neither Ctrl-C nor closing this terminal reaches it, so
        // it can outlive this process.
        node.process_group(0);
        node.spawn().with_context(|| format!("cannot run {}", self.state.iridium.display()))
    }

    /// Waits until every node sees every other.
    fn converge(&mut self, stop: &AtomicBool) -> Result<Vec<Seen>> {
        let deadline = Instant::now() + CONVERGE_WITHIN;
        loop {
            self.refuse_dead()?;
            if stop.load(Ordering::Relaxed) {
                bail!("interrupted");
            }
            let seen = members::ask_all(self.cluster, &self.state);
            let reasons = members::reasons(&self.state, &seen);
            if reasons.is_empty() {
                return Ok(seen);
            }
            if Instant::now() > deadline {
                bail!("{}", self.not_whole(&reasons));
            }
            thread::sleep(POLL);
        }
    }

    fn refuse_dead(&mut self) -> Result<()> {
        for (i, child) in (1..).zip(&mut self.children) {
            if let Some(status) = child.try_wait()? {
                let log = self.cluster.log(&format!("node{i}"));
                bail!("node{i} ended while it started ({status})\n{}", tail(&log));
            }
        }
        Ok(())
    }

    fn not_whole(&self, reasons: &[String]) -> String {
        // Only some logs, of nodes that are concerned: too many would hide the reasons.
        let told =
            |node: &&Node| reasons.iter().any(|r| r.starts_with(&format!("{} ", node.alias)));
        let logs = self.state.nodes.iter().filter(told).take(3);
        let tails: Vec<_> = logs.map(|node| tail(&self.cluster.log(&node.alias))).collect();
        format!(
            "not whole after {} s:\n  {}\n{}",
            CONVERGE_WITHIN.as_secs(),
            reasons.join("\n  "),
            tails.join("\n")
        )
    }
}

fn ports(flags: &ClusterUp) -> Result<Vec<u16>> {
    let last = flags.base_port.checked_add(flags.nodes - 1).with_context(|| {
        format!("{} ports from {} on would go beyond 65535", flags.nodes, flags.base_port)
    })?;
    Ok((flags.base_port..=last).collect())
}

/// Keeps two calls from starting a cluster at the same time.
fn lock(folder: &Path) -> Result<File> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join("cluster.lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("a cluster is being started by another call"),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Allows one cluster at a time. The record of one that was killed is removed.
fn refuse_second(cluster: &Cluster) -> Result<()> {
    let Some(state) = State::load(&cluster.folder)? else { return Ok(()) };
    match state.running().count() {
        0 => State::forget(&cluster.folder),
        n => bail!(
            "a cluster of {n} nodes is running; `cargo xtask cluster-status` shows it, \
             `cargo xtask cluster-down` stops it"
        ),
    }
}

fn refuse_ports_in_use(ports: &[u16]) -> Result<()> {
    let used: Vec<_> = ports.iter().filter(|&&p| !is_free(p)).map(u16::to_string).collect();
    if !used.is_empty() {
        let (word, verb) = if used.len() == 1 { ("port", "is") } else { ("ports", "are") };
        bail!("{word} {} {verb} in use; choose others with --base-port PORT", used.join(", "));
    }
    Ok(())
}

/// Empties the folder, and makes a secret if there is none, before all nodes try to.
fn prepare(cluster: &Cluster, iridium: &Path) -> Result<()> {
    for folder in [cluster.data(), cluster.folder.join("logs")] {
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let show = run_quietly(cluster.command(iridium).args(["secret", "show-path"]))?;
    if !Path::new(show.trim()).exists() {
        run_quietly(cluster.command(iridium).args(["secret", "new"]))?;
    }
    Ok(())
}

fn run_quietly(command: &mut Command) -> Result<String> {
    let output = command.output().context("cannot run iridium")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn what_next(state: &State) -> String {
    let iridium = shown(&state.iridium);
    let first = state.nodes.first().map_or_else(String::new, |node| node.addr().to_string());
    let last = state.nodes.last().map_or_else(String::new, |node| node.addr().to_string());
    let next = state.nodes.last().map_or(0, |node| node.port.saturating_add(1));
    format!(
        "\nTry next:\n  {iridium} members --at {last}\n  \
         {iridium} node --node-alias extra -P {next} --join {last}\n  \
         {iridium} leave --at {first}\n  \
         cargo xtask cluster-status\n  \
         cargo xtask cluster-down"
    )
}
