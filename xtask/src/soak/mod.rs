//! `cargo xtask soak`: five real nodes with steady traffic, which are killed, stopped and made to leave
//! at random. What each uses must stay as it was.

mod nodes;
mod plan;
mod report;

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use self::nodes::Nodes;
use self::plan::{Fault, Plan};
use self::report::Report;
use crate::flags::Soak;
use crate::{build, interrupt, repository};

/// How long the nodes may take to be one mesh again. A dead member is dialled each 30 s at least.
const WHOLE_WITHIN: Duration = Duration::from_secs(40);
/// How long a node has run before what it uses is its usual.
const WARM: Duration = Duration::from_secs(5);
/// The longest rest between two faults.
const REST: Duration = Duration::from_secs(8);
/// How long a stopped node is stopped: half of the time the others take it for dead.
const STOPPED: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(7)];

/// Soaks until the time is over, and says what the nodes use then.
pub(crate) fn run(flags: &Soak) -> Result<()> {
    interrupt::note()?;
    let iridium = build::iridium(flags.debug)?;
    let folder = repository::root().join(format!("target/soak/{}", std::process::id()));
    let seed = flags.seed.unwrap_or_else(seed_of_the_moment);
    let length = flags.seconds.map_or(Duration::from_secs(flags.minutes * 60), Duration::from_secs);
    println!("{} nodes, seed {seed}, for {} s", nodes::COUNT, length.as_secs());
    let mut nodes = Nodes::start(&iridium, &folder)?;
    let mut report = Report::default();
    match soak(&mut nodes, &mut report, seed, length) {
        Ok(()) => {}
        Err(error) => bail!("{error:#}\n{}\nlogs in {}", report.table(), folder.display()),
    }
    println!("{}", report.table());
    let broken = report.broken();
    if !broken.is_empty() {
        bail!("not as it was:\n{}\nlogs in {}", broken.join("\n"), folder.display());
    }
    nodes.tidy_up();
    Ok(())
}

fn soak(nodes: &mut Nodes, report: &mut Report, seed: u64, length: Duration) -> Result<()> {
    let end = Instant::now() + length;
    nodes.await_mesh(WHOLE_WITHIN)?;
    look(nodes, report, WARM)?;
    for fault in Plan::new(seed) {
        if Instant::now() >= end {
            break;
        }
        carry_out(nodes, fault).with_context(|| format!("{fault:?}"))?;
        report.add(fault);
        nodes.await_mesh(WHOLE_WITHIN).with_context(|| format!("after {fault:?}"))?;
        let rest = REST.min(end.saturating_duration_since(Instant::now())).max(WARM);
        look(nodes, report, rest)?;
    }
    report.answers = (0..nodes::COUNT).map(|node| nodes.answers(node)).collect();
    Ok(())
}

fn carry_out(nodes: &mut Nodes, fault: Fault) -> Result<()> {
    match fault {
        Fault::Kill { node } => {
            nodes.kill(node)?;
            thread::sleep(Duration::from_secs(1));
            nodes.restart(node)
        }
        Fault::Stop { node, long } => nodes.stop_for(node, STOPPED[usize::from(long)]),
        Fault::Leave { node } => {
            nodes.leave(node)?;
            nodes.restart(node)
        }
    }
}

/// Lets the nodes be for a while, and notes what each uses at the end of it.
fn look(nodes: &mut Nodes, report: &mut Report, rest: Duration) -> Result<()> {
    let until = Instant::now() + rest;
    while Instant::now() < until {
        interrupt::check()?;
        nodes.refuse_dead()?;
        thread::sleep(Duration::from_millis(100));
    }
    for (node, process, usage) in nodes.usage() {
        report.note(node, process, usage);
    }
    Ok(())
}

fn seed_of_the_moment() -> u64 {
    // Any number will do; a short one is easier to type again.
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(1, |since| since.as_millis() as u64 % 100_000)
}
