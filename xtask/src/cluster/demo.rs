//! A show of what a cluster is for: work on all nodes, one of which is killed.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::folder::{Cluster, POLL};
use super::state::{Node, State};
use crate::repository;

/// The program, which writes a line that begins so for each thing that happens.
const PROGRAM: &str = "xtask/src/cluster/demo.pd";
const MARK: &str = "demo: ";
/// So many parts are done when a node is killed.
const PARTS_BEFORE: usize = 12;
/// The primes below a million.
const ANSWER: &str = "78498 primes";
const WITHIN: Duration = Duration::from_secs(90);

/// Runs the program on the first node, and kills the last one on the way.
pub(super) fn run(cluster: &Cluster, state: &State, stop: &AtomicBool) -> Result<()> {
    let [first, _, .., last] = state.nodes.as_slice() else {
        bail!("the demo takes three nodes or more, one of which is killed: leave -n out");
    };
    println!("{} starts {PROGRAM}, which starts workers on the others", first.alias);
    let program = repository::root().join(PROGRAM);
    let program = program.to_string_lossy();
    ask(cluster, state, first, &["spawn", &program])?;
    let names = names(cluster, state, first)?;
    let mut log = Log { file: File::open(cluster.log(&first.alias))?, rest: String::new() };
    let deadline = Instant::now() + WITHIN;
    let mut parts = 0;
    while !stop.load(Ordering::Relaxed) {
        for line in log.lines()? {
            println!("  {}: {}", first.alias, named(&line, &names));
            parts += usize::from(line.starts_with("part "));
            if parts == PARTS_BEFORE && last.process.is_running() {
                println!("{} is killed now, as by kill -9", last.alias);
                last.kill();
            }
            if line.starts_with("failed") {
                bail!("the demo has failed");
            }
            if line.starts_with("done") {
                return check(&line);
            }
        }
        if Instant::now() > deadline {
            bail!("the demo is not done after {} s", WITHIN.as_secs());
        }
        thread::sleep(POLL);
    }
    bail!("interrupted")
}

/// Whether all parts were counted, each once.
fn check(line: &str) -> Result<()> {
    if !line.contains(ANSWER) {
        bail!("there are {ANSWER} below a million");
    }
    println!("nothing was lost with the node, and nothing was counted twice");
    Ok(())
}

fn ask(cluster: &Cluster, state: &State, node: &Node, what: &[&str]) -> Result<String> {
    let mut command = cluster.command(&state.iridium);
    let output = command.args(what).args(["--at", &node.addr().to_string()]).output();
    let output = output.context("cannot run iridium")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What is used of `iridium ps --json`.
#[derive(Deserialize)]
struct Listing {
    nodes: Vec<NodeProcesses>,
}

#[derive(Deserialize)]
struct NodeProcesses {
    alias: String,
    processes: Option<Vec<Process>>,
}

#[derive(Deserialize)]
struct Process {
    pid: String,
}

/// The aliases of nodes by the numbers that programs know them by: the upper part of their pids.
fn names(cluster: &Cluster, state: &State, node: &Node) -> Result<HashMap<String, String>> {
    let text = ask(cluster, state, node, &["ps", "--all", "--json"])?;
    let listing: Listing = serde_json::from_str(&text).context("iridium ps --json")?;
    let of = |node: NodeProcesses| {
        let pid: i64 = node.processes?.first()?.pid.parse().ok()?;
        Some(((pid >> 40).to_string(), node.alias))
    };
    Ok(listing.nodes.into_iter().filter_map(of).collect())
}

/// The line with aliases instead of numbers.
fn named(line: &str, names: &HashMap<String, String>) -> String {
    let mut line = line.to_string();
    for (number, alias) in names {
        line = line.replace(&format!("node {number}"), alias);
    }
    line
}

/// What the program has written, among what its node has logged.
struct Log {
    file: File,
    rest: String,
}

impl Log {
    /// The lines that were added since the last call, without their mark.
    fn lines(&mut self) -> Result<Vec<String>> {
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        self.rest += &String::from_utf8_lossy(&bytes);
        let Some(end) = self.rest.rfind('\n') else { return Ok(Vec::new()) };
        let whole: String = self.rest.drain(..=end).collect();
        Ok(whole.lines().filter_map(|line| Some(line.strip_prefix(MARK)?.to_string())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_called_by_their_names() {
        let names = HashMap::from([("77".to_string(), "node2".to_string())]);
        assert_eq!(named("part 3 from node 77: 5 primes", &names), "part 3 from node2: 5 primes");
    }
}
