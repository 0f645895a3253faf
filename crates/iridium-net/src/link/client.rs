//! One connection to another node, shared by its reader, its writer, the owner
//! of the mesh and those who send on it.

use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};
use std::{fmt, io};

use iridium_proto::{Features, IridiumMessage, NodeId};

use crate::error::{Refused, SendError};
use crate::ids::{ConnId, LinkId};
use crate::session::FrameWriter;
use crate::threads::lock;

use super::outbox::{Outbox, Sent};
use super::queue::Kind;
use super::send_half::SendHalf;

/// One link of the mesh, as seen from this end.
///
/// Its state belongs to its owners: the writer thread has the sending half, the
/// reader thread the receiving one; what they share is a queue.
pub struct ClusterClient {
    conn: ConnId,
    stream: TcpStream,
    local: SocketAddr,
    remote: SocketAddr,
    pub(super) outbox: Outbox,
    /// Bytes of messages that the application has not yet dropped.
    pub(super) received: AtomicUsize,
    /// Credit to give to the other end, not yet worth a message.
    pub(super) owed: AtomicUsize,
    /// The bits of the features that both ends know.
    features: AtomicU64,
    /// Whose link it is, once that is known.
    peer: OnceLock<NodeId>,
    admitted: Mutex<Admission>,
    decided: Condvar,
}

/// Whether the owner of the mesh has made this connection a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admission {
    Undecided,
    Admitted,
    Over,
}

impl ClusterClient {
    pub(crate) fn new(
        conn: ConnId,
        stream: &TcpStream,
        frames: FrameWriter,
        queue_bytes: usize,
    ) -> io::Result<Self> {
        let half = SendHalf::new(frames, stream.try_clone()?)?;
        Ok(Self {
            conn,
            local: stream.local_addr()?,
            remote: stream.peer_addr()?,
            stream: stream.try_clone()?,
            outbox: Outbox::new(queue_bytes, half),
            received: AtomicUsize::new(0),
            owed: AtomicUsize::new(0),
            features: AtomicU64::new(Features::NONE.0),
            peer: OnceLock::new(),
            admitted: Mutex::new(Admission::Undecided),
            decided: Condvar::new(),
        })
    }

    /// The address of this end.
    #[must_use]
    pub fn local_ip(&self) -> IpAddr {
        self.local.ip()
    }

    /// The port of this end; an ephemeral one if this end dialled.
    #[must_use]
    pub fn local_port(&self) -> u16 {
        self.local.port()
    }

    /// The address of the other end.
    #[must_use]
    pub fn remote_ip(&self) -> IpAddr {
        self.remote.ip()
    }

    /// The port of the other end; an ephemeral one if the other end dialled.
    #[must_use]
    pub fn remote_port(&self) -> u16 {
        self.remote.port()
    }

    /// Which connection of this node it is.
    #[must_use]
    pub fn link_id(&self) -> LinkId {
        self.conn.into()
    }

    /// The features that both ends know. None until the other end has named its own, which it
    /// does at the beginning of the link; so ask at each use.
    pub fn features(&self) -> Features {
        Features(self.features.load(Ordering::Relaxed))
    }

    /// [`send_in`](Self::send_in) lane 0, for those who have but one.
    ///
    /// # Errors
    /// [`SendError`]; nothing was queued then, and nothing is kept back.
    pub fn send(&self, bytes: Vec<u8>) -> Result<(), SendError> {
        self.send_in(0, bytes).map_err(SendError::from)
    }

    /// Queues a message of at most [`iridium_proto::MAX_MESSAGE`] bytes. What is
    /// sent in one lane, signals among it, arrives in order, and once, for as
    /// long as the link lasts. A message over 64 KiB travels in pieces, which
    /// hold up what comes after it in its lane, and no other lane. Lanes are the
    /// sender's own; they cost nothing while nothing waits.
    ///
    /// # Errors
    /// [`Refused`], with the message: nothing was queued. After
    /// [`SendError::WouldBlock`] the application is called
    /// ([`Application::room`](crate::Application::room)) when it may be tried again.
    pub fn send_in(&self, lane: u64, bytes: Vec<u8>) -> Result<(), Refused> {
        self.send_as(lane, Kind::Message, bytes)
    }

    /// As [`send_in`](Self::send_in), for what cannot be kept by the sender: it is
    /// never told `WouldBlock`. When more than 8 MiB of signals wait, the link is
    /// given up, as one whose other end does not take in even those.
    ///
    /// # Errors
    /// [`Refused`]: there is no link, or the signal is too long.
    pub fn send_signal(&self, lane: u64, bytes: Vec<u8>) -> Result<(), Refused> {
        self.send_as(lane, Kind::Signal, bytes)
    }

    /// Writes to the socket itself when nobody else does and nothing waits. That
    /// never waits: what the system does not take, the writer sends.
    fn send_as(&self, lane: u64, kind: Kind, bytes: Vec<u8>) -> Result<(), Refused> {
        if let Sent::Now(mut half, message) = self.outbox.push(lane, kind, bytes)? {
            half.push(&message);
            if let Err(error) = half.send_some() {
                // The message is lost with the link, as others that are under way.
                log::debug!("writing to {} failed: {error}", self.remote);
                self.abort();
            }
            self.outbox.put_back(half, Some(Instant::now()));
        }
        Ok(())
    }

    /// Bytes of messages and signals that wait to be sent, each counted with 64
    /// bytes for its place in the queue.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.outbox.queued_bytes()
    }

    pub(crate) fn set_features(&self, features: Features) {
        self.features.store(features.0, Ordering::Relaxed);
    }

    pub(crate) fn id(&self) -> ConnId {
        self.conn
    }

    pub(crate) fn send_control(&self, message: IridiumMessage) {
        self.outbox.push_control(message);
    }

    /// Sends what is queued, then closes.
    pub(crate) fn close(&self) {
        self.admit_as(Admission::Over);
        self.outbox.close();
    }

    /// Closes at once.
    pub(crate) fn abort(&self) {
        self.admit_as(Admission::Over);
        self.outbox.abort();
        self.shut_down();
    }

    /// It is known whose link it is.
    pub(crate) fn belongs_to(&self, id: NodeId) {
        // A connection is linked once.
        let _ = self.peer.set(id);
    }

    /// Lets data through to the application, which has been told of the link.
    pub(crate) fn admit(&self) {
        self.admit_as(Admission::Admitted);
    }

    fn admit_as(&self, admission: Admission) {
        *lock(&self.admitted) = admission;
        self.decided.notify_all();
    }

    /// The queue to the other end.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The address and port of the other end.
    pub(crate) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Who is at the other end, if that is known.
    pub(crate) fn peer(&self) -> Option<&NodeId> {
        self.peer.get()
    }

    /// Who is at the other end, once that is decided. Data may come in while
    /// the owner is still busy with the control messages before it.
    pub(crate) fn wait_for_peer(&self, patience: Duration) -> Option<NodeId> {
        let deadline = Instant::now() + patience;
        let mut admission = lock(&self.admitted);
        loop {
            match *admission {
                Admission::Admitted => return self.peer.get().cloned(),
                Admission::Over => return None,
                Admission::Undecided => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.decided.wait_timeout(admission, left);
            admission = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }

    fn shut_down(&self) {
        // The other end may have closed it already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl fmt::Debug for ClusterClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterClient")
            .field("conn", &self.conn)
            .field("local", &self.local)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}
