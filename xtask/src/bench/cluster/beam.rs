//! BEAM's nodes, with an epmd of their own, so that one that runs on this machine is not
//! used, and none is left running.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::mesh::Mesh;
use crate::{cluster, repository};

/// What to do when it was not found.
pub(super) const MISSING: &str = "beam; apt-get install erlang-base";

/// BEAM, as it was found.
pub(super) struct Beam {
    folder: PathBuf,
    epmd: Child,
    port: u16,
}

/// What our Erlang program prints.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Rates {
    pub(super) round_trip_us: f64,
    pub(super) one_way_64_per_s: f64,
    pub(super) one_way_64k_bytes_per_s: f64,
}

impl Beam {
    /// `None` if it is not installed.
    pub(super) fn find(folder: &Path) -> Result<Option<Self>> {
        let source = repository::root().join("xtask/peers/cluster.erl");
        let folder = folder.join("beam");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let compiled = match Command::new("erlc").arg("-o").arg(&folder).arg(source).output() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            compiled => compiled.context("cannot run erlc")?,
        };
        if !compiled.status.success() {
            bail!("erlc: {}", String::from_utf8_lossy(&compiled.stdout).trim());
        }
        let port = cluster::free_ports(1)?;
        let mut epmd = Command::new("epmd");
        epmd.args(["-port", &port.to_string(), "-address", "127.0.0.1"]);
        epmd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let epmd = epmd.spawn().context("cannot run epmd")?;
        let beam = Self { folder, epmd, port };
        beam.wait_for_epmd()?;
        Ok(Some(beam))
    }

    /// Until it listens, its port looks free to others.
    fn wait_for_epmd(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if Instant::now() > deadline {
                bail!("epmd does not listen at port {}", self.port);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// A node on loopback that runs a function of our program; a node that only
    /// waits runs none.
    fn command(&self, name: &str, run: &[&str]) -> Command {
        let mut erl = Command::new("erl");
        erl.env("ERL_EPMD_PORT", self.port.to_string());
        erl.args(["-noshell", "-noinput", "-name", &format!("{name}@127.0.0.1")]);
        erl.args(["-setcookie", "bench", "-kernel", "inet_dist_use_interface", "{127,0,0,1}"]);
        erl.arg("-pa").arg(&self.folder);
        if let [function, arguments @ ..] = run {
            erl.args(["-run", "cluster", function]).args(arguments);
        }
        erl
    }

    /// As [`Ours::mesh`](super::ours::Ours::mesh).
    pub(super) fn mesh(&self, count: u16) -> Result<(Mesh, f64)> {
        let mut mesh = Mesh::start(count, &self.folder, |number| {
            let (number, count) = (number.to_string(), count.to_string());
            let mut erl = self.command(&format!("m{number}"), &["mesh", &number, &count]);
            // As few threads as it can have: that many nodes share this machine.
            erl.args(["+S", "1:1", "+A", "1"]);
            erl
        })?;
        let seconds = mesh.form(|log| log.lines().any(|line| line == "full"))?;
        Ok((mesh, seconds))
    }

    /// Messages between two nodes.
    pub(super) fn rates(&self) -> Result<Rates> {
        // Nodes end with the handle of their mesh.
        let _other = Mesh::start(1, &self.folder, |_| self.command("b", &[]))?;
        let output = self.command("a", &["rates", "b@127.0.0.1"]).stdin(Stdio::null()).output();
        let output = output.context("cannot run erl")?;
        if !output.status.success() {
            bail!("erl: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let printed = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&printed).with_context(|| format!("erl printed {printed:?}"))
    }
}

impl Drop for Beam {
    fn drop(&mut self) {
        let _ = self.epmd.kill();
        let _ = self.epmd.wait();
    }
}
