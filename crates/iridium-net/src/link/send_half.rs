//! The sending half of a connection. It belongs to one thread at a time: to the
//! link's writer, or to a sender that finds it free and writes at once. It is
//! handed over through the outbox, so nobody holds a lock while writing.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use iridium_proto::IridiumMessage;

use crate::session::FrameWriter;

/// How often a write that does not get on looks whether the link was given up.
const LOOK_UP: Duration = Duration::from_millis(250);

pub(crate) struct SendHalf {
    frames: FrameWriter,
    stream: TcpStream,
}

impl SendHalf {
    pub(crate) fn new(frames: FrameWriter, stream: TcpStream) -> io::Result<Self> {
        stream.set_write_timeout(Some(LOOK_UP))?;
        Ok(Self { frames, stream })
    }

    /// Whether something was sealed that the system has not taken yet.
    pub(crate) fn has_unsent(&self) -> bool {
        !self.frames.unsent().is_empty()
    }

    /// Adds a message to what is sealed next.
    pub(crate) fn push(&mut self, message: &IridiumMessage) {
        if let Err(error) = self.frames.push(message) {
            log::error!("a {} message was not sent: {error}", message.name());
        }
    }

    /// Seals and sends as much as the system takes at once.
    pub(crate) fn send_some(&mut self) -> io::Result<()> {
        self.frames.seal()?;
        match send_without_waiting(&self.stream, self.frames.unsent()) {
            Ok(n) => self.frames.sent(n),
            Err(e) if is_pause(&e) => {}
            Err(e) => return Err(e),
        }
        Ok(())
    }

    /// Seals and sends everything, unless the link is over before.
    pub(crate) fn send_all(&mut self, is_over: impl Fn() -> bool) -> io::Result<()> {
        self.frames.seal()?;
        while self.has_unsent() {
            match self.stream.write(self.frames.unsent()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.frames.sent(n),
                Err(e) if is_pause(&e) && !is_over() => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Tells the other end that nothing more comes.
    pub(crate) fn finish(&self) {
        // If it has closed already, there is nothing to tell.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

#[cfg(target_os = "linux")]
fn send_without_waiting(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    use rustix::net::{SendFlags, send};
    Ok(send(stream, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
}

/// Elsewhere the writer does it: whether a single write may wait cannot be said.
#[cfg(not(target_os = "linux"))]
fn send_without_waiting(_: &TcpStream, _: &[u8]) -> io::Result<usize> {
    Ok(0)
}

fn is_pause(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

impl std::fmt::Debug for SendHalf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SendHalf").finish_non_exhaustive()
    }
}
