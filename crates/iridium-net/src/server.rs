//! The listening side: accepts connections and brings each to the point where
//! it is authenticated and has said its first message.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
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

/// How long a connection may take to authenticate and introduce itself.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// Connections that may be at that stage at a time.
const MAX_UNAUTHENTICATED: usize = 256;
/// Connections that the system may hold until they are accepted.
const BACKLOG: i32 = 1024;
/// Pause after a failed accept: the system is short of something, most likely
/// file descriptors, and needs time more than another attempt.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Least time between two log lines about connections that were turned away.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// What becomes of an authenticated connection; runs on a thread of its own.
pub(crate) type OnSession = dyn Fn(Session, SocketAddr, IridiumMessage) + Send + Sync;

/// The listening socket of a node.
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
            turned_away: 0,
            reported: None,
        };
        threads.spawn("iridium-accept", move || acceptor.run(&listener)).map_err(StartError::System)
    }

    /// The address it listens at.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops accepting. The listening thread sits in `accept`, so it is woken
    /// by a connection.
    pub(crate) fn stop(&self) {
        if !self.stopping.swap(true, Ordering::SeqCst) {
            let ip = match self.addr.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
                ip => ip,
            };
            let wake = SocketAddr::new(ip, self.addr.port());
            // If it cannot be woken, it has ended already.
            let _ = TcpStream::connect_timeout(&wake, Duration::from_secs(1));
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
    // A node that was killed must get its port back while old connections linger.
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
    turned_away: u64,
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
        let Some(place) = Place::take(&self.pending) else {
            return self.turn_away(remote);
        };
        let security = Arc::clone(&self.security);
        let on_session = Arc::clone(&self.on_session);
        let spawned =
            self.threads.spawn("iridium-peer", move || match authenticate(stream, &security) {
                Ok((session, first)) => {
                    drop(place);
                    on_session(session, remote, first);
                }
                Err(Some(why)) => log::warn!("refused a connection from {remote}: {why}"),
                Err(None) => log::debug!("{remote} connected and said nothing"),
            });
        if let Err(e) = spawned {
            log::error!("refused a connection from {remote}: no thread for it: {e}");
        }
    }

    /// Closes a connection that there is no place for, and says so now and then.
    fn turn_away(&mut self, remote: SocketAddr) {
        self.turned_away += 1;
        if self.reported.is_none_or(|at| at.elapsed() >= REPORT_EVERY) {
            log::warn!(
                "refused {} connections, the last from {remote}: {MAX_UNAUTHENTICATED} others have not authenticated yet",
                self.turned_away
            );
            self.turned_away = 0;
            self.reported = Some(Instant::now());
        }
    }
}

/// Errors of `accept` that concern a connection which is gone already.
fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// The handshake and the first message. The reason is `None` when the other end
/// closed without a word, as port scanners and health checks do.
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

/// One of the places for connections that have not authenticated yet.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(pending: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(Arc::clone(pending));
        // On failure the place is given back at once by its drop.
        (pending.fetch_add(1, Ordering::SeqCst) < MAX_UNAUTHENTICATED).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
