//! Where a node listens: one address for nodes and control clients and, if wanted,
//! one for control clients alone, which can then be reached from networks in which
//! no node is to join.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::Config;
use crate::error::StartError;
use crate::greeting::{Door, OnSession};
use crate::secret::Security;
use crate::server::ClusterServer;
use crate::threads::Threads;

/// The listening sockets of a node.
pub(super) struct ListenerSet {
    mesh: ClusterServer,
    control: Option<ClusterServer>,
}

/// The same sockets before anything is accepted.
pub(super) struct BoundListeners {
    mesh: Door,
    control: Option<Door>,
}

impl ListenerSet {
    /// Binds what the configuration names.
    ///
    /// # Errors
    /// [`StartError::PortInUse`], [`StartError::ControlPortInUse`], [`StartError::Bind`].
    pub(super) fn bind(config: &Config) -> Result<(Self, BoundListeners), StartError> {
        let (mesh, mesh_listener) = ClusterServer::bind(config.bind)?;
        let control = config.control_bind.map(ClusterServer::bind).transpose();
        let (control, control_listener) = control.map_err(for_control_clients)?.unzip();
        let bound = BoundListeners { mesh: mesh_listener, control: control_listener };
        Ok((Self { mesh, control }, bound))
    }

    /// Starts to accept connections on all of them.
    pub(super) fn start(
        &self,
        bound: BoundListeners,
        security: &Security,
        threads: &Threads,
        on_mesh: Arc<OnSession>,
        on_control: Arc<OnSession>,
    ) -> Result<(), StartError> {
        self.mesh.start(bound.mesh, security.clone(), threads.clone(), on_mesh)?;
        if let Some((server, listener)) = self.control.as_ref().zip(bound.control) {
            server.start(listener, security.clone(), threads.clone(), on_control)?;
        }
        Ok(())
    }

    /// Stops accepting.
    pub(super) fn stop(&self) {
        self.mesh.stop();
        if let Some(control) = &self.control {
            control.stop();
        }
    }

    /// Where nodes and control clients connect.
    pub(super) fn mesh_addr(&self) -> SocketAddr {
        self.mesh.local_addr()
    }

    /// Where control clients alone connect.
    pub(super) fn control_addr(&self) -> Option<SocketAddr> {
        self.control.as_ref().map(ClusterServer::local_addr)
    }
}

/// Says which of the two ports is in use.
fn for_control_clients(error: StartError) -> StartError {
    match error {
        StartError::PortInUse { addr } => StartError::ControlPortInUse { addr },
        error => error,
    }
}
