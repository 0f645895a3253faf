//! What the thread that reads for many links does in the turn of one.

use mio::net::TcpStream;
use mio::{Interest, Registry};

use crate::manager::reader::{Reader, Wanted};
use crate::session::ReadBuffer;

use super::thread::{Half, Next, Socket};

/// Bytes after which others have their turn. A read may bring up to twice as many.
const TURN: usize = 64 * 1024;

/// The receiving half of a link.
pub(super) struct ReadHalf {
    reader: Reader,
    stream: TcpStream,
    registered: bool,
}

impl ReadHalf {
    pub(super) fn new(reader: Reader, stream: std::net::TcpStream) -> Self {
        Self { reader, stream: TcpStream::from_std(stream), registered: false }
    }

    /// Reads and handles what there is, until others are to have their turn.
    fn read(&mut self) -> Result<Next, String> {
        let mut count = 0;
        loop {
            match self.reader.handle()? {
                Wanted::Bytes => {}
                Wanted::Decision(until) => return Ok(Next::Later(Some(until))),
                // Its bell rings. Until then nothing is read, and the system stops the other end.
                Wanted::Share => return Ok(Next::Later(None)),
            }
            if count >= TURN {
                return Ok(Next::Soon);
            }
            match self.reader.try_fill(&mut self.stream)? {
                Some(more) => count += more,
                None => return Ok(Next::Later(None)),
            }
        }
    }
}

impl Half for ReadHalf {
    type Scratch = ReadBuffer;

    fn turn(&mut self, socket: Socket<'_>, buffer: &mut ReadBuffer) -> Result<Next, String> {
        if !self.registered {
            let Socket { registry, token } = socket;
            let registered = registry.register(&mut self.stream, token, Interest::READABLE);
            registered.map_err(|error| error.to_string())?;
            self.registered = true;
        }
        self.reader.lend(buffer);
        let next = self.read();
        self.reader.reclaim(buffer);
        next
    }

    fn close(&mut self, registry: &Registry) {
        // If that fails, it was not waited for.
        let _ = registry.deregister(&mut self.stream);
    }

    fn end(self, why: String) {
        self.reader.end(&why);
    }
}
