//! One connection to another node, shared by the thread that reads, the one that
//! writes, the owner thread and those who send on it.

use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;
use std::{fmt, io};

use iridium_proto::{Features, IridiumMessage, NodeId};

use crate::bell::Bell;
use crate::error::{Refused, SendError};
use crate::ids::{ConnId, LinkId};
use crate::session::FrameWriter;
use crate::threads::lock;

use super::backlog::Backlog;
use super::gate::{Admission, Gate};
use super::message::{Bytes, Kind, Outgoing, Returned, SharedBytes, Tail};
use super::outbox::{Dispatch, Outbox};
use super::send_half::SendHalf;

/// One link of the mesh: the connection to one other node, whichever of the two
/// dialled it, as seen from this end.
///
/// It ends when the connection does; a node that comes back is reached over
/// another link, with another [`link_id`](Self::link_id).
#[must_use]
pub struct ClusterClient {
    conn: ConnId,
    /// To shut the connection down with; `None` once it has ended, since applications may keep the
    /// link for long after that and must not keep its descriptor.
    stream: Mutex<Option<Arc<TcpStream>>>,
    local: SocketAddr,
    remote: SocketAddr,
    pub(super) outbox: Outbox,
    /// Bytes of the receive window that messages take up for which the application holds a permit.
    pub(super) window_used: AtomicUsize,
    /// Credit for the other end that is still too little to be worth a message.
    pub(super) unsent_credit: AtomicUsize,
    /// Whether credit was sent since the other end may last have been told to wait for it.
    pub(super) has_credited: AtomicBool,
    /// The bits of the features that both ends know.
    features: AtomicU64,
    /// Which node is at the other end, once that is known.
    peer: OnceLock<NodeId>,
    gate: Arc<Gate>,
}

/// Wakes the threads that read and write for a link without threads of its own.
pub(crate) struct LinkBells {
    pub(crate) reader: Bell,
    pub(crate) writer: Bell,
}

impl ClusterClient {
    /// With bells for a link without threads of its own.
    pub(crate) fn new(
        conn: ConnId,
        stream: &Arc<TcpStream>,
        frames: FrameWriter,
        queue_bytes: usize,
        backlog: &Backlog,
        bells: Option<LinkBells>,
    ) -> io::Result<Self> {
        let half = SendHalf::new(frames, Arc::clone(stream), bells.is_some())?;
        let (reader_bell, writer_bell) = bells.map(|bells| (bells.reader, bells.writer)).unzip();
        Ok(Self {
            conn,
            local: stream.local_addr()?,
            remote: stream.peer_addr()?,
            stream: Mutex::new(Some(Arc::clone(stream))),
            outbox: Outbox::new(queue_bytes, backlog, half, writer_bell),
            window_used: AtomicUsize::new(0),
            unsent_credit: AtomicUsize::new(0),
            has_credited: AtomicBool::new(false),
            features: AtomicU64::new(Features::NONE.0),
            peer: OnceLock::new(),
            gate: Arc::new(Gate::new(reader_bell)),
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

    /// The number of this link, unique on this node.
    #[must_use]
    pub fn link_id(&self) -> LinkId {
        self.conn.into()
    }

    /// The features that both ends know. None until the other end has named its own, which it
    /// does at the beginning of the link; so ask at each use.
    pub fn features(&self) -> Features {
        Features(self.features.load(Ordering::Relaxed))
    }

    /// [`send_in`](Self::send_in) lane 0, for applications that need only one lane.
    ///
    /// # Errors
    /// [`SendError`]; nothing was queued then, and nothing is kept back.
    pub fn send(&self, bytes: Vec<u8>) -> Result<(), SendError> {
        self.send_in(0, bytes).map_err(SendError::from)
    }

    /// Queues a message of at most [`iridium_proto::MAX_MESSAGE`] bytes. What is
    /// sent in one lane, signals included, arrives in order, and once, for as
    /// long as the link lasts. A message over 64 KiB travels in pieces: what
    /// comes after it in its lane waits for them, other lanes do not. A lane is
    /// any number that the sender chooses; it costs nothing while nothing is
    /// queued in it.
    ///
    /// # Errors
    /// [`Refused`], with the message: nothing was queued. After
    /// [`SendError::WouldBlock`] the application is called
    /// ([`Application::writable`](crate::Application::writable)) when it may be tried again.
    pub fn send_in(&self, lane: u64, bytes: Vec<u8>) -> Result<(), Refused> {
        Ok(self.send_as(lane, Kind::Message, bytes.into())?)
    }

    /// As [`send_in`](Self::send_in), for a message of which the last bytes stand elsewhere.
    ///
    /// # Errors
    /// As there.
    pub fn send_with_tail_in(&self, lane: u64, bytes: Vec<u8>, tail: Tail) -> Result<(), Refused> {
        Ok(self.send_as(lane, Kind::Message, Bytes::Own(bytes, tail))?)
    }

    /// As [`send_in`](Self::send_in), for a message that goes to several nodes, or of which the sender is to
    /// know how long it takes: the bytes are dropped when they have been sent.
    ///
    /// # Errors
    /// [`SendError`]; nothing was queued then, and nothing is kept.
    pub fn send_shared_in(&self, lane: u64, bytes: SharedBytes) -> Result<(), SendError> {
        self.send_as(lane, Kind::Message, Bytes::Shared(bytes)).map_err(|returned| returned.why)
    }

    /// As [`send_in`](Self::send_in), for messages that the sender cannot keep and
    /// send later, called signals here: they are never refused with `WouldBlock`. When
    /// more than 8 MiB of them are queued, the other end does not read, and the link is closed.
    ///
    /// # Errors
    /// [`Refused`]: there is no link, or the signal is too long.
    pub fn send_signal(&self, lane: u64, bytes: Vec<u8>) -> Result<(), Refused> {
        Ok(self.send_as(lane, Kind::Signal, bytes.into())?)
    }

    /// Writes to the socket on this thread when nobody else does and nothing is queued. That does
    /// not block: the writer sends what the system does not take at once.
    fn send_as(&self, lane: u64, kind: Kind, bytes: Bytes) -> Result<(), Returned> {
        if let Dispatch::Direct(mut half, message) = self.outbox.push(lane, kind, bytes)? {
            self.send_now(&mut half, message);
            self.outbox.put_back(half, Some(Instant::now()));
        }
        Ok(())
    }

    fn send_now(&self, half: &mut SendHalf, message: Outgoing) {
        half.push(message);
        if let Err(error) = half.send_some() {
            // The message is lost with the link, like others that are on their way.
            log::debug!("writing to {} failed: {error}", self.remote);
            self.abort();
        }
    }

    /// Ends the connection at once, as when the node at its other end does not keep to what both rely on.
    /// It counts as lost, and the nodes may connect again.
    pub fn abort(&self) {
        self.gate.set_admission(Admission::Closed);
        self.outbox.abort();
        self.shut_down();
    }

    /// Bytes of messages and signals that are queued, with 64 bytes of overhead
    /// for each.
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

    /// Tells the other end that it may send more: a credit or a grant.
    pub(crate) fn permit(&self, message: IridiumMessage) {
        if let Dispatch::Direct(mut half, message) = self.outbox.push_permission(message) {
            self.send_now(&mut half, message);
            self.outbox.put_back(half, None);
        }
    }

    pub(crate) fn send_control(&self, message: IridiumMessage) {
        self.outbox.push_control(message);
    }

    /// Closes after what is queued has been sent.
    pub(crate) fn close(&self) {
        self.gate.set_admission(Admission::Closed);
        self.outbox.close();
    }

    /// Says which node is at the other end.
    pub(crate) fn set_peer(&self, id: NodeId) {
        // A connection becomes a link only once, so it has no peer yet.
        let _ = self.peer.set(id);
    }

    /// Lets the reader deliver data: the application has been told of the link.
    pub(crate) fn admit(&self) {
        self.gate.set_admission(Admission::Admitted);
    }

    /// The queue to the other end.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The address and port of the other end.
    pub(crate) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Which node is at the other end, if that is known.
    pub(crate) fn peer(&self) -> Option<&NodeId> {
        self.peer.get()
    }

    /// What its reader waits for beside bytes.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Leaves the connection open when the link ends: it is that of several, and nobody reads it.
    pub(crate) fn keep_connection(&self) {
        lock(&self.stream).take();
    }

    fn shut_down(&self) {
        let stream = lock(&self.stream).take();
        if let Some(stream) = stream {
            // The other end may have closed it already.
            let _ = stream.shutdown(Shutdown::Both);
        }
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
