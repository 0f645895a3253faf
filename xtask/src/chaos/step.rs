//! Carries out a step: causes the fault, waits until it is noticed, repairs it, and waits
//! until the cluster is whole.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::Signal;

use super::node::Nodes;
use super::plan::{Kind, Step};
use super::watch::{self, Expected, sights};

/// After this a killed process is down everywhere.
const KILLED: Duration = Duration::from_secs(1);
/// After this a silent process is.
const SILENT: Duration = Duration::from_secs(5);
/// After this all know that a node has left.
const LEFT: Duration = Duration::from_secs(2);
/// After this all are one mesh again, whatever was repaired.
const HEALED: Duration = Duration::from_secs(10);
/// The same after the first start of all nodes.
const STARTED: Duration = Duration::from_secs(30);
/// How long a cable is out without any node becoming suspect, which takes 2 s.
const BLIP: Duration = Duration::from_millis(1000);

/// How long it took until all had seen something, and the limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timed {
    pub(super) took: Duration,
    pub(super) limit: Duration,
}

/// How a step went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    /// Until the fault was noticed, if it was to be noticed.
    pub(super) seen: Option<Timed>,
    /// Until the cluster was whole again.
    pub(super) whole: Timed,
}

/// Starts all nodes and waits until they are one mesh.
pub(super) fn start(nodes: &mut Nodes) -> Result<Timed> {
    let since = Instant::now();
    for node in 0..nodes.count() {
        nodes.start(node, (node > 0).then_some(0))?;
    }
    let calm = Vec::new();
    whole(nodes, calm, since, STARTED)
}

/// Carries out a step.
pub(super) fn carry_out(nodes: &mut Nodes, step: &Step) -> Result<Outcome> {
    let hurt = step.to.as_slice();
    let rest: Vec<usize> = (0..nodes.count()).filter(|node| !hurt.contains(node)).collect();
    let calm = vec![rest.clone()];
    match step.kind {
        Kind::Kill | Kind::Move => {
            for node in hurt {
                nodes.kill(*node)?;
            }
            let since = Instant::now();
            let seen = down(nodes, sights(&rest, hurt, "down"), calm.clone(), since, KILLED)?;
            for node in hurt {
                if step.kind == Kind::Move {
                    nodes.network.readdress(*node)?;
                }
                // It remembers its peers.
                nodes.start(*node, None)?;
            }
            mended(nodes, Some(seen), calm)
        }
        Kind::Stop => {
            let since = Instant::now();
            for node in hurt {
                nodes.signal(*node, Signal::STOP)?;
            }
            let seen = down(nodes, sights(&rest, hurt, "down"), calm.clone(), since, SILENT)?;
            for node in hurt {
                nodes.signal(*node, Signal::CONT)?;
            }
            mended(nodes, Some(seen), calm)
        }
        Kind::Cut => {
            let since = Instant::now();
            for node in hurt {
                nodes.network.plug(*node, false)?;
            }
            // For the nodes that were cut off, all others are silent.
            let all: Vec<usize> = (0..nodes.count()).collect();
            let both = [sights(&rest, hurt, "down"), sights(hurt, &all, "down")].concat();
            let seen = down(nodes, both, calm.clone(), since, SILENT)?;
            for node in hurt {
                nodes.network.plug(*node, true)?;
            }
            mended(nodes, Some(seen), calm)
        }
        Kind::Blip => {
            let everyone = vec![(0..nodes.count()).collect::<Vec<_>>()];
            for node in hurt {
                nodes.network.plug(*node, false)?;
            }
            thread::sleep(BLIP);
            for node in hurt {
                nodes.network.plug(*node, true)?;
            }
            // A false alarm would have come by then.
            watch::stay_calm(nodes, &everyone, SILENT / 2)?;
            mended(nodes, None, everyone)
        }
        Kind::Leave => {
            for node in hurt {
                nodes.leave(*node)?;
            }
            let since = Instant::now();
            let seen = Expected {
                what: "who leaves has left at every other",
                within: LEFT,
                sights: sights(&rest, hurt, "left"),
                suspect_first: false,
                one_mesh: false,
                calm: calm.clone(),
            };
            let seen = timed(nodes, &seen, since)?;
            for node in hurt {
                // It has forgotten its peers, as it should.
                nodes.start(*node, rest.first().copied())?;
            }
            mended(nodes, Some(seen), calm)
        }
        Kind::Split => {
            let halves = vec![hurt.to_vec(), rest.clone()];
            let since = Instant::now();
            for node in hurt {
                nodes.network.hang(*node, 1)?;
            }
            let both = [sights(&rest, hurt, "down"), sights(hurt, &rest, "down")].concat();
            let seen = down(nodes, both, halves.clone(), since, SILENT)?;
            for node in hurt {
                nodes.network.hang(*node, 0)?;
            }
            mended(nodes, Some(seen), halves)
        }
    }
}

/// Waits until members are down, after having been suspect if they are silent.
fn down(
    nodes: &mut Nodes,
    sights: Vec<watch::Sight>,
    calm: Vec<Vec<usize>>,
    since: Instant,
    within: Duration,
) -> Result<Timed> {
    let silent = within == SILENT;
    let what = match silent {
        true => "who is silent is suspect, then down at every other",
        false => "who was killed is down at every other",
    };
    let one_mesh = false;
    timed(nodes, &Expected { what, within, sights, suspect_first: silent, one_mesh, calm }, since)
}

fn mended(nodes: &mut Nodes, seen: Option<Timed>, calm: Vec<Vec<usize>>) -> Result<Outcome> {
    let whole = whole(nodes, calm, Instant::now(), HEALED)?;
    Ok(Outcome { seen, whole })
}

fn whole(
    nodes: &mut Nodes,
    calm: Vec<Vec<usize>>,
    since: Instant,
    within: Duration,
) -> Result<Timed> {
    let all: Vec<usize> = (0..nodes.count()).collect();
    let expected = Expected {
        what: "all are one mesh",
        within,
        sights: sights(&all, &all, "alive"),
        suspect_first: false,
        one_mesh: true,
        calm,
    };
    timed(nodes, &expected, since)
}

fn timed(nodes: &mut Nodes, expected: &Expected, since: Instant) -> Result<Timed> {
    Ok(Timed { took: watch::wait(nodes, expected, since)?, limit: expected.within })
}
