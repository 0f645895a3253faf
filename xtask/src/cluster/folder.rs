//! Where a cluster keeps what belongs to it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::repository;

/// Between two looks at its nodes.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// A cluster, which runs or not.
pub(crate) struct Cluster {
    pub(super) folder: PathBuf,
    /// The developer's nodes share the secret of all nodes of this user, so
    /// that `iridium members` and further nodes work without ceremony. CI does
    /// not touch what belongs to the user.
    secret: Option<PathBuf>,
}

impl Cluster {
    /// The one that `cargo xtask cluster-*` is about.
    pub(crate) fn of_developer() -> Self {
        Self { folder: repository::root().join("target/cluster"), secret: None }
    }

    /// The one that `cargo xtask ci` starts and stops.
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
