//! The reader of a link: control messages go to the owner, data straight to the application.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use iridium_proto::{IridiumMessage, ProtoError};

use crate::application::{Application, Recipient};
use crate::link::{Assembled, Assembly, ClusterClient, WindowPermit};
use crate::session::{FrameReader, SessionError};

use super::shared::Shared;

pub(super) struct Reader {
    link: Arc<ClusterClient>,
    frames: FrameReader,
    stream: TcpStream,
    application: Arc<dyn Application>,
    shared: Arc<Shared>,
    /// How long the owner may take to decide whether this connection becomes a link.
    timeout: Duration,
    assembly: Assembly,
    /// Who takes the data, once some has come.
    recipient: Option<Box<dyn Recipient>>,
    /// Whether anything was delivered since the recipient was last told that it has caught up.
    delivered: bool,
    /// The kinds of long messages that were skipped.
    skipped: Vec<u8>,
}

impl Reader {
    pub(super) fn new(
        link: Arc<ClusterClient>,
        frames: FrameReader,
        stream: TcpStream,
        application: Arc<dyn Application>,
        shared: Arc<Shared>,
        timeout: Duration,
    ) -> Self {
        Self {
            link,
            frames,
            stream,
            application,
            shared,
            timeout,
            assembly: Assembly::default(),
            recipient: None,
            delivered: false,
            skipped: Vec::new(),
        }
    }

    /// The link that it reads for.
    pub(super) fn link(&self) -> &Arc<ClusterClient> {
        &self.link
    }

    /// Reads until the connection ends, and returns the reason. Control messages
    /// go to `control`, which returns whether the owner is still there.
    pub(super) fn run(mut self, control: impl Fn(IridiumMessage) -> bool) -> String {
        let why = match self.read_all(&control) {
            Ok(()) => {
                self.link.close();
                self.drain()
            }
            Err(error) => error,
        };
        self.link.abort();
        self.shared.unfinished.forget(self.link.id());
        why
    }

    /// Goes on reading although nothing is handled any more: closing a socket with
    /// unread bytes would discard what the writer has sent last. The writer aborts
    /// the link in the end, which ends this too.
    fn drain(&mut self) -> String {
        loop {
            if let Err(error) = self.frames.fill(&mut self.stream) {
                return error.to_string();
            }
            while let Ok(Some(_)) = self.frames.decoder.next_message() {}
        }
    }

    fn read_all(&mut self, control: &impl Fn(IridiumMessage) -> bool) -> Result<(), String> {
        loop {
            while let Some(message) = self.frames.decoder.next_message().map_err(explain)? {
                let goes_on = match message {
                    IridiumMessage::Credit(bytes) => {
                        self.link.outbox().add_credit(bytes);
                        true
                    }
                    message if message.is_data() => self.deliver(message)?,
                    message => control(message),
                };
                if !goes_on {
                    return Ok(());
                }
            }
            for kind in self.frames.decoder.take_unknown() {
                if let Some(left_out) = self.shared.log_limits.admit("unknown kind") {
                    let from = self.link.remote();
                    log::warn!("skipped messages of unknown kind {kind} from {from}{left_out}");
                }
            }
            if std::mem::take(&mut self.delivered)
                && let Some(recipient) = &mut self.recipient
            {
                recipient.caught_up();
            }
            self.frames.fill(&mut self.stream).map_err(|e| e.to_string())?;
        }
    }

    /// Takes in a data message or a piece of one. Returns whether this connection is a link.
    fn deliver(&mut self, message: IridiumMessage) -> Result<bool, String> {
        let recipient = match &mut self.recipient {
            Some(recipient) => recipient,
            none => {
                let Some(from) = self.link.wait_for_peer(self.timeout) else { return Ok(false) };
                none.insert(self.application.recipient(&from, &self.link))
            }
        };
        let held = self.assembly.held();
        let assembled = self.assembly.add(message)?;
        if self.assembly.held() != held {
            note_unfinished(&self.shared, &self.link, &self.assembly)?;
        }
        match assembled {
            None => {}
            Some(Assembled::Known(bytes)) => {
                let permit = WindowPermit::take(bytes.len(), self.assembly.held(), &self.link)?;
                recipient.deliver(bytes, permit);
                self.delivered = true;
            }
            Some(Assembled::Unknown { kind, len }) => {
                // The sender gets its credit back, as for any other.
                drop(WindowPermit::take(len, self.assembly.held(), &self.link)?);
                let is_new = !self.skipped.contains(&kind);
                if is_new && let Some(left_out) = self.shared.log_limits.admit("unknown long kind")
                {
                    self.skipped.push(kind);
                    let from = self.link.remote();
                    log::warn!(
                        "skipped long messages of unknown kind {kind} from {from}{left_out}"
                    );
                }
            }
        }
        Ok(true)
    }
}

/// Closes a link when too much waits on all of them to be complete; an error if it is this one.
fn note_unfinished(
    shared: &Shared,
    link: &Arc<ClusterClient>,
    assembly: &Assembly,
) -> Result<(), String> {
    let (bytes, since) = (assembly.memory(), assembly.oldest());
    let Some(oldest) = shared.unfinished.note(link.id(), link, bytes, since) else { return Ok(()) };
    if let Some(left_out) = shared.log_limits.admit("unfinished") {
        log::warn!(
            "closed the link to {}: too much of long messages waits on all links to be complete, \
             and its oldest has waited longest{left_out}",
            oldest.remote()
        );
    }
    oldest.abort();
    match oldest.id() == link.id() {
        true => Err("its long messages stay unfinished".into()),
        false => Ok(()),
    }
}

fn explain(error: ProtoError) -> String {
    SessionError::from(error).to_string()
}
