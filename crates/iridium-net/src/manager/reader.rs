//! The receiving side of a link: control messages go to the owner, data straight to the application.
//! It does not wait: that is done by a thread of the link's own, here, or by the one that reads for
//! many links.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use iridium_proto::IridiumMessage;

use crate::application::{Application, Recipient};
use crate::link::{Admission, Assembled, Assembly, ClusterClient, WindowPermit};
use crate::membership::Input;
use crate::session::{FrameReader, ReadBuffer, SessionError};

use super::command::Command;
use super::shared::Shared;

pub(super) struct Reader {
    link: Arc<ClusterClient>,
    frames: FrameReader,
    commands: Sender<Command>,
    application: Arc<dyn Application>,
    shared: Arc<Shared>,
    /// How long the owner may take to decide whether this connection becomes a link.
    timeout: Duration,
    /// The first data, while it waits for that.
    undecided: Option<IridiumMessage>,
    /// Until when it does.
    decide_by: Option<Instant>,
    assembly: Assembly,
    /// Who takes the data, once some has come.
    recipient: Option<Box<dyn Recipient>>,
    /// Whether anything was delivered since the recipient was last told that it has caught up.
    delivered: bool,
    /// Whether the link has used up its share of the owner's time, when that was last looked at.
    held_up: bool,
    /// The kinds of long messages that were skipped.
    skipped: Vec<u8>,
    /// Nothing is handled any more, but still read: closing a socket with unread bytes would discard
    /// what the writer has sent last. The writer aborts the link in the end, which ends this too.
    over: bool,
}

/// What a reader waits for when it has handled everything.
pub(super) enum Wanted {
    /// More bytes.
    Bytes,
    /// The decision whether this connection becomes a link, until then at the latest.
    Decision(Instant),
    /// That the owner handles what the link has brought.
    Share,
}

/// What became of a message.
enum Taken {
    Yes,
    /// It is data, and whether this connection becomes a link is to be decided until then.
    Undecided(IridiumMessage, Instant),
    /// Nobody handles messages of this connection any more.
    No,
}

impl Reader {
    pub(super) fn new(
        link: Arc<ClusterClient>,
        frames: FrameReader,
        commands: Sender<Command>,
        application: Arc<dyn Application>,
        shared: Arc<Shared>,
        timeout: Duration,
    ) -> Self {
        let assembly = Assembly::new(link.id(), shared.room.clone());
        Self {
            link,
            frames,
            commands,
            application,
            shared,
            timeout,
            undecided: None,
            decide_by: None,
            assembly,
            recipient: None,
            delivered: false,
            held_up: false,
            skipped: Vec::new(),
            over: false,
        }
    }

    /// The link that it reads for.
    pub(super) fn link(&self) -> &Arc<ClusterClient> {
        &self.link
    }

    /// What is not as it must be between two messages, if anything.
    pub(super) fn flaw(&self) -> Option<&'static str> {
        self.assembly.flaw()
    }

    /// Reads on a thread of its own until the connection ends.
    pub(super) fn run(mut self, mut stream: &TcpStream) {
        self.frames.widen();
        let why = loop {
            match self.handle() {
                Ok(Wanted::Bytes) => {
                    if let Err(error) = self.frames.fill(&mut stream) {
                        break error.to_string();
                    }
                }
                Ok(Wanted::Decision(until)) => self.link.gate().wait_for_admission(until),
                Ok(Wanted::Share) => self.link.gate().wait_for_share(),
                Err(why) => break why,
            }
        };
        self.end(&why);
    }

    /// Reads once what there is. Returns how many bytes that were; `None` when there are none yet.
    ///
    /// # Errors
    /// Why the connection has ended.
    pub(super) fn try_fill(&mut self, stream: &mut impl Read) -> Result<Option<usize>, String> {
        match self.frames.fill(stream) {
            Ok(count) => Ok(Some(count)),
            Err(SessionError::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Lends it memory for its turn.
    pub(super) fn lend(&mut self, buffer: &mut ReadBuffer) {
        self.frames.lend(buffer);
    }

    /// Takes the memory back that it does not need until its next turn.
    pub(super) fn reclaim(&mut self, buffer: &mut ReadBuffer) {
        self.frames.reclaim(buffer);
    }

    /// Handles all messages that have come, as far as the owner keeps up.
    ///
    /// # Errors
    /// Why the connection is to end.
    pub(super) fn handle(&mut self) -> Result<Wanted, String> {
        let wanted = self.handle_all()?;
        self.report_unknown();
        if std::mem::take(&mut self.delivered)
            && let Some(recipient) = &mut self.recipient
        {
            self.link.outbox().note_heard();
            recipient.caught_up();
        }
        Ok(wanted)
    }

    fn handle_all(&mut self) -> Result<Wanted, String> {
        self.held_up = self.held_up && !self.link.gate().has_share();
        while !self.held_up {
            let Some(message) = self.next_message()? else { return Ok(Wanted::Bytes) };
            let taken = match message {
                IridiumMessage::Credit(bytes) => {
                    self.link.outbox().add_credit(bytes);
                    Taken::Yes
                }
                IridiumMessage::Grant(transfer) => {
                    self.link.outbox().grant(transfer);
                    Taken::Yes
                }
                IridiumMessage::Wait(transfer) => {
                    self.link.outbox().tell_to_wait(transfer);
                    Taken::Yes
                }
                _ if self.over => Taken::Yes,
                message if message.is_data() => self.deliver(message)?,
                message => self.control(message),
            };
            match taken {
                Taken::Yes => {}
                Taken::Undecided(message, until) => {
                    self.undecided = Some(message);
                    return Ok(Wanted::Decision(until));
                }
                Taken::No => {
                    self.link.close();
                    self.over = true;
                }
            }
        }
        Ok(Wanted::Share)
    }

    /// The connection has ended, or is to.
    pub(super) fn end(self, why: &str) {
        self.link.abort();
        self.shared.room.forget(self.link.id());
        log::debug!("the connection to {} ended: {why}", self.link.remote());
        // The owner may have ended before.
        let _ = self.commands.send(Command::Input(Input::Closed { conn: self.link.id() }));
    }

    fn next_message(&mut self) -> Result<Option<IridiumMessage>, String> {
        if self.undecided.is_some() {
            return Ok(self.undecided.take());
        }
        self.frames.next_message().map_err(|error| error.to_string())
    }

    fn control(&mut self, message: IridiumMessage) -> Taken {
        log::trace!("from {}: {}", self.link.remote_ip(), message.name());
        let (place, has_share) = self.link.gate().place(&message);
        self.held_up = !has_share;
        let conn = self.link.id();
        match self.commands.send(Command::Message { conn, message, place }) {
            Ok(()) => Taken::Yes,
            Err(_) => Taken::No,
        }
    }

    /// Takes in a data message, a piece of one, or what a long one is asked for with.
    fn deliver(&mut self, message: IridiumMessage) -> Result<Taken, String> {
        let recipient = match &mut self.recipient {
            Some(recipient) => recipient,
            none => match (self.link.gate().admission(), self.link.peer()) {
                (Admission::Admitted, Some(from)) => {
                    none.insert(self.application.recipient(from, &self.link))
                }
                (Admission::Pending, _) => {
                    let now = Instant::now();
                    let until = *self.decide_by.get_or_insert_with(|| now + self.timeout);
                    return Ok(match now < until {
                        true => Taken::Undecided(message, until),
                        false => Taken::No,
                    });
                }
                _ => return Ok(Taken::No),
            },
        };
        let (held, link) = (self.assembly.held(), &self.link);
        match message {
            IridiumMessage::Deliver(bytes) | IridiumMessage::Signal(bytes) => {
                let permit = WindowPermit::take(bytes.len(), None, held, link)?;
                recipient.deliver(bytes, permit);
                self.delivered = true;
            }
            IridiumMessage::Want(want) => self.shared.room.ask(link, want)?,
            IridiumMessage::Piece(piece) => match self.assembly.add(&piece)? {
                None => {}
                Some(Assembled::Known(bytes, grant)) => {
                    let held = self.assembly.held();
                    let permit = WindowPermit::take(bytes.len(), Some(grant), held, link)?;
                    recipient.deliver(bytes, permit);
                    self.delivered = true;
                }
                Some(Assembled::Unknown { kind, len }) => self.skip(kind, len)?,
            },
            _ => return Err("a message that is not data".into()),
        }
        Ok(Taken::Yes)
    }

    /// Skips a long message of a kind that this build does not know.
    fn skip(&mut self, kind: u8, len: usize) -> Result<(), &'static str> {
        // The sender gets its credit back, as for any other.
        drop(WindowPermit::take(len, None, self.assembly.held(), &self.link)?);
        let is_new = !self.skipped.contains(&kind);
        if is_new && let Some(left_out) = self.shared.log_limits.admit("unknown long kind") {
            self.skipped.push(kind);
            let from = self.link.remote();
            log::warn!("skipped long messages of unknown kind {kind} from {from}{left_out}");
        }
        Ok(())
    }

    /// Logs the kinds of messages that were skipped.
    fn report_unknown(&mut self) {
        for kind in self.frames.decoder.take_unknown() {
            if let Some(left_out) = self.shared.log_limits.admit("unknown kind") {
                let from = self.link.remote();
                log::warn!("skipped messages of unknown kind {kind} from {from}{left_out}");
            }
        }
    }
}
