//! `cargo xtask stress`: builds the stress test of the scheduler and runs it.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build;
use crate::flags::Stress;

/// Runs it. What is not given is up to the test.
pub(crate) fn run(flags: &Stress) -> Result<()> {
    let [stress] = build::examples("iridium-sched", ["stress"], flags.debug)?;
    let status = Command::new(stress).args(arguments(flags)).status().context("cannot run it")?;
    if !status.success() {
        bail!("the stress test ended with {status}");
    }
    Ok(())
}

fn arguments(flags: &Stress) -> Vec<String> {
    let given = [
        ("--processes", flags.processes),
        ("--seconds", flags.seconds),
        ("--seed", flags.seed),
        ("--workers", flags.workers),
    ];
    let pair = |(name, value): (&str, Option<u64>)| Some([name.to_owned(), value?.to_string()]);
    given.into_iter().filter_map(pair).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_given_is_handed_on() {
        let none =
            Stress { processes: None, seconds: None, seed: None, workers: None, debug: false };
        assert!(arguments(&none).is_empty());
        let some = Stress { processes: Some(2_000), seed: Some(7), ..none };
        assert_eq!(arguments(&some), ["--processes", "2000", "--seed", "7"]);
    }
}
