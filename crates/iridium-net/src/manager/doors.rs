//! Where a node listens: one door for everything and, if wanted, one for control
//! clients alone, so that these can be let in from where no node is to join from.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use crate::config::Config;
use crate::error::StartError;
use crate::secret::Security;
use crate::server::{ClusterServer, OnSession};
use crate::threads::Threads;

/// The listening sockets of a node.
pub(super) struct Doors {
    mesh: ClusterServer,
    control: Option<ClusterServer>,
}

/// The same sockets before anything is accepted.
pub(super) struct Listeners {
    mesh: TcpListener,
    control: Option<TcpListener>,
}

impl Doors {
    /// Binds what the configuration names.
    ///
    /// # Errors
    /// [`StartError::PortInUse`], [`StartError::ControlPortInUse`], [`StartError::Bind`].
    pub(super) fn bind(config: &Config) -> Result<(Self, Listeners), StartError> {
        let (mesh, mesh_listener) = ClusterServer::bind(config.bind)?;
        let control = config.control_bind.map(ClusterServer::bind).transpose();
        let (control, control_listener) = control.map_err(name_the_second)?.unzip();
        let listeners = Listeners { mesh: mesh_listener, control: control_listener };
        Ok((Self { mesh, control }, listeners))
    }

    /// Starts accepting at all of them.
    pub(super) fn open(
        &self,
        listeners: Listeners,
        security: &Security,
        threads: &Threads,
        on_mesh: Arc<OnSession>,
        on_control: Arc<OnSession>,
    ) -> Result<(), StartError> {
        self.mesh.start(listeners.mesh, security.clone(), threads.clone(), on_mesh)?;
        if let Some((server, listener)) = self.control.as_ref().zip(listeners.control) {
            server.start(listener, security.clone(), threads.clone(), on_control)?;
        }
        Ok(())
    }

    /// Stops accepting.
    pub(super) fn close(&self) {
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

/// An operator must know which of the two ports to change.
fn name_the_second(error: StartError) -> StartError {
    match error {
        StartError::PortInUse { addr } => StartError::ControlPortInUse { addr },
        error => error,
    }
}
