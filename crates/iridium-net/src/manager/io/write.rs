//! What the thread that writes for many links does in the turn of one.

use std::io;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry};

use crate::link::{Outgoing, SendHalf, WriterStep};
use crate::manager::writer::{CLOSED, LINGER, Writer};

use super::thread::{Half, Next, Socket};

/// Batches after which others have their turn. One has at most some 200 KB of data.
const TURN: usize = 2;

/// The sending half of a link.
pub(super) struct WriteHalf {
    writer: Writer,
    /// The socket, to wait until it has room. It is registered when that is first needed.
    room: Option<TcpStream>,
    /// When the link ends, once everything has been sent.
    lingers_until: Option<Instant>,
}

impl WriteHalf {
    pub(super) fn new(writer: Writer) -> Self {
        Self { writer, room: None, lingers_until: None }
    }

    /// Writes what there is, until others are to have their turn; `None` when all is written, and the
    /// link closed.
    fn write(&mut self, socket: Socket<'_>, batch: &mut Vec<Outgoing>) -> io::Result<Option<Next>> {
        if let Some(until) = self.lingers_until {
            return Ok(self.linger(until));
        }
        for _ in 0..TURN {
            match self.writer.try_step(batch) {
                None => return Ok(Some(Next::Later(self.writer.link().outbox().closing()))),
                Some(WriterStep::Batch { mut half, .. }) => {
                    if !half.flush()? {
                        self.wait_for_room(socket, &half)?;
                        let until = self.writer.link().outbox().put_back_full(half)?;
                        return Ok(Some(Next::Later(until)));
                    }
                    self.writer.link().outbox().put_back(half, None);
                }
                Some(WriterStep::Finish(half)) => {
                    half.finish();
                    let until = Instant::now() + LINGER;
                    self.lingers_until = Some(until);
                    return Ok(self.linger(until));
                }
                Some(WriterStep::Aborted) => return Ok(None),
            }
        }
        Ok(Some(Next::Soon))
    }

    fn wait_for_room(&mut self, socket: Socket<'_>, half: &SendHalf) -> io::Result<()> {
        if self.room.is_none() {
            let mut stream = TcpStream::from_std(half.try_clone_stream()?);
            socket.registry.register(&mut stream, socket.token, Interest::WRITABLE)?;
            self.room = Some(stream);
        }
        Ok(())
    }

    /// Gives the other end time to read what was sent.
    fn linger(&self, until: Instant) -> Option<Next> {
        let over = Instant::now() >= until || self.writer.link().outbox().try_wait_for_abort();
        (!over).then_some(Next::Later(Some(until)))
    }
}

impl Half for WriteHalf {
    type Scratch = Vec<Outgoing>;

    fn turn(&mut self, socket: Socket<'_>, batch: &mut Vec<Outgoing>) -> Result<Next, String> {
        match self.write(socket, batch) {
            Ok(Some(next)) => Ok(next),
            Ok(None) => Err(CLOSED.into()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn close(&mut self, registry: &Registry) {
        if let Some(stream) = &mut self.room {
            // If that fails, it was not waited for.
            let _ = registry.deregister(stream);
        }
    }

    fn end(self, why: String) {
        self.writer.end(&why);
    }
}
