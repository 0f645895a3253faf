//! `cargo xtask fuzz`: builds the fuzzer, which is a package of its own, and runs it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::flags::{FUZZED, Fuzz};
use crate::{build, repository};

/// A program that is compiled in two ways and run in four takes as long as so many other inputs.
const LONG: u64 = 10;

pub(crate) fn run(flags: &Fuzz) -> Result<()> {
    let root = repository::root();
    let folder = root.join("target/fuzz");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = |path: &Path| path.to_str().map(str::to_owned).context("the path is not UTF-8");
    let manifest = path(&root.join("crates/iridium-vm/fuzz/Cargo.toml"))?;
    let (built, folder) = (path(&folder.join("build"))?, path(&folder)?);
    let args = ["--release", "--locked", "--manifest-path", &manifest, "--target-dir", &built];
    let program = build::executables(&args)?
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
