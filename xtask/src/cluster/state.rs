//! The processes of a cluster, recorded in its folder.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::process::Process;

/// A cluster that was started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// The binary that its nodes run, and that is used to ask them.
    pub(super) iridium: PathBuf,
    pub(super) nodes: Vec<Node>,
}

/// One of its nodes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Node {
    pub(super) alias: String,
    pub(super) port: u16,
    pub(super) process: Process,
}

impl State {
    /// The cluster of this folder, if one was started and not stopped.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>> {
        let path = file(folder);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let state = serde_json::from_str(&text);
        state.map(Some).with_context(|| {
            format!("{0} is damaged; stop the nodes by hand and remove it", path.display())
        })
    }

    /// Records it. A call that is interrupted leaves the old file or the new one.
    pub(super) fn save(&self, folder: &Path) -> Result<()> {
        let path = file(folder);
        let draft = path.with_extension("new");
        fs::write(&draft, serde_json::to_string_pretty(self)?)
            .and_then(|()| fs::rename(&draft, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Removes the record.
    pub(super) fn forget(folder: &Path) -> Result<()> {
        let path = file(folder);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Those of its nodes that run.
    pub(super) fn running(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.process.is_running())
    }
}

impl Node {
    pub(super) fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Asks it to leave and end.
    pub(super) fn terminate(&self) {
        self.process.signal(Signal::TERM);
    }

    /// Ends it at once.
    pub(super) fn kill(&self) {
        self.process.signal(Signal::KILL);
    }

    pub(super) fn describe(&self) -> String {
        format!("{} (process {})", self.alias, self.process.pid)
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("cluster.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_remembered_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        assert!(State::load(folder.path()).unwrap().is_none());
        let process = Process::of(std::process::id()).unwrap();
        let node = Node { alias: "node1".into(), port: 2254, process };
        let state = State { iridium: "iridium".into(), nodes: vec![node] };
        state.save(folder.path()).unwrap();
        let loaded = State::load(folder.path()).unwrap().unwrap();
        assert_eq!(loaded.running().count(), 1);
        assert_eq!(loaded.nodes[0].addr().to_string(), "127.0.0.1:2254");
        State::forget(folder.path()).unwrap();
        State::forget(folder.path()).unwrap();
        assert!(State::load(folder.path()).unwrap().is_none());
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_no_cluster() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(file(folder.path()), "{").unwrap();
        let error = State::load(folder.path()).unwrap_err();
        assert!(error.to_string().contains("is damaged"), "{error}");
    }
}
