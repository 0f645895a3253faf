//! `cargo xtask fuzz`: builds the fuzzer and runs it.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::flags::{FUZZED, Fuzz};
use crate::{build, repository};

/// A program that is compiled in two ways and run in four takes as long as so many other inputs.
const LONG: u64 = 10;

pub(crate) fn run(flags: &Fuzz) -> Result<()> {
    let folder = repository::root().join("target/fuzz");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let program = build::executables(&["--package", "iridium-vm-fuzz", "--profile", "checked"])?
        .remove("iridium-vm-fuzz")
        .context("cargo did not say where the fuzzer is")?;

    if let (Some(file), Some(target)) = (&flags.replay, &flags.target) {
        return succeeds(Command::new(program).arg("replay").arg(target).arg(file));
    }
    let seed = flags.seed.map_or_else(by_the_time, Ok)?;
    println!("seed {seed}");
    let seed = seed.to_string();
    let seconds = flags.seconds.unwrap_or(0).to_string();
    for target in FUZZED.iter().filter(|name| flags.target.as_deref().is_none_or(|t| t == **name)) {
        let runs = flags.runs / if *target == "palladium-programs" { LONG } else { 1 };
        let numbers = [&seed, &runs.to_string(), &seconds];
        succeeds(Command::new(&program).arg("run").arg(target).args(numbers).arg(&folder))?;
    }
    Ok(())
}

fn by_the_time() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

fn succeeds(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot run the fuzzer")?;
    if !status.success() {
        bail!("the fuzzer ended with {status}; the same seed gives the same inputs");
    }
    Ok(())
}
