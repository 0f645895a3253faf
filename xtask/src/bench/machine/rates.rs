//! How fast sources are assembled, modules are loaded, and the smallest program runs.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::peer::{Contender, numbers};
use crate::bench::samples::{Samples, median};
use crate::repository;

/// What was measured besides the kernels.
#[derive(Debug, Default)]
pub(super) struct Rates {
    /// Lines a second.
    pub(super) assembling: Samples,
    /// Seconds for a million instructions.
    pub(super) loading: Samples,
    /// Seconds from the start of a program that assembles and runs `hlt` to its end.
    pub(super) starting: Samples,
}

impl Rates {
    /// The medians.
    pub(super) fn medians(&self) -> [f64; 3] {
        [median(&self.assembling), median(&self.loading), median(&self.starting)]
    }
}

/// Measures them.
pub(super) fn measure(ours: &Contender, rates: &Path, quick: bool, rounds: usize) -> Result<Rates> {
    let lines = if quick { "100000" } else { "1000000" };
    let program = repository::root().join("target/bench/hlt.iasm");
    fs::write(&program, "hlt\n").with_context(|| format!("cannot write {}", program.display()))?;
    let mut found = Rates::default();
    for _ in 0..rounds {
        let measured = numbers(Command::new(rates).arg(lines))?;
        let [(lines, assembling), (instructions, loading)] = measured[..] else {
            bail!("{} printed {} lines", rates.display(), measured.len());
        };
        found.assembling.push(lines as f64 / assembling);
        found.loading.push(loading * 1e6 / instructions as f64);
        let started = Instant::now();
        let status = Command::new(&ours.program)
            .arg(&program)
            .arg("0")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            bail!("hlt: {status}");
        }
        found.starting.push(started.elapsed().as_secs_f64());
    }
    Ok(found)
}
