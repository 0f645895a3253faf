//! A conversation between a control client and the application of a node. The
//! two directions are independent: one thread may send while another receives.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use iridium_proto::{ControlReply, ControlRequest, IridiumMessage, MAX_FRAME_ADMITTED, ProtoError};

use crate::error::StreamError;
use crate::session::{FrameReader, FrameWriter, Session, SessionError};

/// How long the other end may take to read what is sent before it is cut off.
const READ_WITHIN: Duration = Duration::from_secs(10);
/// How much of what is sent must be read in that time.
const CHUNK: usize = 64 * 1024;
/// How often a send that does not get on looks whether the node stops.
const LOOK_UP: Duration = Duration::from_millis(250);
/// How long a look at what has come by now takes at most.
const GLANCE: Duration = Duration::from_millis(1);
/// Longest block of bytes: a frame without its kind.
const MAX_DATA: usize = MAX_FRAME_ADMITTED - 1;

/// A conversation between a control client and a node, in blocks of bytes that
/// arrive as they were sent, in order. Either end of it.
pub struct ControlStream {
    sender: ControlSender,
    receiver: ControlReceiver,
}

impl ControlStream {
    /// `over` is set when the node stops.
    pub(crate) fn new(session: Session, over: Arc<AtomicBool>) -> io::Result<Self> {
        let Session { mut reader, writer, stream } = session;
        // It has the cluster's secret, or this end has chosen whom it speaks to.
        reader.decoder.set_cap(MAX_FRAME_ADMITTED);
        let sending = stream.try_clone()?;
        sending.set_write_timeout(Some(LOOK_UP))?;
        let sender = ControlSender { frames: writer, stream: sending, over, ended: false };
        let receiver = ControlReceiver { frames: reader, stream, ended: false };
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

    /// At the node: ends its side with the reason why it does not answer. The
    /// client's next `receive` gives [`StreamError::Failed`].
    ///
    /// # Errors
    /// As [`ControlSender::send`].
    pub fn fail(&mut self, why: &str) -> Result<(), StreamError> {
        self.sender.finish_with(&IridiumMessage::ControlReply(ControlReply::Failed(why.into())))
    }

    /// The two directions, for two threads.
    pub fn split(&mut self) -> (&mut ControlSender, &mut ControlReceiver) {
        (&mut self.sender, &mut self.receiver)
    }

    /// The two directions, for two threads that outlive the caller. The
    /// connection closes when both have been dropped.
    #[must_use]
    pub fn into_split(self) -> (ControlSender, ControlReceiver) {
        (self.sender, self.receiver)
    }

    /// Says something outside of a conversation.
    pub(crate) fn say(&mut self, message: &IridiumMessage) -> Result<(), StreamError> {
        self.sender.write(message)
    }

    /// Waits for what is said outside of a conversation.
    pub(crate) fn hear(&mut self, deadline: Instant) -> Result<IridiumMessage, StreamError> {
        self.receiver.next(deadline)
    }

    /// Begins another conversation on the same connection.
    pub(crate) fn reopen(&mut self) {
        (self.sender.ended, self.receiver.ended) = (false, false);
    }

    /// Ends this side, then reads what the other end still has to say until it
    /// has ended its own.
    pub(crate) fn finish(&mut self, deadline: Instant) -> Result<(), StreamError> {
        self.sender.end()?;
        while self.receiver.receive(deadline)?.is_some() {}
        Ok(())
    }

    pub(super) fn ask(&mut self, request: Vec<u8>) -> Result<(), StreamError> {
        self.say(&IridiumMessage::ControlRequest(ControlRequest::Application(request)))
    }
}

impl Drop for ControlReceiver {
    fn drop(&mut self) {
        // Nobody reads any more. The other direction goes on until it is dropped.
        let _ = self.stream.shutdown(Shutdown::Read);
    }
}

/// The sending half of a [`ControlStream`].
pub struct ControlSender {
    frames: FrameWriter,
    stream: TcpStream,
    over: Arc<AtomicBool>,
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
        if self.ended {
            return Err(StreamError::Closed);
        }
        self.write(&IridiumMessage::ControlData(bytes.to_vec()))
    }

    /// Says that nothing more comes from this end: the other one's `receive`
    /// gives `None`. To do so again does nothing.
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
        // A conversation cut short must not look like one that has ended, but
        // the answer to the request to leave is still given.
        let answer = matches!(message, IridiumMessage::ControlReply(_));
        if self.over.load(Ordering::Acquire) && !answer {
            return Err(StreamError::Closed);
        }
        self.frames.push(message).map_err(broken)?;
        self.frames.seal().map_err(|e| StreamError::Broken(e.to_string()))?;
        let wire = self.frames.unsent();
        let written = wire
            .chunks(CHUNK)
            .try_for_each(|chunk| write_within(&self.stream, chunk, READ_WITHIN, &self.over));
        let len = wire.len();
        self.frames.sent(len);
        if written.is_err() {
            // A part may have gone: the other end could make nothing of the rest.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
        written
    }
}

fn write_within(
    mut stream: &TcpStream,
    mut bytes: &[u8],
    patience: Duration,
    over: &AtomicBool,
) -> Result<(), StreamError> {
    let deadline = Instant::now() + patience;
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(StreamError::Closed),
            Ok(n) => bytes = &bytes[n..],
            Err(e) => match e.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                    if over.load(Ordering::Acquire) {
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
pub struct ControlReceiver {
    frames: FrameReader,
    stream: TcpStream,
    ended: bool,
}

impl ControlReceiver {
    /// The next block, or `None` when the other end has no more to say. After the deadline too it
    /// is looked once, for a moment, what has come by now.
    ///
    /// # Errors
    /// [`StreamError::TimedOut`] at the deadline, after which one may go on;
    /// [`StreamError::Closed`] when the connection ended before the
    /// conversation did, or the node stops; [`StreamError::Failed`],
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
            other => Err(StreamError::Broken(format!("it said {}", other.name()))),
        }
    }

    fn next(&mut self, deadline: Instant) -> Result<IridiumMessage, StreamError> {
        let mut looked = false;
        loop {
            if let Some(message) = self.frames.decoder.next_message().map_err(broken)? {
                return Ok(message);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() && looked {
                return Err(StreamError::TimedOut);
            }
            // Looks at least once: who asks with a deadline that is over wants to know what has
            // come, and above all whether the other end has gone.
            let left = left.max(GLANCE);
            looked = true;
            let asked = self.stream.set_read_timeout(Some(left)).map_err(SessionError::from);
            match asked.and_then(|()| self.frames.fill(&mut self.stream)) {
                Ok(()) => {}
                Err(SessionError::Io(e)) if is_timeout(&e) => {}
                Err(SessionError::Closed | SessionError::Io(_)) => return Err(StreamError::Closed),
                Err(error) => return Err(StreamError::Broken(error.to_string())),
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn broken(error: ProtoError) -> StreamError {
    StreamError::Broken(error.to_string())
}
