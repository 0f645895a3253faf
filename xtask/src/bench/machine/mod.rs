//! The machine: six kernels beside the peers, and how fast it assembles, loads and starts.

mod kernel;
mod peer;
mod rates;
mod report;
mod target;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use self::kernel::KERNELS;
use self::peer::{Contender, Name, Ours};
use self::report::Report;
use super::results;
use super::samples::{self, Samples};
use super::times::Times;
use crate::flags::BenchFlags;

/// Measures the machine.
pub(super) fn measure(flags: &BenchFlags) -> Result<()> {
    let folder = results::folder()?;
    let Ours { interpreted, native, rates } = peer::ours(flags.debug)?;
    let (peers, missing) = if flags.alone { Default::default() } else { peer::find(&folder) };
    for (peer, remedy) in &missing {
        println!("not measured: {peer}; {remedy}");
    }

    let rounds = samples::rounds(flags);
    let mut kernels = Vec::new();
    for kernel in &KERNELS {
        let (argument, answer) = if flags.quick { kernel.quick } else { kernel.full };
        println!("{} {argument}, {rounds} rounds", kernel.name);
        let mut samples: BTreeMap<Name, Samples> = BTreeMap::new();
        for _ in 0..rounds {
            for contender in [&interpreted, &native].into_iter().chain(&peers) {
                if contender.can(kernel.name) {
                    let seconds = run(contender, kernel.name, argument, answer)?;
                    samples.entry(contender.name).or_default().push(seconds);
                }
            }
        }
        kernels.push((kernel.name, argument, samples));
    }
    let rates = rates::measure(&interpreted, &rates, flags.quick, rounds)?;

    let times = Times { what: "kernel", programs: kernels, missing, quick: flags.quick };
    let report = Report { times, rates };
    let verdicts = target::judge(&report);
    println!("\n{}", report.times.table(&verdicts));
    results::keep(&folder, "machine", &report.json(&verdicts), &report.times.chart())
}

/// Runs a kernel once and checks its answer. Gives the seconds.
fn run(contender: &Contender, kernel: &str, argument: u64, answer: i64) -> Result<f64> {
    let (got, seconds) = contender
        .run(kernel, argument)
        .with_context(|| format!("{} cannot run {kernel}", contender.name))?;
    if got != answer {
        bail!("{} says that {kernel} {argument} is {got}; it is {answer}", contender.name);
    }
    Ok(seconds)
}
