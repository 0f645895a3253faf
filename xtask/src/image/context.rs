//! What `docker build` is given, and the image holds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

const DOCKERFILE: &str = include_str!("Dockerfile");

/// Libraries that the C library loads by itself, to look up names, where they are not a part of it.
const FOR_NAMES: [&str; 3] = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];
/// Where systems keep the certificates of the authorities that they trust. One is enough.
const AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Makes that folder: in it `root` belongs to the system, `own` to the user of
/// the image.
pub(super) fn lay_out(context: &Path, iridium: &Path) -> Result<()> {
    if context.exists() {
        fs::remove_dir_all(context)
            .with_context(|| format!("cannot remove {}", context.display()))?;
    }
    let root = context.join("root");
    copy(iridium, &root.join("usr/bin/iridium"))?;
    let libraries = libraries(iridium)?;
    for library in &libraries {
        copy(library, &below(&root, library))?;
    }
    let beside = libraries.iter().find(|path| path.ends_with("libc.so.6"));
    for folder in beside.iter().filter_map(|libc| libc.parent()) {
        for library in FOR_NAMES.map(|name| folder.join(name)) {
            if library.exists() {
                copy(&library, &below(&root, &library))?;
            }
        }
    }
    if let Some(authorities) = AUTHORITIES.into_iter().map(Path::new).find(|file| file.exists()) {
        copy(authorities, &root.join("etc/ssl/certs/ca-certificates.crt"))?;
    }
    let etc = root.join("etc");
    write(&etc.join("passwd"), "iridium:x:10001:10001::/data:/usr/bin/iridium\n")?;
    write(&etc.join("group"), "iridium:x:10001:\n")?;
    write(&etc.join("nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n")?;
    for folder in ["own/data", "own/secret"] {
        make_folder(&context.join(folder))?;
    }
    write(&context.join("Dockerfile"), DOCKERFILE)
}

/// Size of all that is in the image.
pub(super) fn mebibytes(context: &Path) -> Result<u64> {
    let root = context.join("root");
    let sum = bytes(&root).with_context(|| format!("cannot read {}", root.display()))?;
    Ok(sum.div_ceil(1024 * 1024))
}

fn bytes(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        sum += if meta.is_dir() { bytes(&entry.path())? } else { meta.len() };
    }
    Ok(sum)
}

/// The libraries that the binary loads, the loader among them.
fn libraries(binary: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd")
        .arg(binary)
        .output()
        .context("cannot run ldd, which tells what libraries the command loads")?;
    if !output.status.success() {
        bail!("ldd {}: {}", binary.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    // `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`, `/lib64/ld-linux-x86-64.so.2 (0x…)`
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect())
}

/// Where a file of this system is in the image.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Copies what a path leads to, not the link.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        make_folder(folder)?;
    }
    fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
