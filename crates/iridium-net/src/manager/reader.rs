//! The receiving half of a link: control messages go to the owner of the mesh,
//! data straight to the application.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use iridium_proto::IridiumMessage;

use crate::application::{Application, Recipient};
use crate::ids::ConnId;
use crate::link::{Assembled, Assembly, ClusterClient, Room};
use crate::session::{FrameReader, SessionError};

pub(super) struct Reader {
    pub(super) link: Arc<ClusterClient>,
    pub(super) frames: FrameReader,
    pub(super) stream: TcpStream,
    /// Who takes the data.
    pub(super) application: Arc<dyn Application>,
    /// How long the owner may take to decide about this connection.
    pub(super) patience: Duration,
}

impl Reader {
    /// Reads until the connection ends, and says why it did. Control messages
    /// go to `control`, which answers whether the owner is still there.
    pub(super) fn run(mut self, control: impl Fn(ConnId, IridiumMessage) -> bool) -> String {
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
        let mut recipient: Option<Box<dyn Recipient>> = None;
        let mut has_news = false;
        loop {
            while let Some(message) = self.frames.decoder.next_message().map_err(explain)? {
                let wanted = match message {
                    IridiumMessage::Credit(bytes) => {
                        self.link.outbox().add_credit(bytes);
                        true
                    }
                    message if message.is_data() => {
                        let recipient = match &mut recipient {
                            Some(recipient) => recipient,
                            none => {
                                let Some(from) = self.link.wait_for_peer(self.patience) else {
                                    return Ok(());
                                };
                                none.insert(self.application.recipient(&from, &self.link))
                            }
                        };
                        match assembly.add(message)? {
                            None => {}
                            Some(Assembled::Known(bytes)) => {
                                let room = Room::take(bytes.len(), assembly.held(), &self.link)?;
                                recipient.deliver(bytes, room);
                                has_news = true;
                            }
                            // Its credit is given back, as that of any other.
                            Some(Assembled::Unknown { kind, len }) => {
                                drop(Room::take(len, assembly.held(), &self.link)?);
                                log::warn!(
                                    "skipped a long message of unknown kind {kind} from {}",
                                    self.link.remote()
                                );
                            }
                        }
                        true
                    }
                    message => control(self.link.id(), message),
                };
                if !wanted {
                    return Ok(());
                }
            }
            for kind in self.frames.decoder.take_unknown() {
                log::warn!("skipped messages of unknown kind {kind} from {}", self.link.remote());
            }
            if std::mem::take(&mut has_news)
                && let Some(recipient) = &mut recipient
            {
                recipient.caught_up();
            }
            self.frames.fill(&mut self.stream).map_err(|e| e.to_string())?;
        }
    }
}

fn explain(error: iridium_proto::ProtoError) -> String {
    SessionError::from(error).to_string()
}
