//! `cargo xtask chaos`: real nodes in network namespaces are killed, stopped and cut off.
//! The others must notice in time, and must not notice anything that did not happen.
//!
//! What is expected is in `step`. The limits are those that the cluster promises: a killed
//! process is down everywhere within 1 s, a silent one within 5 s, and all nodes are one
//! mesh again within 10 s after the fault is repaired.

mod network;
mod node;
mod plan;
mod report;
mod step;
mod watch;

use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Error, Result, anyhow};

use self::network::Network;
use self::node::Nodes;
use self::plan::Plan;
use self::report::Report;
use crate::flags::Chaos;
use crate::{build, interrupt, repository};

/// Begins steps until the time is over; the last one is finished.
pub(crate) fn run(flags: &Chaos) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return Ok(());
    }
    interrupt::note()?;
    let iridium = build::iridium(flags.debug)?;
    let network = match Network::new(flags.nodes) {
        Ok(network) => network,
        // In a container, for example, root may not be allowed to.
        Err(error) => {
            println!("skipped: needs network namespaces: {error:#}");
            return Ok(());
        }
    };
    let folder = repository::root().join(format!("target/chaos/{}", std::process::id()));
    let mut nodes = Nodes::new(iridium, folder, network, flags.nodes)?;
    let seed = flags.seed.unwrap_or_else(seed_of_the_moment);
    println!("{} nodes, seed {seed}, for {} s", flags.nodes, flags.seconds);

    let started = step::start(&mut nodes).map_err(|error| with_logs(error, &nodes, "the start"))?;
    println!("  0. one mesh {:.2} s after the first start", started.took.as_secs_f64());
    let end = Instant::now() + Duration::from_secs(flags.seconds);
    let mut report = Report::default();
    for (number, step) in (1..).zip(Plan::new(nodes.count(), seed)) {
        if Instant::now() >= end {
            break;
        }
        let name = report::step(number, &step);
        print!("{name}: ");
        std::io::stdout().flush()?;
        match step::carry_out(&mut nodes, &step) {
            Ok(outcome) => {
                println!("{}", report::outcome(&outcome));
                report.add(step.kind, outcome);
            }
            Err(error) => {
                println!("failed");
                let replay = format!(
                    "step {} (again: cargo xtask chaos --nodes {} --seed {seed})",
                    name.trim(),
                    flags.nodes
                );
                return Err(with_logs(error, &nodes, &replay));
            }
        }
    }
    println!("\n{}{} steps, and nobody was falsely called down", report.table(), report.steps());
    nodes.tidy_up();
    Ok(())
}

/// The report of a failure: which step, why, and the logs of the nodes.
fn with_logs(error: Error, nodes: &Nodes, step: &str) -> Error {
    let logs: Vec<String> = (0..nodes.count()).map(|node| nodes.log(node)).collect();
    anyhow!("{step}: {error:#}\n{}", logs.join("\n"))
}

fn seed_of_the_moment() -> u64 {
    // Any number will do; a short one is easier to type again.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |since| since.as_millis() as u64 % 100_000)
}
