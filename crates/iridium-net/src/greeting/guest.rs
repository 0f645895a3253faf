//! A connection that has not authenticated yet.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use iridium_proto::IridiumMessage;
use mio::net::TcpStream;

use crate::handshake::{Answering, HandshakeFailure, Stage};
use crate::secret::Security;
use crate::session::{Session, SessionError};

/// A connection, and how far it is.
pub(super) struct Guest {
    pub(super) stream: TcpStream,
    pub(super) remote: SocketAddr,
    answering: Answering,
    heard: [u8; Answering::MOST],
    filled: usize,
    /// Whether anything has come at all.
    spoke: bool,
}

/// What came of reading all that there was.
pub(super) enum Progress {
    /// It has not finished a step.
    None,
    /// It has finished a step, and there are others.
    Step,
    /// The first message is here. Only who knows the secret can have sent it.
    Done(IridiumMessage),
}

/// Why a connection ends at this stage.
pub(super) enum Gone {
    /// It closed without sending anything, or nothing but a handshake, as port scanners and health
    /// checks do.
    Silent,
    Refused(HandshakeFailure),
    /// What should have been its first message is none.
    Broken(SessionError),
}

impl Guest {
    pub(super) fn new(stream: TcpStream, remote: SocketAddr) -> Self {
        let heard = [0; Answering::MOST];
        let answering = Answering::new();
        Self { stream, remote, answering, heard, filled: 0, spoke: false }
    }

    /// Goes on as far as it can without waiting.
    pub(super) fn proceed(&mut self, security: &Security) -> Result<Progress, Gone> {
        let mut progress = Progress::None;
        loop {
            let Some(wanted) = self.answering.wants() else {
                return Ok(self.first_message()?.map_or(progress, Progress::Done));
            };
            if !self.fill(wanted)? {
                return Ok(progress);
            }
            let mut answer = Vec::new();
            let taken = self.answering.take(&self.heard[..wanted], security, &mut answer);
            self.filled = 0;
            let sent = self.send(&answer);
            taken.map_err(Gone::Refused)?;
            sent?;
            progress = Progress::Step;
        }
    }

    /// How far it has come.
    pub(super) fn stage(&self) -> Stage {
        self.answering.stage()
    }

    /// The session behind the first message.
    pub(super) fn into_session(self) -> io::Result<Session> {
        let stream = std::net::TcpStream::from(self.stream);
        stream.set_nonblocking(false)?;
        let session = self.answering.into_session(stream);
        session.ok_or_else(|| io::Error::other("the handshake is not over"))
    }

    /// Reads until there are so many bytes. Returns whether there are; no other is read.
    fn fill(&mut self, wanted: usize) -> Result<bool, Gone> {
        while self.filled < wanted {
            let read = self.stream.read(&mut self.heard[self.filled..wanted]);
            match self.outcome(read)? {
                Some(n) => self.filled += n,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn first_message(&mut self) -> Result<Option<IridiumMessage>, Gone> {
        let Some(reader) = self.answering.reader() else { return Ok(None) };
        loop {
            match reader.next_message() {
                Ok(Some(first)) => return Ok(Some(first)),
                Ok(None) => {}
                Err(error) => return Err(Gone::Broken(error)),
            }
            match reader.fill(&mut self.stream) {
                Ok(_) => {}
                Err(SessionError::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(None);
                }
                Err(SessionError::Closed) => return Err(Gone::Silent),
                Err(error) => return Err(Gone::Broken(error)),
            }
        }
    }

    /// How many bytes have come; `None` when it has to be waited for.
    fn outcome(&mut self, read: io::Result<usize>) -> Result<Option<usize>, Gone> {
        match read {
            Ok(0) if !self.spoke => Err(Gone::Silent),
            Ok(0) => Err(Gone::Refused(HandshakeFailure::Closed)),
            Ok(n) => {
                self.spoke = true;
                Ok(Some(n))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Some(0)),
            Err(error) => Err(Gone::Refused(error.into())),
        }
    }

    /// An answer is shorter than any buffer of a socket: who leaves no room for it does not read.
    fn send(&mut self, answer: &[u8]) -> Result<(), Gone> {
        match self.stream.write_all(answer) {
            Ok(()) => Ok(()),
            Err(error) => Err(Gone::Refused(error.into())),
        }
    }
}
