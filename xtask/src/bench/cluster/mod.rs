//! The cluster: forming a mesh of real nodes, what an idle node costs, and messages
//! between two.

mod beam;
mod mesh;
mod ours;
mod report;
mod target;

use std::time::Duration;

use anyhow::Result;

use self::beam::Beam;
use self::mesh::Cost;
use self::ours::Ours;
use self::report::{Formation, Report};
use super::results;
use super::samples::{self, Samples};
use crate::flags::BenchFlags;
use crate::interrupt;

/// Sizes of the meshes, and those of them that BEAM forms too: with 32 of its nodes
/// this kind of machine is busy for long, and nothing is aimed at there.
const SIZES: &[u16] = &[3, 16, 32];
const QUICK: &[u16] = &[3];
const BEAM_UP_TO: u16 = 16;
/// The size of the mesh whose nodes are idle.
const IDLE_AMONG: u16 = 16;
/// How often messages are measured: both programs take medians or long runs themselves.
const RATE_ROUNDS: usize = 3;

/// Measures the cluster.
pub(super) fn measure(flags: &BenchFlags) -> Result<()> {
    // Nodes are started, which must not outlive this.
    interrupt::note()?;
    let folder = results::folder()?;
    let ours = Ours::new(&folder, flags.debug)?;
    let beam = if flags.alone { None } else { Beam::find(&folder)? };
    let mut report = Report { quick: flags.quick, ..Report::default() };
    if !flags.alone && beam.is_none() {
        report.missing.push(beam::MISSING.to_owned());
        println!("not measured: {}", beam::MISSING);
    }

    form(flags, &ours, beam.as_ref(), &mut report)?;
    rest(flags, &ours, beam.as_ref(), &mut report)?;
    exchange(flags, beam.as_ref(), &mut report)?;

    let verdicts = target::judge(&report);
    println!("\n{}", report.table(&verdicts));
    results::keep(&folder, "cluster", &report.json(&verdicts), &report.chart())
}

/// How long meshes take to form.
fn form(flags: &BenchFlags, ours: &Ours, beam: Option<&Beam>, report: &mut Report) -> Result<()> {
    let rounds = samples::rounds(flags);
    for nodes in if flags.quick { QUICK } else { SIZES } {
        println!("a mesh of {nodes} nodes, {rounds} rounds");
        let (mut of_ours, mut of_beam) = (Samples::new(), Samples::new());
        for _ in 0..rounds {
            of_ours.push(ours.mesh(*nodes)?.1);
            if let Some(beam) = beam.filter(|_| *nodes <= BEAM_UP_TO) {
                of_beam.push(beam.mesh(*nodes)?.1);
            }
        }
        report.formations.push(Formation { nodes: *nodes, ours: of_ours, beam: of_beam });
    }
    Ok(())
}

/// What nodes cost when nothing happens.
fn rest(flags: &BenchFlags, ours: &Ours, beam: Option<&Beam>, report: &mut Report) -> Result<()> {
    let nodes = if flags.quick { 3 } else { IDLE_AMONG };
    // First some time in which they come to rest.
    let (settle, time) = match flags.quick {
        true => (Duration::from_secs(1), Duration::from_secs(3)),
        false => (Duration::from_secs(5), Duration::from_secs(20)),
    };
    println!("{nodes} idle nodes, {} s", time.as_secs());
    let cost = |mesh: &mesh::Mesh| -> Result<Option<Cost>> {
        mesh.idle(settle)?;
        mesh.idle(time)
    };
    match cost(&ours.mesh(nodes)?.0)? {
        Some(idle) => (report.idle_nodes, report.idle) = (nodes, idle),
        None => report.missing.push("what idle nodes cost; only Linux tells it".to_owned()),
    }
    if let Some(beam) = beam {
        report.beam_idle = cost(&beam.mesh(nodes)?.0)?;
    }
    Ok(())
}

/// Messages between two nodes.
fn exchange(flags: &BenchFlags, beam: Option<&Beam>, report: &mut Report) -> Result<()> {
    if flags.quick {
        report.missing.push("messages between nodes, with --quick".to_owned());
        return Ok(());
    }
    let program = ours::rates_program()?;
    println!("messages between two nodes, {RATE_ROUNDS} rounds");
    for _ in 0..RATE_ROUNDS {
        report.rates.push(ours::rates(&program)?);
        if let Some(beam) = beam {
            report.beam_rates.push(beam.rates()?);
        }
    }
    Ok(())
}
