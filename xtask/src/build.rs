//! Builds binaries and finds them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::repository;

/// Builds `iridium` and says where cargo put it, wherever the target directory is.
pub(crate) fn iridium(debug: bool) -> Result<PathBuf> {
    let args = ["--package", "iridium-cli", "--bin", "iridium"];
    let [iridium] = named(["iridium"], &args, debug)?;
    Ok(iridium)
}

/// Builds examples of a package and says where cargo put them.
pub(crate) fn examples<const N: usize>(
    package: &str,
    names: [&str; N],
    debug: bool,
) -> Result<[PathBuf; N]> {
    let flags = names.iter().flat_map(|name| ["--example", name]);
    let args: Vec<_> = ["--package", package].into_iter().chain(flags).collect();
    named(names, &args, debug)
}

fn named<const N: usize>(names: [&str; N], args: &[&str], debug: bool) -> Result<[PathBuf; N]> {
    let profile = if debug { "dev" } else { "release" };
    let mut built = executables(&[args, &["--profile", profile]].concat())?;
    let mut paths = names.map(|_| PathBuf::new());
    for (path, name) in paths.iter_mut().zip(names) {
        *path = built
            .remove(name)
            .with_context(|| format!("cargo built {name} but did not say where"))?;
    }
    Ok(paths)
}

/// Runs `cargo build` and says where it put which executable.
pub(crate) fn executables(args: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    let output = Command::new(env!("CARGO"))
        .arg("build")
        .args(args)
        .arg("--message-format=json-render-diagnostics")
        .current_dir(repository::root())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo build {} failed", args.join(" "));
    }
    let built = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(message["executable"].as_str()?)))
        })
        .collect();
    Ok(built)
}
