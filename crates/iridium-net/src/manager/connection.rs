//! What the thread of one connection does: it dials, or takes over what was accepted, then reads
//! until the connection ends, unless others carry it from then on.

use std::io;
use std::net::{SocketAddr, TcpStream};
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
use super::io::IoThreads;
use super::own_threads::OwnThreads;
use super::reader::Reader;
use super::shared::Shared;
use super::writer::Writer;

/// What the thread of a connection needs.
#[derive(Clone)]
pub(super) struct ConnectionContext {
    pub(super) config: Arc<Config>,
    pub(super) threads: Threads,
    pub(super) commands: Sender<Command>,
    pub(super) application: Arc<dyn Application>,
    pub(super) shared: Arc<Shared>,
    pub(super) own_threads: Arc<OwnThreads>,
    /// For the links that have none.
    pub(super) io_threads: Arc<IoThreads>,
}

impl ConnectionContext {
    /// Runs on a dial's thread, which may become the reader of the connection.
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

    /// Runs on an accepted connection's thread, which may become its reader.
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

    /// Makes a session a link and tells the owner. Then reads until it ends, if there are few others.
    fn serve(&self, conn: ConnId, session: Session, input: Input) {
        let place = self.own_threads.take();
        let (reader, carried, stream) = match self.open(conn, session, place.is_some()) {
            Ok(opened) => opened,
            Err(error) => {
                log::error!("a connection was dropped: {error}");
                if let Input::Connected { dial, .. } = input {
                    let failure = DialFailure::Unreachable(Cause::new(error));
                    self.send_command(Command::Input(Input::DialFailed { dial, failure }));
                }
                return;
            }
        };
        self.send_command(Command::Opened(Arc::clone(reader.link()), input));
        if self.shared.stopping.load(Ordering::SeqCst) {
            // The owner has closed all links already, and does not know of this one.
            reader.link().abort();
        }
        match carried {
            None => reader.run(&stream),
            Some(writer) => self.io_threads.carry(reader, writer, &stream),
        }
    }

    /// The reader of a link and, if the link has no threads of its own, its writer.
    fn open(
        &self,
        conn: ConnId,
        session: Session,
        own_threads: bool,
    ) -> io::Result<(Reader, Option<Writer>, Arc<TcpStream>)> {
        let Session { reader: mut frames, writer, stream } = session;
        let stream = Arc::new(stream);
        frames.decoder.set_cap(MAX_FRAME_LINK);
        let bells = (!own_threads).then(|| self.io_threads.bells(conn));
        stream.set_nonblocking(!own_threads)?;
        let queue_bytes = self.config.queue_bytes;
        let backlog = &self.shared.backlog;
        let link = ClusterClient::new(conn, &stream, writer, queue_bytes, backlog, bells)?;
        let link = Arc::new(link);
        let writer = Writer::new(Arc::clone(&link), Arc::clone(&self.application));
        let carried = if own_threads {
            self.threads.spawn("iridium-writer", move || writer.run())?;
            None
        } else {
            Some(writer)
        };
        let reader = Reader::new(
            link,
            frames,
            self.commands.clone(),
            Arc::clone(&self.application),
            Arc::clone(&self.shared),
            self.config.timing.greet_timeout,
        );
        Ok((reader, carried, stream))
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
