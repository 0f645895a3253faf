//! The node's side of the control plane: who is connected, and whom they talk to.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use iridium_proto::{ControlReply, ControlRequest, IridiumMessage};
use socket2::{SockRef, TcpKeepalive};

use crate::application::Application;
use crate::control::ControlStream;
use crate::session::Session;
use crate::threads::lock;

/// Control clients that may be connected at a time; each has a thread.
const MAX_CLIENTS: usize = 64;
/// How long a control client may be silent between two requests.
const IDLE: Duration = Duration::from_secs(60);
/// How long a client may take to end its side of a conversation that the
/// application has ended.
const END_WITHIN: Duration = Duration::from_secs(10);
/// Silence on a connection after which the system looks whether the client's
/// machine is still there: its place may be wanted by another.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The control clients of one node.
#[derive(Default)]
pub(super) struct ControlClients {
    connected: Mutex<HashMap<u64, TcpStream>>,
    next: AtomicU64,
    over: Arc<AtomicBool>,
}

impl ControlClients {
    /// Answers a control client until it goes, falls silent or the node stops.
    /// `mesh` answers what is asked of the node itself.
    pub(super) fn serve(
        &self,
        session: Session,
        remote: SocketAddr,
        first: ControlRequest,
        application: &dyn Application,
        mesh: impl Fn(ControlRequest) -> ControlReply,
    ) {
        let place = self.enter(&session.stream);
        let stream = ControlStream::new(session, Arc::clone(&self.over));
        let (Ok(place), Ok(mut stream)) = (place, stream) else {
            return log::debug!("control client {remote} is gone already");
        };
        if place.is_none() {
            log::warn!("turned control client {remote} away: {MAX_CLIENTS} others are connected");
            let why = format!("{MAX_CLIENTS} control clients are connected to the node already");
            // It may have gone.
            let _ = stream.say(&IridiumMessage::ControlReply(ControlReply::Failed(why)));
            return;
        }
        let mut request = Some(first);
        while let Some(asked) = request {
            log::debug!("control client {remote} asks {}", name(&asked));
            let served = match asked {
                ControlRequest::Application(bytes) => {
                    stream.reopen();
                    application.control(bytes, &mut stream);
                    stream.finish(Instant::now() + END_WITHIN)
                }
                asked => stream.say(&IridiumMessage::ControlReply(mesh(asked))),
            };
            let next = served.and_then(|()| stream.hear(Instant::now() + IDLE));
            request = match next {
                Ok(IridiumMessage::ControlRequest(next)) => Some(next),
                Ok(other) => {
                    log::warn!("closed control client {remote}: it said {}", other.name());
                    None
                }
                Err(error) => {
                    log::debug!("control client {remote} is done: {error}");
                    None
                }
            };
        }
    }

    /// Tells one that is no control client why nothing else is served here. It
    /// waits for an answer to its greeting, so this is one.
    pub(super) fn turn_away(&self, session: Session, why: String) {
        // It may have gone.
        if let Ok(mut stream) = ControlStream::new(session, Arc::clone(&self.over)) {
            let _ = stream.say(&IridiumMessage::ControlReply(ControlReply::Failed(why)));
        }
    }

    /// Nothing more is read from any client. What is being sent still goes out:
    /// it may be the answer to the request to leave.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
        let connected = std::mem::take(&mut *lock(&self.connected));
        for stream in connected.values() {
            // It may have gone.
            let _ = stream.shutdown(Shutdown::Read);
        }
    }

    /// A place for a client; `None` when there is none.
    fn enter(&self, stream: &TcpStream) -> io::Result<Option<Place<'_>>> {
        SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
        let theirs = stream.try_clone()?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut connected = lock(&self.connected);
        if connected.len() >= MAX_CLIENTS {
            return Ok(None);
        }
        connected.insert(number, theirs);
        drop(connected);
        if self.over.load(Ordering::Acquire) {
            // It came too late to be ended with the others.
            stream.shutdown(Shutdown::Read)?;
        }
        Ok(Some(Place { clients: self, number }))
    }
}

struct Place<'a> {
    clients: &'a ControlClients,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        lock(&self.clients.connected).remove(&self.number);
    }
}

fn name(request: &ControlRequest) -> &'static str {
    match request {
        ControlRequest::Members => "for the members",
        ControlRequest::Leave => "the node to leave",
        ControlRequest::Application(_) => "the application",
        ControlRequest::Unknown(_) => "what this build does not know",
    }
}
