//! Builds the binary `iridium` and finds it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Builds `iridium` and says where cargo put it, wherever the target directory is.
pub(crate) fn iridium(debug: bool) -> Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package", "iridium-cli", "--bin", "iridium"]);
    cargo.arg("--message-format=json-render-diagnostics");
    if !debug {
        cargo.arg("--release");
    }
    let output = cargo
        .current_dir(crate::root())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the build of iridium failed");
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "iridium")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo built iridium but did not say where")
}
