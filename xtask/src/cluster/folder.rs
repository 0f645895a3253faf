//! A cluster, and the folder with its files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::repository;

/// Between two looks at its nodes.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// A cluster, running or not.
pub(crate) struct Cluster {
    pub(super) folder: PathBuf,
    /// `None` for the secret of the user, so that `iridium members` and further nodes work
    /// with the cluster at once. CI has one of its own, and does not touch files of the user.
    secret: Option<PathBuf>,
}

impl Cluster {
    /// The cluster of `cargo xtask cluster-up`, `cluster-status` and `cluster-down`.
    pub(crate) fn of_developer() -> Self {
        Self { folder: repository::root().join("target/cluster"), secret: None }
    }

    /// The cluster that `cargo xtask ci` starts and stops.
    pub(crate) fn of_ci() -> Self {
        let folder = repository::root().join("target/ci-cluster");
        Self { secret: Some(folder.join("cluster.secret")), folder }
    }

    /// `iridium` with the secret of this cluster.
    pub(super) fn command(&self, iridium: &Path) -> Command {
        let mut command = Command::new(iridium);
        if let Some(secret) = &self.secret {
            command.env("IRIDIUM_SECRET_FILE", secret);
        }
        command
    }

    pub(super) fn log(&self, alias: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{alias}.log"))
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}
