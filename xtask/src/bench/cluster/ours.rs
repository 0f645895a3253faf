//! Our nodes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::mesh::Mesh;
use crate::build;
use crate::cluster::{self, Members};

/// The binary, and the folder for the data of its nodes.
pub(super) struct Ours {
    iridium: PathBuf,
    folder: PathBuf,
}

/// What our example prints.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Rates {
    pub(super) round_trip_us: f64,
    pub(super) raw_round_trip_us: f64,
    pub(super) one_way_64_per_s: f64,
    pub(super) one_way_64k_bytes_per_s: f64,
}

impl Ours {
    /// Builds the binary and makes a secret: the connections are encrypted, as they are for
    /// users.
    pub(super) fn new(folder: &Path, debug: bool) -> Result<Self> {
        let ours = Self { iridium: build::iridium(debug)?, folder: folder.join("cluster") };
        ours.clear()?;
        let made = ours.command().args(["secret", "new"]).arg(ours.secret()).output();
        let made = made.context("cannot run iridium")?;
        if !made.status.success() {
            bail!("no secret: {}", String::from_utf8_lossy(&made.stderr).trim());
        }
        Ok(ours)
    }

    fn clear(&self) -> Result<()> {
        let folder = &self.folder;
        if folder.exists() {
            fs::remove_dir_all(folder)
                .with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
    }

    fn secret(&self) -> PathBuf {
        self.folder.join("cluster.secret")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.iridium);
        command.env("IRIDIUM_SECRET_FILE", self.secret());
        command
    }

    /// Starts nodes that do not know each other and waits until each is linked to all others.
    /// Returns them and the seconds that it took.
    pub(super) fn mesh(&self, count: u16) -> Result<(Mesh, f64)> {
        let data = self.folder.join("data");
        if data.exists() {
            fs::remove_dir_all(&data).context("cannot forget the last mesh")?;
        }
        let base = cluster::free_ports(count)?;
        let mut mesh = Mesh::start(count, &self.folder, |number| {
            let mut command = self.command();
            command.args(["node", "--node-alias", &format!("m{number}")]);
            command.args(["-P", &(base + number).to_string(), "--data-root-dir"]).arg(&data);
            if number > 0 {
                command.args(["--join", &format!("127.0.0.1:{base}")]);
            }
            command
        })?;
        let seconds = mesh.form(|log| others_up(log) + 1 >= usize::from(count))?;
        // The logs are checked once against what the nodes report.
        for port in base..base + count {
            self.check(port, count)?;
        }
        Ok((mesh, seconds))
    }

    fn check(&self, port: u16, count: u16) -> Result<()> {
        let mut ask = self.command();
        ask.args(["members", "--json", "--at", &format!("127.0.0.1:{port}")]);
        let output = ask.stdin(Stdio::null()).output().context("cannot run iridium")?;
        if !output.status.success() {
            bail!("a node does not answer: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let seen: Members = serde_json::from_slice(&output.stdout)?;
        let there = |state: &str| matches!(state, "self" | "alive");
        let there = seen.members.iter().filter(|member| there(&member.state)).count();
        if there != usize::from(count) {
            bail!("a node sees {there} of {count} nodes, though its log named all");
        }
        Ok(())
    }
}

/// How many others a log says are up.
fn others_up(log: &str) -> usize {
    let name = |line: &str| Some(line.split_once(" is up at ")?.0.rsplit(' ').next()?.to_owned());
    log.lines().filter_map(name).collect::<BTreeSet<_>>().len()
}

/// Builds the example that measures messages between two nodes.
pub(super) fn rates_program() -> Result<PathBuf> {
    let [program] = build::examples("iridium-node", ["node-rates"], false)?;
    Ok(program)
}

/// What the command `iridium` sets for itself (`iridium-cli`, `allocator.rs`), and the example has from its
/// environment: otherwise the C library gives memory back with nearly each long message in some runs, and
/// never in others.
const ALLOCATOR: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "4194304"), ("MALLOC_TRIM_THRESHOLD_", "2097152")];

/// Runs that example.
pub(super) fn rates(program: &Path) -> Result<Rates> {
    let output = Command::new(program)
        .arg("--json")
        .envs(ALLOCATOR)
        .stdin(Stdio::null())
        .output()
        .context("cannot run the example node-rates")?;
    if !output.status.success() {
        bail!("the example node-rates: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&printed)
        .with_context(|| format!("the example node-rates printed {printed:?}"))
}

#[cfg(test)]
mod tests {
    use super::others_up;

    #[test]
    fn a_node_is_counted_once() {
        let log = "m0 listens on 127.0.0.1:1\n\
                   2026-11-22T18:28:03.123456Z [INFO] (main) m1 is up at 127.0.0.1:2\n\
                   2026-11-22T18:28:03.123457Z [INFO] (main) m2 is up at 127.0.0.1:3\n\
                   2026-11-22T18:28:03.123458Z [INFO] (main) m1 is up at 127.0.0.1:2\n";
        assert_eq!(others_up(log), 2);
        assert_eq!(others_up(""), 0);
    }
}
