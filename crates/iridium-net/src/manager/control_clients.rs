//! The node's side of the control plane: the control clients that are connected, and what answers
//! them.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use iridium_proto::{ControlReply, ControlRequest, IridiumMessage};
use socket2::{SockRef, TcpKeepalive};

use crate::application::Application;
use crate::control::{ControlStream, LongBlocks};
use crate::log_limit::ClockedLogLimits;
use crate::session::Session;
use crate::threads::lock;

/// Control clients that may be connected at a time; each has a thread. When all places are taken, who
/// has asked nothing for the longest time gives its own to a newcomer.
const MAX_CLIENTS: usize = 64;
/// How long a control client may be silent between two requests.
const IDLE: Duration = Duration::from_secs(60);
/// How long a client may take to end its side of a stream that the application
/// has ended.
const END_WITHIN: Duration = Duration::from_secs(10);
/// Silence on a connection after which the system probes whether the client's
/// machine is still there: another client may need its slot.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The control clients of one node.
#[derive(Default)]
pub(super) struct ControlClients {
    connected: Mutex<HashMap<u64, Client>>,
    next: AtomicU64,
    stopping: Arc<AtomicBool>,
    long_blocks: Arc<LongBlocks>,
    /// For the lines that clients can cause.
    log_limits: ClockedLogLimits,
}

struct Client {
    stream: TcpStream,
    /// Since when it has asked nothing; `None` while it is served.
    idle_since: Option<Instant>,
}

impl ControlClients {
    /// Answers a control client until it disconnects, is idle for too long or the node
    /// stops. `mesh` answers the requests to the node itself.
    pub(super) fn serve(
        &self,
        session: Session,
        remote: SocketAddr,
        first: ControlRequest,
        application: &dyn Application,
        mesh: impl Fn(ControlRequest) -> ControlReply,
    ) {
        let slot = self.admit(&session.stream);
        let stream = self.stream(session);
        let (Ok(slot), Ok(mut stream)) = (slot, stream) else {
            return log::debug!("control client {remote} has disconnected already");
        };
        let Some(slot) = slot else {
            if let Some(left_out) = self.log_limits.admit("refused") {
                log::warn!(
                    "refused control client {remote}: {MAX_CLIENTS} others are connected{left_out}"
                );
            }
            let why = format!("{MAX_CLIENTS} control clients are connected to the node already");
            // It may have disconnected.
            let _ = stream.send_message(&IridiumMessage::ControlReply(ControlReply::Failed(why)));
            return;
        };
        let mut request = Some(first);
        while let Some(asked) = request {
            log::debug!("control client {remote} asks for {}", name(&asked));
            let served = match asked {
                ControlRequest::Application(bytes) => {
                    stream.reopen();
                    application.control(bytes, &mut stream);
                    stream.finish(Instant::now() + END_WITHIN)
                }
                asked => stream.send_message(&IridiumMessage::ControlReply(mesh(asked))),
            };
            slot.set_idle_since(Some(Instant::now()));
            let next = served.and_then(|()| stream.receive_message(Instant::now() + IDLE));
            slot.set_idle_since(None);
            request = match next {
                Ok(IridiumMessage::ControlRequest(next)) => Some(next),
                Ok(other) => {
                    if let Some(left_out) = self.log_limits.admit("no request") {
                        let name = other.name();
                        log::warn!("closed control client {remote}: it sent {name}{left_out}");
                    }
                    None
                }
                Err(error) => {
                    log::debug!("control client {remote} is done: {error}");
                    None
                }
            };
        }
    }

    /// Answers the introduction of a node, at the address for control clients alone,
    /// with the reason why it is refused.
    pub(super) fn reject(&self, session: Session, why: String) {
        // It may have disconnected.
        if let Ok(mut stream) = self.stream(session) {
            let _ = stream.send_message(&IridiumMessage::ControlReply(ControlReply::Failed(why)));
        }
    }

    fn stream(&self, session: Session) -> io::Result<ControlStream> {
        ControlStream::new(session, Arc::clone(&self.stopping), Arc::clone(&self.long_blocks))
    }

    /// Stops reading from all clients. What is being sent is still sent: it may be
    /// the answer to the request to leave.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        let connected = std::mem::take(&mut *lock(&self.connected));
        for client in connected.values() {
            // It may have disconnected.
            let _ = client.stream.shutdown(Shutdown::Read);
        }
    }

    /// A slot for a client; `None` when all are taken.
    fn admit(&self, stream: &TcpStream) -> io::Result<Option<ClientSlot<'_>>> {
        SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
        let theirs = stream.try_clone()?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut connected = lock(&self.connected);
        if connected.len() >= MAX_CLIENTS {
            let idle =
                connected.iter().filter_map(|(number, client)| Some((client.idle_since?, *number)));
            let Some((_, number)) = idle.min() else { return Ok(None) };
            if let Some(client) = connected.remove(&number) {
                // Its thread ends by that. It may have disconnected.
                let _ = client.stream.shutdown(Shutdown::Both);
            }
        }
        connected.insert(number, Client { stream: theirs, idle_since: None });
        drop(connected);
        let slot = ClientSlot { clients: self, number };
        if self.stopping.load(Ordering::Acquire) {
            // `stop` has not seen this one.
            stream.shutdown(Shutdown::Read)?;
        }
        Ok(Some(slot))
    }
}

/// One of the slots for control clients, free again when it is dropped.
struct ClientSlot<'a> {
    clients: &'a ControlClients,
    number: u64,
}

impl ClientSlot<'_> {
    fn set_idle_since(&self, since: Option<Instant>) {
        if let Some(client) = lock(&self.clients.connected).get_mut(&self.number) {
            client.idle_since = since;
        }
    }
}

impl Drop for ClientSlot<'_> {
    fn drop(&mut self) {
        lock(&self.clients.connected).remove(&self.number);
    }
}

fn name(request: &ControlRequest) -> &'static str {
    match request {
        ControlRequest::Members => "the members",
        ControlRequest::Leave => "the node's leave",
        ControlRequest::Forget(_) => "a member to be forgotten",
        ControlRequest::Application(_) => "the application",
        ControlRequest::Unknown(_) => "something that this build does not know",
    }
}
