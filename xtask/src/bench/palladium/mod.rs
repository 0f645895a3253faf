//! Palladium: programs beside the same in assembly and in other languages, and how fast the
//! compiler is.

mod compiling;
mod contender;
mod program;
mod report;
mod target;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use self::contender::{Contender, Name};
use self::program::{NAMES, PROGRAMS};
use self::report::Report;
use super::results;
use super::samples::{self, Samples};
use super::times::Times;
use crate::flags::BenchFlags;

/// A peer that takes more seconds than this is measured once.
const LONG: f64 = 3.0;

/// Measures Palladium.
pub(super) fn measure(flags: &BenchFlags) -> Result<()> {
    let folder = results::folder()?;
    let [ours, interpreted, assembly] = contender::ours(&NAMES, flags.debug)?;
    let (peers, missing) = if flags.alone { Default::default() } else { contender::find(&folder) };
    for (peer, remedy) in &missing {
        println!("not measured: {peer}; {remedy}");
    }

    let rounds = samples::rounds(flags);
    let mut programs = Vec::new();
    for program in &PROGRAMS {
        let (argument, answer) = if flags.quick { program.quick } else { program.full };
        println!("{} {argument}, {rounds} rounds", program.name);
        let mut samples: BTreeMap<Name, Samples> = BTreeMap::new();
        for _ in 0..rounds {
            for contender in [&ours, &interpreted, &assembly].into_iter().chain(&peers) {
                let so_far = samples.entry(contender.name).or_default();
                if contender.can(program.name) && so_far.first().is_none_or(|first| *first < LONG) {
                    so_far.push(run(contender, program.name, argument, answer)?);
                }
            }
        }
        samples.retain(|_, samples| !samples.is_empty());
        programs.push((program.name, argument, samples));
    }
    let compiling = compiling::measure(&ours.program, flags.quick, rounds)?;

    let times = Times { what: "program", programs, missing, quick: flags.quick };
    let report = Report { times, compiling };
    let verdicts = target::judge(&report);
    println!("\n{}", report.times.table(&verdicts));
    results::keep(&folder, "palladium", &report.json(&verdicts), &report.times.chart())
}

/// Runs a program once and checks its answer. Gives the seconds.
fn run(contender: &Contender, program: &str, argument: u64, answer: &str) -> Result<f64> {
    let (got, seconds) = contender
        .run(program, argument)
        .with_context(|| format!("{} cannot run {program}", contender.name))?;
    if got != answer {
        bail!("{} says that {program} {argument} is {got}; it is {answer}", contender.name);
    }
    Ok(seconds)
}
