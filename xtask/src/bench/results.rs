//! Where results are kept.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::repository;

/// Where results go, and what is built for peers.
pub(super) fn folder() -> Result<PathBuf> {
    let folder = repository::root().join("target/bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Writes results as JSON and as a chart, and says where.
pub(super) fn keep(folder: &Path, name: &str, json: &Value, svg: &str) -> Result<()> {
    let json = serde_json::to_string_pretty(json)?;
    for (kind, text) in [("json", json.as_str()), ("svg", svg)] {
        let path = folder.join(format!("{name}.{kind}"));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}
