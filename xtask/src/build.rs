//! Builds binaries and finds them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::repository;

/// Builds `iridium` and says where cargo put it, wherever the target directory is.
pub(crate) fn iridium(debug: bool) -> Result<PathBuf> {
    let mut args = vec!["--package", "iridium-cli", "--bin", "iridium"];
    if !debug {
        args.push("--release");
    }
    executables(&args)?.remove("iridium").context("cargo built iridium but did not say where")
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
