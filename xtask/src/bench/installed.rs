//! Whether a peer is installed on this machine, or can be built, and how long a program takes.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::results;
use crate::{build, repository};

/// Whether a command exists and succeeds.
pub(super) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Builds a program of `xtask/peers`, which is a package of its own, and says where cargo put it.
pub(super) fn built(name: &str) -> Result<PathBuf> {
    let manifest = repository::root().join("xtask/peers/Cargo.toml");
    let target = results::folder()?.join("peers");
    let paths = manifest.to_str().zip(target.to_str());
    let (manifest, target) = paths.context("the path of the repository is not UTF-8")?;
    let args = ["--release", "--locked", "--manifest-path", manifest, "--target-dir", target];
    build::executables(&args)?.remove(name).context("cargo did not say where it is")
}

/// Runs a command. Gives the line that it prints, and the seconds that it takes.
pub(super) fn timed(command: &mut Command) -> Result<(String, f64)> {
    let started = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let seconds = started.elapsed().as_secs_f64();
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok((String::from_utf8_lossy(&output.stdout).trim_end().to_owned(), seconds))
}
