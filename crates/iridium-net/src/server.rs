//! A listener of a node.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::Waker;
use socket2::{Domain, Protocol, Socket, Type};

use crate::error::StartError;
use crate::greeting::{self, Door, Greeter, OnSession};
use crate::secret::Security;
use crate::threads::Threads;

/// Connections that the system may hold until they are accepted. Who comes when there are more tries
/// again after a second.
const BACKLOG: i32 = 4096;

/// A listener of a node: its socket, and the thread that accepts connections on it.
///
/// Anyone may connect; at most 256 connections at a time are in the stage before authentication, and
/// each has 5 s for it. When more come, the slowest are closed.
#[derive(Debug)]
pub struct ClusterServer {
    addr: SocketAddr,
    stopping: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl ClusterServer {
    /// Binds the address. Port 0 stands for any free port.
    ///
    /// # Errors
    /// [`StartError::PortInUse`], [`StartError::Bind`], [`StartError::System`].
    pub(crate) fn bind(addr: SocketAddr) -> Result<(Self, Door), StartError> {
        let listener = listen(addr).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::PortInUse { addr },
            _ => StartError::Bind { addr, source },
        })?;
        let addr = listener.local_addr().map_err(|source| StartError::Bind { addr, source })?;
        let door = greeting::open(listener).map_err(StartError::System)?;
        Ok((Self { addr, stopping: Arc::default(), waker: door.waker() }, door))
    }

    /// Starts accepting.
    pub(crate) fn start(
        &self,
        door: Door,
        security: Security,
        threads: Threads,
        on_session: Arc<OnSession>,
    ) -> Result<(), StartError> {
        let stopping = Arc::clone(&self.stopping);
        let greeter = Greeter::new(door, stopping, security, threads.clone(), on_session);
        threads.spawn("iridium-accept", move || greeter.run()).map_err(StartError::System)
    }

    /// The address it listens at.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops accepting.
    pub(crate) fn stop(&self) {
        if !self.stopping.swap(true, Ordering::SeqCst)
            && let Err(error) = self.waker.wake()
        {
            log::error!("cannot wake the thread that listens at {}: {error}", self.addr);
        }
    }
}

impl Drop for ClusterServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A node that was killed and starts again needs its port while old connections linger.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
