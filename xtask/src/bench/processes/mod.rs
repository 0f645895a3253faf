//! Processes in Palladium, in assembly and on BEAM: starting them, messages between them, calls, a
//! million that wait, and saving one.

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
    let palladium = contender::palladium(flags.debug)?;
    let (assembly, snapshots) = contender::assembly(flags.debug)?;
    let beam = if flags.alone { None } else { contender::beam(&folder) };
    let missing = (!flags.alone && beam.is_none()).then_some(contender::BEAM_MISSING);
    if let Some(missing) = missing {
        println!("not measured: {missing}");
    }

    let rounds = samples::rounds(flags);
    let contenders = [Some(palladium), Some(assembly), beam];
    let mut measured = Vec::new();
    for workload in &WORKLOADS {
        let (argument, answer) = if flags.quick { workload.quick } else { workload.full };
        println!("{} {argument}, {rounds} rounds", workload.name);
        let mut runs = [const { Vec::new() }; 3];
        for _ in 0..rounds {
            for (contender, runs) in contenders.iter().zip(&mut runs) {
                if let Some(contender) = contender.as_ref().filter(|one| one.has(workload.name)) {
                    runs.push(run(contender, workload.name, argument, answer)?);
                }
            }
        }
        let [palladium, assembly, beam] = runs;
        measured.push(Measured { name: workload.name, argument, palladium, assembly, beam });
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
