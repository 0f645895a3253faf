//! `cargo xtask bench`: ours and the peers, measured in turn in one run.
//!
//! Times differ between machines and moments, so what counts is the ratio of medians.

mod chart;
mod cluster;
mod machine;
mod processes;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::flags::{Bench, BenchFlags};

/// What each round gave: seconds, mostly.
type Samples = Vec<f64>;

/// Measures what is asked for.
pub(crate) fn run(what: &Bench) -> Result<()> {
    match what {
        Bench::Machine(flags) => machine::measure(flags),
        Bench::Processes(flags) => processes::measure(flags),
        Bench::Cluster(flags) => cluster::measure(flags),
    }
}

/// How often everything is measured.
fn rounds(flags: &BenchFlags) -> usize {
    if flags.quick { 3 } else { 5 }
}

/// Where results go, and what is built for peers.
fn folder() -> Result<PathBuf> {
    let folder = crate::root().join("target/bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Writes results as JSON and as a chart, and says where.
fn keep(folder: &Path, name: &str, json: &Value, svg: &str) -> Result<()> {
    let json = serde_json::to_string_pretty(json)?;
    for (kind, text) in [("json", json.as_str()), ("svg", svg)] {
        let path = folder.join(format!("{name}.{kind}"));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Whether a command is there and does what it is told.
fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
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
