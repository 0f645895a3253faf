//! One connection to another node, shared by its reader, its writer, the owner
//! of the mesh and those who send on it.

mod inbox;
mod outbox;
mod reader;
mod writer;

use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::AtomicUsize;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};
use std::{fmt, io};

use iridium_proto::{IridiumMessage, NodeId};

use crate::error::SendError;
use crate::membership::ConnId;
use crate::threads::lock;

pub use inbox::Delivery;
pub(crate) use outbox::FLUSH;
pub(crate) use reader::Reader;
pub(crate) use writer::run as run_writer;

use outbox::Outbox;

/// One link of the mesh, as seen from this end.
///
/// Its state belongs to its owners: the writer thread has the sending half, the
/// reader thread the receiving one; what they share is a queue.
pub struct ClusterClient {
    conn: ConnId,
    stream: TcpStream,
    local: SocketAddr,
    remote: SocketAddr,
    outbox: Outbox,
    /// Bytes of messages that the application has not yet dropped.
    received: AtomicUsize,
    admitted: Mutex<Admission>,
    decided: Condvar,
}

/// Whether the owner of the mesh has made this connection a link.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Admission {
    Undecided,
    Admitted(NodeId),
    Over,
}

impl ClusterClient {
    pub(crate) fn new(conn: ConnId, stream: &TcpStream, queue_bytes: usize) -> io::Result<Self> {
        Ok(Self {
            conn,
            local: stream.local_addr()?,
            remote: stream.peer_addr()?,
            stream: stream.try_clone()?,
            outbox: Outbox::new(queue_bytes),
            received: AtomicUsize::new(0),
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

    /// Queues a message of at most [`iridium_proto::MAX_MESSAGE`] bytes. Messages
    /// of one sender arrive in order, and once, for as long as the link lasts.
    ///
    /// # Errors
    /// [`SendError`]; nothing was queued then.
    pub fn send(&self, bytes: Vec<u8>) -> Result<(), SendError> {
        self.outbox.push_data(IridiumMessage::Deliver(bytes))
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

    /// Lets data through to the application.
    pub(crate) fn admit(&self, id: NodeId) {
        self.admit_as(Admission::Admitted(id));
    }

    fn admit_as(&self, admission: Admission) {
        *lock(&self.admitted) = admission;
        self.decided.notify_all();
    }

    /// Who is at the other end, once that is decided. Data may come in while
    /// the owner is still busy with the control messages before it.
    fn peer(&self, patience: Duration) -> Option<NodeId> {
        let deadline = Instant::now() + patience;
        let mut admission = lock(&self.admitted);
        loop {
            match &*admission {
                Admission::Admitted(id) => return Some(id.clone()),
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
