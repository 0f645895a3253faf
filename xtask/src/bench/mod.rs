//! `cargo xtask bench`: ours and the peers, measured in turn in one run.
//!
//! Times differ between machines and moments, so what counts is the ratio of medians.

mod chart;
mod kernel;
mod peer;
mod rates;
mod report;
mod target;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};

use self::kernel::KERNELS;
use self::peer::{Contender, Name};
use self::report::Report;
use crate::flags::BenchMachine;

/// Seconds of each round.
type Samples = Vec<f64>;

/// Measures the machine.
pub(crate) fn machine(flags: &BenchMachine) -> Result<()> {
    let folder = crate::root().join("target/bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (ours, rates) = peer::ours()?;
    let (peers, missing) = if flags.alone { Default::default() } else { peer::find(&folder) };
    for (peer, remedy) in &missing {
        println!("not measured: {peer}; {remedy}");
    }

    let rounds = if flags.quick { 3 } else { 5 };
    let mut kernels = Vec::new();
    for kernel in &KERNELS {
        let (argument, answer) = if flags.quick { kernel.quick } else { kernel.full };
        println!("{} {argument}, {rounds} rounds", kernel.name);
        let mut samples: BTreeMap<Name, Samples> = BTreeMap::new();
        for _ in 0..rounds {
            for contender in std::iter::once(&ours).chain(&peers) {
                if contender.can(kernel.name) {
                    let seconds = measure(contender, kernel.name, argument, answer)?;
                    samples.entry(contender.name).or_default().push(seconds);
                }
            }
        }
        kernels.push((kernel.name, argument, samples));
    }
    let rates = rates::measure(&ours, &rates, flags.quick, rounds)?;

    let report = Report { kernels, rates, missing, quick: flags.quick };
    println!("\n{}", report.table());
    let json = serde_json::to_string_pretty(&report.json())?;
    for (file, text) in [("machine.json", json), ("machine.svg", chart::draw(&report))] {
        let path = folder.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Runs a kernel once and checks its answer. Gives the seconds.
fn measure(contender: &Contender, kernel: &str, argument: u64, answer: i64) -> Result<f64> {
    let (got, seconds) = contender
        .run(kernel, argument)
        .with_context(|| format!("{} cannot run {kernel}", contender.name))?;
    if got != answer {
        bail!("{} says that {kernel} {argument} is {got}; it is {answer}", contender.name);
    }
    Ok(seconds)
}

/// The middle one, or the mean of the two in the middle.
fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        None => f64::NAN,
        Some(upper) if sorted.len() % 2 == 1 => *upper,
        Some(upper) => f64::midpoint(sorted.get(middle - 1).copied().unwrap_or(*upper), *upper),
    }
}

/// The geometric mean.
fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::{geometric_mean, median};

    #[test]
    fn means_are_right() {
        assert!(median(&[]).is_nan());
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!((geometric_mean(&[0.5, 2.0, 4.0]) - 4f64.powf(1.0 / 3.0)).abs() < 1e-12);
    }
}
