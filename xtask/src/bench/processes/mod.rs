//! Processes: starting them, messages between them, a million that wait, and saving one.

mod contender;
mod report;
mod target;
mod workload;

use anyhow::{Context, Result, bail};

use self::contender::{Contender, Run};
use self::report::{Measured, Report};
use self::workload::WORKLOADS;
use super::results;
use super::samples::{self, Samples};
use crate::flags::BenchFlags;

/// Measures processes.
pub(super) fn measure(flags: &BenchFlags) -> Result<()> {
    let folder = results::folder()?;
    let (ours, snapshots) = contender::ours(flags.debug)?;
    let beam = if flags.alone { None } else { contender::beam(&folder) };
    let missing = (!flags.alone && beam.is_none()).then_some(contender::BEAM_MISSING);
    if let Some(missing) = missing {
        println!("not measured: {missing}");
    }

    let rounds = samples::rounds(flags);
    let mut measured = Vec::new();
    for workload in &WORKLOADS {
        let (argument, answer) = if flags.quick { workload.quick } else { workload.full };
        println!("{} {argument}, {rounds} rounds", workload.name);
        let (mut of_ours, mut of_beam) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            of_ours.push(run(&ours, workload.name, argument, answer)?);
            if let Some(beam) = &beam {
                of_beam.push(run(beam, workload.name, argument, answer)?);
            }
        }
        measured.push(Measured { name: workload.name, argument, ours: of_ours, beam: of_beam });
    }
    let times = if flags.quick { 1_000 } else { 10_000 };
    println!("snapshot {times}, {rounds} rounds");
    let mut saving = Samples::new();
    for _ in 0..rounds {
        let run = contender::run(snapshots.command().arg(times.to_string()))?;
        if run.answer != times {
            bail!("{} of {times} processes were restored", run.answer);
        }
        saving.push(run.seconds / times as f64);
    }

    let report = Report { measured, saving, missing, quick: flags.quick };
    let verdicts = target::judge(&report);
    println!("\n{}", report.table(&verdicts));
    results::keep(&folder, "processes", &report.json(&verdicts), &report.chart())
}

/// Runs a workload once and checks its answer.
fn run(contender: &Contender, workload: &str, argument: i64, answer: i64) -> Result<Run> {
    let run = contender
        .run(workload, argument)
        .with_context(|| format!("{} cannot run {workload}", contender.name))?;
    if run.answer != answer {
        let Contender { name, .. } = contender;
        bail!("{name} says that {workload} {argument} is {}; it is {answer}", run.answer);
    }
    Ok(run)
}
