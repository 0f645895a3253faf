//! The receiving half of a link: control messages go to the owner of the mesh,
//! data straight to the application.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use iridium_proto::{IridiumMessage, NodeId};

use crate::application::Application;
use crate::membership::ConnId;
use crate::session::{FrameReader, SessionError};

use super::ClusterClient;
use super::inbox::{Assembly, Room};

pub(crate) struct Reader {
    pub(crate) link: Arc<ClusterClient>,
    pub(crate) frames: FrameReader,
    pub(crate) stream: TcpStream,
    /// Where data goes.
    pub(crate) application: Arc<dyn Application>,
    /// How long the owner may take to decide about this connection.
    pub(crate) patience: Duration,
}

impl Reader {
    /// Reads until the connection ends, and says why it did. Control messages
    /// go to `control`, which answers whether the owner is still there.
    pub(crate) fn run(mut self, control: impl Fn(ConnId, IridiumMessage) -> bool) -> String {
        let why = match self.read_all(&control) {
            Ok(()) => {
                self.link.close();
                self.drain()
            }
            Err(error) => error,
        };
        self.link.abort();
        why
    }

    /// Reads on though nothing is wanted any more: to close a socket with unread
    /// bytes would destroy what the writer has sent last. The writer sees to it
    /// that this ends.
    fn drain(&mut self) -> String {
        loop {
            if let Err(error) = self.frames.fill(&mut self.stream) {
                return error.to_string();
            }
            while let Ok(Some(_)) = self.frames.decoder.next_message() {}
        }
    }

    fn read_all(
        &mut self,
        control: &impl Fn(ConnId, IridiumMessage) -> bool,
    ) -> Result<(), String> {
        let mut assembly = Assembly::default();
        let mut peer = None;
        loop {
            while let Some(message) = self.frames.decoder.next_message().map_err(explain)? {
                let wanted = match message {
                    IridiumMessage::Credit(bytes) => {
                        self.link.outbox.add_credit(bytes);
                        true
                    }
                    message if message.is_data() => {
                        if peer.is_none() {
                            peer = self.link.peer(self.patience);
                        }
                        let Some(from) = &peer else { return Ok(()) };
                        self.deliver(&mut assembly, message, from)?;
                        true
                    }
                    message => control(self.link.conn, message),
                };
                if !wanted {
                    return Ok(());
                }
            }
            for kind in self.frames.decoder.take_unknown() {
                log::warn!("skipped messages of unknown kind {kind} from {}", self.link.remote);
            }
            self.frames.fill(&mut self.stream).map_err(|e| e.to_string())?;
        }
    }

    fn deliver(
        &self,
        assembly: &mut Assembly,
        message: IridiumMessage,
        from: &NodeId,
    ) -> Result<(), String> {
        if let Some(bytes) = assembly.add(message)? {
            let room = Room::take(bytes.len(), assembly.held(), &self.link)?;
            self.application.deliver(from, self.link.link_id(), bytes, room);
        }
        Ok(())
    }
}

fn explain(error: iridium_proto::ProtoError) -> String {
    SessionError::from(error).to_string()
}
