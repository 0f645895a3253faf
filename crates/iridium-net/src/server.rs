//! The listener: accepts connections, authenticates each, and receives its first
//! message.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use iridium_proto::IridiumMessage;
use socket2::{Domain, Protocol, Socket, Type};

use crate::error::StartError;
use crate::handshake;
use crate::secret::Security;
use crate::session::{Session, SessionError};
use crate::threads::Threads;
use crate::wake::wake_listener;

/// How long a connection may take to authenticate and send its first message.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// Connections that may be at that stage at the same time.
const MAX_UNAUTHENTICATED: usize = 256;
/// Connections that the system may hold until they are accepted.
const BACKLOG: i32 = 1024;
/// Pause after a failed accept: the system has run out of something, most likely
/// file descriptors, and another attempt at once would fail too.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Least time between two log lines about connections that were turned away.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Called with each authenticated connection, its address and its first message, on a thread of
/// its own.
pub(crate) type OnSession = dyn Fn(Session, SocketAddr, IridiumMessage) + Send + Sync;

/// A listener of a node: its socket, and the thread that accepts connections on it.
///
/// Anyone may connect; at most 256 connections at a time are in the stage
/// before authentication, and each has 5 s for it.
#[derive(Debug)]
pub struct ClusterServer {
    addr: SocketAddr,
    stopping: Arc<AtomicBool>,
}

impl ClusterServer {
    /// Binds the address. Port 0 stands for any free port.
    ///
    /// # Errors
    /// [`StartError::PortInUse`], [`StartError::Bind`].
    pub(crate) fn bind(addr: SocketAddr) -> Result<(Self, TcpListener), StartError> {
        let listener = listen(addr).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::PortInUse { addr },
            _ => StartError::Bind { addr, source },
        })?;
        let addr = listener.local_addr().map_err(|source| StartError::Bind { addr, source })?;
        Ok((Self { addr, stopping: Arc::default() }, listener))
    }

    /// Starts accepting.
    pub(crate) fn start(
        &self,
        listener: TcpListener,
        security: Security,
        threads: Threads,
        on_session: Arc<OnSession>,
    ) -> Result<(), StartError> {
        let acceptor = Acceptor {
            stopping: Arc::clone(&self.stopping),
            security: Arc::new(security),
            threads: threads.clone(),
            on_session,
            pending: Arc::default(),
            rejected: 0,
            reported: None,
        };
        threads.spawn("iridium-accept", move || acceptor.run(&listener)).map_err(StartError::System)
    }

    /// The address it listens at.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops accepting. The thread waits in `accept`, so it is woken by a connection.
    pub(crate) fn stop(&self) {
        if !self.stopping.swap(true, Ordering::SeqCst) {
            wake_listener(self.addr);
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

struct Acceptor {
    stopping: Arc<AtomicBool>,
    security: Arc<Security>,
    threads: Threads,
    on_session: Arc<OnSession>,
    pending: Arc<AtomicUsize>,
    rejected: u64,
    reported: Option<Instant>,
}

impl Acceptor {
    fn run(mut self, listener: &TcpListener) {
        loop {
            let accepted = listener.accept();
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            match accepted {
                Ok((stream, remote)) => self.take(stream, remote),
                Err(e) if is_about_one_connection(&e) => {}
                Err(e) => {
                    log::error!("cannot accept connections for now: {e}");
                    std::thread::sleep(ACCEPT_PAUSE);
                }
            }
        }
    }

    fn take(&mut self, stream: TcpStream, remote: SocketAddr) {
        let Some(slot) = HandshakeSlot::take(&self.pending) else {
            return self.reject(remote);
        };
        let security = Arc::clone(&self.security);
        let on_session = Arc::clone(&self.on_session);
        let spawned =
            self.threads.spawn("iridium-peer", move || match authenticate(stream, &security) {
                Ok((session, first)) => {
                    drop(slot);
                    on_session(session, remote, first);
                }
                Err(Some(why)) => log::warn!("refused a connection from {remote}: {why}"),
                Err(None) => log::debug!("{remote} connected and sent nothing"),
            });
        if let Err(e) = spawned {
            log::error!("refused a connection from {remote}: no thread for it: {e}");
        }
    }

    /// Closes a connection that there is no slot for, and logs that once in a while.
    fn reject(&mut self, remote: SocketAddr) {
        self.rejected += 1;
        if self.reported.is_none_or(|at| at.elapsed() >= REPORT_EVERY) {
            log::warn!(
                "refused {} connections, the last from {remote}: {MAX_UNAUTHENTICATED} others have not authenticated yet",
                self.rejected
            );
            self.rejected = 0;
            self.reported = Some(Instant::now());
        }
    }
}

/// Whether an error of `accept` concerns only a connection that has ended already.
fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// The handshake and the first message. The reason is `None` when the other end
/// closed without sending anything, as port scanners and health checks do.
fn authenticate(
    stream: TcpStream,
    security: &Security,
) -> Result<(Session, IridiumMessage), Option<String>> {
    let deadline = Instant::now() + HANDSHAKE_TIME;
    // Heartbeats and small messages must not wait for more to come.
    stream.set_nodelay(true).map_err(|e| Some(e.to_string()))?;
    let mut session =
        handshake::accept(stream, security, deadline).map_err(|e| Some(e.to_string()))?;
    let first = session.receive(deadline).map_err(|e| match e {
        SessionError::Closed => None,
        e => Some(e.to_string()),
    })?;
    Ok((session, first))
}

/// One of the slots for connections that have not authenticated, free again when it is dropped.
struct HandshakeSlot(Arc<AtomicUsize>);

impl HandshakeSlot {
    fn take(pending: &Arc<AtomicUsize>) -> Option<Self> {
        let slot = Self(Arc::clone(pending));
        // If there are too many, it is dropped at once.
        (pending.fetch_add(1, Ordering::SeqCst) < MAX_UNAUTHENTICATED).then_some(slot)
    }
}

impl Drop for HandshakeSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
