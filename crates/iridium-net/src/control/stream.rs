//! A stream between a control client and the application of a node. The two
//! directions are independent: one thread may send while another receives.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use iridium_proto::{ControlReply, ControlRequest, IridiumMessage, MAX_FRAME_ADMITTED, ProtoError};

use crate::error::StreamError;
use crate::session::{FrameReader, FrameWriter, Session, SessionError};

use super::long_blocks::{LongBlocks, SHORT, Turn};

/// How long the other end may take to read a chunk before it is cut off.
const READ_WITHIN: Duration = Duration::from_secs(10);
/// Bytes that must be read in that time.
const CHUNK: usize = 64 * 1024;
/// How often a send that makes no progress checks whether the node is stopping.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// How often it is looked whether a long block comes too slowly.
const LOOK: Duration = Duration::from_secs(1);
/// How long a receive whose deadline has passed still waits.
const MIN_POLL: Duration = Duration::from_millis(1);
/// Longest block of bytes: a frame without its kind.
const MAX_DATA: usize = MAX_FRAME_ADMITTED - 1;

/// One end of a stream between a control client and the application of a node:
/// blocks of bytes that arrive as they were sent, in order.
#[derive(Debug)]
#[must_use]
pub struct ControlStream {
    sender: ControlSender,
    receiver: ControlReceiver,
}

impl ControlStream {
    /// `stopping` is set when the node stops. Long blocks come in turn with those of other streams that have
    /// the same `long_blocks`.
    pub(crate) fn new(
        session: Session,
        stopping: Arc<AtomicBool>,
        long_blocks: Arc<LongBlocks>,
    ) -> io::Result<Self> {
        let Session { mut reader, writer, stream } = session;
        // The other end has the cluster's secret, or this end has chosen whom it dials.
        reader.decoder.set_cap(MAX_FRAME_ADMITTED);
        let sending = stream.try_clone()?;
        sending.set_write_timeout(Some(POLL_INTERVAL))?;
        let sender = ControlSender { frames: writer, stream: sending, stopping, ended: false };
        let (turn, ended) = (None, false);
        let receiver = ControlReceiver { frames: reader, stream, long_blocks, turn, ended };
        Ok(Self { sender, receiver })
    }

    /// See [`ControlSender::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.sender.send(bytes)
    }

    /// See [`ControlReceiver::receive`].
    ///
    /// # Errors
    /// As there.
    pub fn receive(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>, StreamError> {
        self.receiver.receive(deadline)
    }

    /// See [`ControlSender::end`].
    ///
    /// # Errors
    /// As there.
    pub fn end(&mut self) -> Result<(), StreamError> {
        self.sender.end()
    }

    /// At the node: refuses the request for that reason, and ends this side. The
    /// client's next `receive` fails with [`StreamError::Failed`].
    ///
    /// # Errors
    /// As [`ControlSender::send`].
    pub fn fail(&mut self, why: &str) -> Result<(), StreamError> {
        self.sender.finish_with(&IridiumMessage::ControlReply(ControlReply::Failed(why.into())))
    }

    /// What was received last is handled, which the next [`receive`](Self::receive) says as well. At a node,
    /// a client whose block is longer than 256 KiB keeps those of others waiting until then.
    pub fn handled(&mut self) {
        self.receiver.turn = None;
    }

    /// The two directions, for two threads.
    pub fn split(&mut self) -> (&mut ControlSender, &mut ControlReceiver) {
        (&mut self.sender, &mut self.receiver)
    }

    /// The two directions, for two threads that outlive the caller. The
    /// connection closes when both have been dropped.
    pub fn into_split(self) -> (ControlSender, ControlReceiver) {
        (self.sender, self.receiver)
    }

    /// Sends a message outside of a stream.
    pub(crate) fn send_message(&mut self, message: &IridiumMessage) -> Result<(), StreamError> {
        self.sender.write(message)
    }

    /// Waits for a message outside of a stream.
    pub(crate) fn receive_message(
        &mut self,
        deadline: Instant,
    ) -> Result<IridiumMessage, StreamError> {
        self.receiver.next(deadline)
    }

    /// Starts another stream on the same connection.
    pub(crate) fn reopen(&mut self) {
        (self.sender.ended, self.receiver.ended) = (false, false);
    }

    /// Ends this side, then skips what the other end still sends until it has ended
    /// its own.
    pub(crate) fn finish(&mut self, deadline: Instant) -> Result<(), StreamError> {
        self.sender.end()?;
        while self.receiver.receive(deadline)?.is_some() {}
        Ok(())
    }

    pub(super) fn open(&mut self, request: Vec<u8>) -> Result<(), StreamError> {
        self.send_message(&IridiumMessage::ControlRequest(ControlRequest::Application(request)))
    }
}

impl Drop for ControlReceiver {
    fn drop(&mut self) {
        // The other direction stays open until it is dropped.
        let _ = self.stream.shutdown(Shutdown::Read);
    }
}

/// The sending half of a [`ControlStream`].
#[derive(Debug)]
#[must_use]
pub struct ControlSender {
    frames: FrameWriter,
    stream: TcpStream,
    stopping: Arc<AtomicBool>,
    ended: bool,
}

impl ControlSender {
    /// Sends a block of at most 16 MiB - 1 bytes and waits until the system has
    /// taken it. An end that does not read 64 KiB within 10 s is cut off.
    ///
    /// # Errors
    /// [`StreamError::Closed`] also after [`end`](Self::end), and at a node that
    /// stops; [`StreamError::NotRead`], [`StreamError::TooLong`].
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        let (len, cap) = (bytes.len(), MAX_DATA);
        if len > cap {
            return Err(StreamError::TooLong { len, cap });
        }
        if self.ended || self.stopping.load(Ordering::Acquire) {
            return Err(StreamError::Closed);
        }
        let kind = IridiumMessage::ControlData(Vec::new()).kind();
        self.frames.push_head(kind, len).map_err(broken)?;
        // Not copied as a whole: the other end may read it slowly.
        for part in bytes.chunks(CHUNK) {
            self.frames.push_part(part);
            self.flush()?;
        }
        self.flush()
    }

    /// Ends this side: the other end's `receive` returns `None`. To end it again does
    /// nothing.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn end(&mut self) -> Result<(), StreamError> {
        self.finish_with(&IridiumMessage::ControlEnd)
    }

    fn finish_with(&mut self, message: &IridiumMessage) -> Result<(), StreamError> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        self.write(message)
    }

    fn write(&mut self, message: &IridiumMessage) -> Result<(), StreamError> {
        // A stream that is cut off must not look like one that has ended, but the
        // answer to the request to leave is still sent.
        let answer = matches!(message, IridiumMessage::ControlReply(_));
        if self.stopping.load(Ordering::Acquire) && !answer {
            return Err(StreamError::Closed);
        }
        self.frames.push(message).map_err(broken)?;
        self.flush()
    }

    /// Waits until the system has taken all.
    fn flush(&mut self) -> Result<(), StreamError> {
        self.frames.seal();
        // One part: a message is in place only if it was pushed so.
        let wire = self.frames.unsent().next().unwrap_or_default();
        let written = wire
            .chunks(CHUNK)
            .try_for_each(|chunk| write_within(&self.stream, chunk, READ_WITHIN, &self.stopping));
        let len = wire.len();
        self.frames.mark_sent(len);
        if written.is_err() {
            // A part of a record may have been sent: the other end could not decrypt the rest.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
        written
    }
}

fn write_within(
    mut stream: &TcpStream,
    mut bytes: &[u8],
    timeout: Duration,
    stopping: &AtomicBool,
) -> Result<(), StreamError> {
    let deadline = Instant::now() + timeout;
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(StreamError::Closed),
            Ok(n) => bytes = &bytes[n..],
            Err(e) => match e.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                    if stopping.load(Ordering::Acquire) {
                        return Err(StreamError::Closed);
                    }
                    if Instant::now() >= deadline {
                        return Err(StreamError::NotRead);
                    }
                }
                _ => return Err(StreamError::Closed),
            },
        }
    }
    Ok(())
}

/// The receiving half of a [`ControlStream`].
#[derive(Debug)]
#[must_use]
pub struct ControlReceiver {
    frames: FrameReader,
    stream: TcpStream,
    long_blocks: Arc<LongBlocks>,
    /// Of the block that comes, or was received last, if it is long.
    turn: Option<Turn>,
    ended: bool,
}

impl ControlReceiver {
    /// The next block, or `None` when the other end has ended its side. Also after the
    /// deadline, what has come by now is received.
    ///
    /// # Errors
    /// [`StreamError::TimedOut`] at the deadline, after which one may go on;
    /// [`StreamError::Closed`] when the connection ended before the
    /// stream did, or the node stops; [`StreamError::Failed`],
    /// [`StreamError::Broken`].
    pub fn receive(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>, StreamError> {
        if self.ended {
            return Ok(None);
        }
        match self.next(deadline)? {
            IridiumMessage::ControlData(bytes) => Ok(Some(bytes)),
            IridiumMessage::ControlEnd => {
                self.ended = true;
                Ok(None)
            }
            IridiumMessage::ControlReply(ControlReply::Failed(why)) => {
                self.ended = true;
                Err(StreamError::Failed(why))
            }
            other => Err(StreamError::Broken(format!("it sent {}", other.name()))),
        }
    }

    fn next(&mut self, deadline: Instant) -> Result<IridiumMessage, StreamError> {
        let mut polled = false;
        if self.frames.decoder.unfinished().1 == 0 {
            self.turn = None;
        }
        loop {
            let next = self.frames.next_message();
            if let Some(message) = next.map_err(|error| StreamError::Broken(error.to_string()))? {
                return Ok(message);
            }
            self.take_turn(deadline)?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() && polled {
                return Err(StreamError::TimedOut);
            }
            // Polls at least once: a caller whose deadline has passed wants to know what has come,
            // and whether the other end has disconnected.
            let left = left.max(MIN_POLL);
            // Others may come to wait for one that says no more.
            let left = if self.turn.is_some() { left.min(LOOK) } else { left };
            polled = true;
            let asked = self.stream.set_read_timeout(Some(left)).map_err(SessionError::from);
            match asked.and_then(|()| self.frames.fill(&mut self.stream)) {
                Ok(_) => {}
                Err(SessionError::Io(e)) if is_timeout(&e) => {}
                Err(SessionError::Closed | SessionError::Io(_)) => return Err(StreamError::Closed),
                Err(error) => return Err(StreamError::Broken(error.to_string())),
            }
        }
    }
}

impl ControlReceiver {
    /// Waits until it is the turn of a long block of which a part has come.
    fn take_turn(&mut self, deadline: Instant) -> Result<(), StreamError> {
        let (come, len) = self.frames.decoder.unfinished();
        if len <= SHORT {
            return Ok(());
        }
        match &self.turn {
            None => self.turn = Some(self.long_blocks.wait(deadline).ok_or(StreamError::TimedOut)?),
            Some(turn) if turn.is_late(come, Instant::now()) => {
                let why = "its long block comes too slowly, and others wait";
                return Err(StreamError::Broken(why.into()));
            }
            Some(_) => {}
        }
        Ok(())
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn broken(error: ProtoError) -> StreamError {
    StreamError::Broken(error.to_string())
}
