//! What the thread of one connection does: it dials, or takes over what was accepted, then reads
//! until the connection ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam_channel::{Sender, bounded};
use iridium_proto::{ControlReply, ControlRequest, IridiumMessage, MAX_FRAME_LINK, NodeIp};

use crate::application::Application;
use crate::cause::Cause;
use crate::config::Config;
use crate::dialer;
use crate::ids::{ConnId, DialId};
use crate::link::ClusterClient;
use crate::membership::{DialFailure, Input};
use crate::session::Session;
use crate::threads::Threads;

use super::command::Command;
use super::reader::Reader;
use super::shared::Shared;
use super::writer;

/// What the thread of a connection needs.
#[derive(Clone)]
pub(super) struct ConnectionContext {
    pub(super) config: Arc<Config>,
    pub(super) threads: Threads,
    pub(super) commands: Sender<Command>,
    pub(super) application: Arc<dyn Application>,
    pub(super) shared: Arc<Shared>,
}

impl ConnectionContext {
    /// Runs on a dial's thread, which becomes the reader of the connection.
    pub(super) fn dial(&self, dial: DialId, to: SocketAddr) {
        let deadline = Instant::now() + self.config.timing.dial_timeout;
        let to = self.shared.zone.complete(to);
        match dialer::dial(to, &self.config.security, deadline) {
            Err(failure) => self.send_command(Command::Input(Input::DialFailed { dial, failure })),
            Ok(session) => {
                let conn = self.shared.conn_id();
                self.shared.zone.note(to);
                let remote = NodeIp(to.ip().to_canonical());
                self.serve(conn, session, Input::Connected { dial, conn, remote });
            }
        }
    }

    /// Runs on an accepted connection's thread, which becomes its reader.
    pub(super) fn accepted(&self, session: Session, remote: SocketAddr, first: IridiumMessage) {
        if let IridiumMessage::ControlRequest(request) = first {
            return self.serve_control(session, remote, request);
        }
        let conn = self.shared.conn_id();
        self.shared.zone.note(remote);
        let remote = NodeIp(remote.ip().to_canonical());
        // If the system does not know it, the connection has ended, which the reader finds out.
        let local =
            session.stream.local_addr().map_or(remote, |addr| NodeIp(addr.ip().to_canonical()));
        self.serve(conn, session, Input::Accepted { conn, remote, local, first });
    }

    /// As [`accepted`](Self::accepted), at the address for control clients alone: a
    /// node that connects there is told the port at which it can join.
    pub(super) fn accepted_for_control(
        &self,
        session: Session,
        remote: SocketAddr,
        first: IridiumMessage,
        port: u16,
    ) {
        if let IridiumMessage::ControlRequest(request) = first {
            return self.serve_control(session, remote, request);
        }
        let why = format!("this address is for control clients alone; nodes join at port {port}");
        if let Some(left_out) = self.shared.log_limits.admit("for control clients alone") {
            let name = first.name();
            log::warn!("refused a connection from {remote}: it sent {name}, but {why}{left_out}");
        }
        self.shared.controls.reject(session, why);
    }

    /// Gives a session a link and a writer, tells the owner, and reads until it ends.
    fn serve(&self, conn: ConnId, session: Session, input: Input) {
        let reader = match self.open(conn, session) {
            Ok(reader) => reader,
            Err(error) => {
                log::error!("a connection was dropped: {error}");
                if let Input::Connected { dial, .. } = input {
                    let failure = DialFailure::Unreachable(Cause::new(error));
                    self.send_command(Command::Input(Input::DialFailed { dial, failure }));
                }
                return;
            }
        };
        let link = Arc::clone(reader.link());
        self.send_command(Command::Opened(Arc::clone(&link), input));
        if self.shared.stopping.load(Ordering::SeqCst) {
            // The owner has closed all links already, and does not know of this one.
            link.abort();
        }
        let why = reader.run(|message| {
            log::trace!("from {}: {}", link.remote_ip(), message.name());
            self.commands.send(Command::Input(Input::Message { conn, message })).is_ok()
        });
        log::debug!("the connection to {}:{} ended: {why}", link.remote_ip(), link.remote_port());
        self.send_command(Command::Input(Input::Closed { conn }));
    }

    fn open(&self, conn: ConnId, session: Session) -> io::Result<Reader> {
        let Session { mut reader, writer, stream } = session;
        reader.decoder.set_cap(MAX_FRAME_LINK);
        let link = Arc::new(ClusterClient::new(conn, &stream, writer, self.config.queue_bytes)?);
        let theirs = Arc::clone(&link);
        let application = Arc::clone(&self.application);
        self.threads.spawn("iridium-writer", move || {
            writer::run(&theirs, &*application);
        })?;
        let application = Arc::clone(&self.application);
        let shared = Arc::clone(&self.shared);
        Ok(Reader::new(link, reader, stream, application, shared, self.config.timing.greet_timeout))
    }

    fn serve_control(&self, session: Session, remote: SocketAddr, first: ControlRequest) {
        let mesh = |request| {
            let (reply, answer) = bounded(1);
            self.send_command(Command::Control { request, reply });
            answer.recv().unwrap_or_else(|_| ControlReply::Failed("the node is stopping".into()))
        };
        self.shared.controls.serve(session, remote, first, &*self.application, mesh);
    }

    /// Sends a command to the owner, unless that has ended.
    fn send_command(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}
