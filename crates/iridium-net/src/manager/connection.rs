//! What the thread of one connection does: dials or takes what was accepted, then reads it to its
//! end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Sender, bounded};
use iridium_proto::{ControlReply, ControlRequest, IridiumMessage, MAX_FRAME_ADMITTED, NodeIp};

use crate::application::Application;
use crate::config::Config;
use crate::dialer;
use crate::endpoint::Endpoint;
use crate::ids::{ConnId, DialId};
use crate::link::ClusterClient;
use crate::membership::{DialFailure, Input};
use crate::session::Session;
use crate::threads::Threads;

use super::command::Command;
use super::reader::Reader;
use super::shared::Shared;
use super::writer;

/// What a connection's own thread needs.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) config: Arc<Config>,
    pub(super) threads: Threads,
    pub(super) commands: Sender<Command>,
    pub(super) application: Arc<dyn Application>,
    pub(super) shared: Arc<Shared>,
}

impl Worker {
    /// Runs on a dial's thread, which becomes the reader of the connection.
    pub(super) fn dial(&self, dial: DialId, to: &Endpoint) {
        let patience = self.config.timing.dial_timeout;
        match dialer::dial(to, &self.config.security, patience) {
            Err(failure) => self.tell(Command::Input(Input::DialFailed { dial, failure })),
            Ok((session, remote)) => {
                let conn = self.shared.conn_id();
                let remote = NodeIp(remote.ip());
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
        let remote = NodeIp(remote.ip().to_canonical());
        // Gone already if the system does not know: then the next line finds out.
        let local =
            session.stream.local_addr().map_or(remote, |addr| NodeIp(addr.ip().to_canonical()));
        self.serve(conn, session, Input::Accepted { conn, remote, local, first });
    }

    /// As [`accepted`](Self::accepted), where no node is let in: those are told
    /// the port at which they are.
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
        let why = format!("only control clients are let in here; nodes join at port {port}");
        log::warn!("refused a connection from {remote}: it said {}, but {why}", first.name());
        self.shared.controls.turn_away(session, why);
    }

    /// Makes a session a connection of the mesh and reads it to its end.
    fn serve(&self, conn: ConnId, session: Session, input: Input) {
        let reader = match self.open(conn, session) {
            Ok(reader) => reader,
            Err(error) => {
                log::error!("a connection was dropped: {error}");
                if let Input::Connected { dial, .. } = input {
                    let failure = DialFailure::Unreachable(error.to_string());
                    self.tell(Command::Input(Input::DialFailed { dial, failure }));
                }
                return;
            }
        };
        let link = Arc::clone(&reader.link);
        self.tell(Command::Opened(Arc::clone(&link), input));
        if self.shared.over.load(Ordering::SeqCst) {
            // Too late for the owner to close it.
            link.abort();
        }
        let why = reader.run(|conn, message| {
            log::trace!("from {}: {}", link.remote_ip(), message.name());
            self.commands.send(Command::Input(Input::Message { conn, message })).is_ok()
        });
        log::debug!("{}:{} is gone: {why}", link.remote_ip(), link.remote_port());
        self.tell(Command::Input(Input::Closed { conn }));
    }

    fn open(&self, conn: ConnId, session: Session) -> std::io::Result<Reader> {
        let Session { mut reader, writer, stream } = session;
        reader.decoder.set_cap(MAX_FRAME_ADMITTED);
        let link = Arc::new(ClusterClient::new(conn, &stream, writer, self.config.queue_bytes)?);
        let theirs = Arc::clone(&link);
        let application = Arc::clone(&self.application);
        self.threads.spawn("iridium-writer", move || {
            writer::run(&theirs, &*application);
        })?;
        Ok(Reader {
            link,
            frames: reader,
            stream,
            application: Arc::clone(&self.application),
            patience: self.config.timing.greet_timeout,
        })
    }

    fn serve_control(&self, session: Session, remote: SocketAddr, first: ControlRequest) {
        let mesh = |request| {
            let (reply, answer) = bounded(1);
            self.tell(Command::Control { request, reply });
            answer.recv().unwrap_or_else(|_| ControlReply::Failed("the node is stopping".into()))
        };
        self.shared.controls.serve(session, remote, first, &*self.application, mesh);
    }

    /// An owner that has ended needs no more telling.
    fn tell(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}
