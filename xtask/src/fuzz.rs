//! `cargo xtask fuzz`: builds the fuzzers and runs them.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::flags::{FUZZED_MACHINE, FUZZED_NODE, Fuzz};
use crate::{build, repository};

/// The fuzzers, and what each can do.
const PACKAGES: [(&str, &[&str]); 2] =
    [("iridium-vm-fuzz", &FUZZED_MACHINE), ("iridium-node-fuzz", &FUZZED_NODE)];
/// A program that is compiled in two ways and run in four takes as long as so many other inputs.
const LONG: u64 = 10;
/// What one input takes the next takes again, so glibc is to keep it (`mallopt(3)`): to have it from the system each
/// time is most of what the target `flow` does.
const KEPT: [(&str, &str); 2] =
    [("MALLOC_TRIM_THRESHOLD_", "268435456"), ("MALLOC_TOP_PAD_", "67108864")];

pub(crate) fn run(flags: &Fuzz) -> Result<()> {
    let folder = repository::root().join("target/fuzz");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let packages = PACKAGES.map(|(name, _)| ["--package", name]);
    let profile = if flags.debug { "dev" } else { "checked" };
    let mut built =
        build::executables(&[packages.as_flattened(), &["--profile", profile]].concat())?;
    let mut programs = Vec::new();
    for (name, targets) in PACKAGES {
        let program = built.remove(name).context("cargo did not say where the fuzzer is")?;
        programs.extend(targets.iter().map(|target| (*target, program.clone())));
    }
    programs.retain(|(target, _)| flags.target.as_deref().is_none_or(|wanted| wanted == *target));

    if let (Some(file), Some((target, program))) = (&flags.replay, programs.first()) {
        return succeeds(Command::new(program).arg("replay").arg(target).arg(file));
    }
    let seed = flags.seed.map_or_else(by_the_time, Ok)?;
    println!("seed {seed}");
    let seed = seed.to_string();
    let seconds = flags.seconds.unwrap_or(0).to_string();
    for (target, program) in programs {
        let runs = flags.runs / if target == "palladium-programs" { LONG } else { 1 };
        let numbers = [&seed, &runs.to_string(), &seconds];
        let mut command = Command::new(&program);
        succeeds(command.envs(KEPT).arg("run").arg(target).args(numbers).arg(&folder))?;
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
