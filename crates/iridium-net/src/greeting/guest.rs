//! A connection that has not authenticated yet.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use mio::net::TcpStream;

use crate::handshake::{Answering, HandshakeFailure};
use crate::secret::Security;
use crate::session::Session;

/// A connection, and how far its handshake is.
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
    /// The handshake is over, and the first frame has begun.
    Done,
}

/// Why a connection ends at this stage.
pub(super) enum Gone {
    /// It closed without sending anything, as port scanners and health checks do.
    Silent,
    Refused(HandshakeFailure),
}

impl Guest {
    pub(super) fn new(stream: TcpStream, remote: SocketAddr) -> Self {
        let heard = [0; Answering::MOST];
        Self { stream, remote, answering: Answering::new(), heard, filled: 0, spoke: false }
    }

    /// Goes on as far as it can without waiting.
    pub(super) fn proceed(&mut self, security: &Security) -> Result<Progress, Gone> {
        let mut progress = Progress::None;
        loop {
            let Some(wanted) = self.answering.wants() else {
                return Ok(if self.has_more()? { Progress::Done } else { progress });
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

    /// Whether it has said what it speaks.
    pub(super) fn is_introduced(&self) -> bool {
        self.answering.is_introduced()
    }

    /// The session, whose first frame is to be read.
    pub(super) fn into_session(self) -> io::Result<Session> {
        let stream = std::net::TcpStream::from(self.stream);
        stream.set_nonblocking(false)?;
        Ok(self.answering.into_session(stream))
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

    fn has_more(&mut self) -> Result<bool, Gone> {
        let peeked = self.stream.peek(&mut [0]);
        Ok(self.outcome(peeked)?.is_some())
    }

    /// How many bytes have come; `None` when it has to be waited for.
    fn outcome(&mut self, read: io::Result<usize>) -> Result<Option<usize>, Gone> {
        match read {
            // After the handshake, somebody who looks whether the node is there.
            Ok(0) if !self.spoke || self.answering.wants().is_none() => Err(Gone::Silent),
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
