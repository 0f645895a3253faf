//! Lines of a large file are counted.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::contender::{Contenders, Name};
use super::report::{Row, put};
use crate::bench::installed::timed;
use crate::repository;

/// Has ours and Lua count.
pub(super) fn measure(
    contenders: &Contenders,
    folder: &Path,
    quick: bool,
    rounds: usize,
) -> Result<Row> {
    let size = if quick { 2_000_000 } else { 100_000_000 };
    println!("the lines of {size} bytes, {rounds} rounds");
    let path = folder.join("lines.txt");
    let lines = write(&path, size).with_context(|| format!("cannot write {}", path.display()))?;
    let mut ours = contenders.program("lines");
    ours.arg("--allow").arg(format!("fs.read={}", path.display())).arg("--").arg(&path);
    let mut all = vec![(Name::Ours, ours)];
    if contenders.has_lua {
        let mut lua = Command::new("lua5.4");
        lua.arg(repository::root().join("xtask/peers/host/lines.lua")).arg(&path);
        all.push((Name::Lua, lua));
    }
    let mut samples = BTreeMap::new();
    for _ in 0..rounds {
        for (name, command) in &mut all {
            let (answer, seconds) = timed(command)?;
            if answer != lines.to_string() {
                bail!("{name} counts {answer} lines of {lines}");
            }
            put(&mut samples, *name, seconds);
        }
    }
    fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    Ok(("lines", size, samples))
}

/// Writes lines of 0 to 96 bytes, this many bytes at least. Says how many lines.
fn write(path: &Path, size: u64) -> Result<u64> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    let (mut written, mut lines) = (0, 0);
    while written < size {
        let length = lines * 37 % 97;
        writeln!(file, "{:x<1$}", "", length as usize)?;
        written += length + 1;
        lines += 1;
    }
    file.flush()?;
    Ok(lines)
}
