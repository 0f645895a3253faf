//! The sending half of a connection. It is used by one thread at a time: by the
//! link's writer, or by a sender that finds it free and writes at once. It is
//! passed on through the outbox, so no lock is held while writing.

use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use iridium_proto::PIECE_LEN;

use crate::session::FrameWriter;

use super::message::Outgoing;
use super::{backlog, grace};

/// How often a write that makes no progress returns, for a look at whether the link was aborted.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Bytes that the system may keep of one connection without having sent them. Otherwise it takes some
/// megabytes: on a slow line heartbeats would wait behind them for many seconds, nothing more would be
/// taken for as long, and who reads nothing would have them beside what is counted here.
#[cfg(target_os = "linux")]
const UNSENT: usize = 256 * 1024;

/// Bytes of data that are written at a time: most where the system takes them at once, for the last
/// bytes of a write are a segment of their own, and cost as much as a full one. On a slow line control
/// messages wait for less.
const BATCH: RangeInclusive<usize> = 64 * 1024..=384 * 1024;
/// What is being written counts as taken only when the system has all of it. On the slowest network that is meant,
/// a link is not to be taken for stalled before.
const _: () =
    assert!((*BATCH.end() + PIECE_LEN) as u64 <= backlog::BYTES_A_SECOND * grace::LEAST.as_secs());

/// Parts of memory that the system is given at a time: enough for a batch.
const MAX_PARTS: usize = 40;

/// Whether the system may wait for room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Yes,
    No,
}

/// What sends on one connection: the frames that are sealed, and the socket.
#[derive(Debug)]
pub(crate) struct SendHalf {
    frames: FrameWriter,
    stream: Arc<TcpStream>,
    /// Bytes of data that are to be written at a time, and the most that may become.
    batch: usize,
    most: usize,
    /// Whether the system has not taken all that it was given at once.
    is_behind: bool,
}

impl SendHalf {
    /// That of a link that is `carried`, and may be one of thousands, is given no more than the least at a
    /// time.
    pub(crate) fn new(
        frames: FrameWriter,
        stream: Arc<TcpStream>,
        carried: bool,
    ) -> io::Result<Self> {
        stream.set_write_timeout(Some(POLL_INTERVAL))?;
        bound_unsent(&stream)?;
        let (batch, end) = BATCH.into_inner();
        let most = if carried { batch } else { end };
        Ok(Self { frames, stream, batch, most, is_behind: false })
    }

    /// Whether something was sealed that the system has not taken yet.
    pub(crate) fn has_unsent(&self) -> bool {
        self.frames.has_unsent()
    }

    /// Bytes of data that are to be written at a time.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// Adds a message to what is sealed next.
    pub(crate) fn push(&mut self, message: Outgoing) {
        let name = message.name();
        if let Err(error) = message.push_to(&mut self.frames) {
            log::error!("a {name} message was not sent: {error}");
        }
    }

    /// Seals and sends as much as the system takes at once.
    pub(crate) fn send_some(&mut self) -> io::Result<()> {
        self.frames.seal();
        match self.send(Waiting::No) {
            Ok(_) => Ok(()),
            Err(e) if would_block(&e) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Seals and sends everything, as long as the system takes something: at once from a link
    /// without a writer of its own, otherwise within a quarter of a second. Returns whether it took all.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        self.frames.seal();
        let mut bytes = 0;
        while self.has_unsent() {
            match self.send(Waiting::Yes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => bytes += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if would_block(&e) => {
                    self.is_behind = true;
                    return Ok(false);
                }
                Err(e) => return Err(e),
            }
            self.is_behind |= self.has_unsent();
        }
        if std::mem::take(&mut self.is_behind) {
            self.batch = *BATCH.start();
        } else if bytes >= *BATCH.start() {
            self.batch = self.most;
        }
        Ok(true)
    }

    /// As [`flush`](Self::flush), for who is the system and takes at most so many bytes: these.
    pub(crate) fn hand_over(&mut self, most: usize) -> Vec<u8> {
        self.frames.seal();
        let mut bytes = Vec::new();
        for part in self.frames.unsent() {
            bytes.extend_from_slice(&part[..part.len().min(most - bytes.len())]);
        }
        self.frames.mark_sent(bytes.len());
        bytes
    }

    /// Gives the system what was sealed. Returns how much it took.
    fn send(&mut self, waiting: Waiting) -> io::Result<usize> {
        let mut parts = [IoSlice::new(&[]); MAX_PARTS];
        let mut count = 0;
        for (place, part) in parts.iter_mut().zip(self.frames.unsent()) {
            *place = IoSlice::new(part);
            count += 1;
        }
        let sent = send(&self.stream, &parts[..count], waiting)?;
        self.frames.mark_sent(sent);
        Ok(sent)
    }

    /// Gives back the memory of what has been sent.
    pub(crate) fn shrink(&mut self) {
        self.frames.shrink();
    }

    /// The socket under a descriptor of its own, to wait until it has room.
    pub(crate) fn try_clone_stream(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }

    /// Tells the other end that nothing more is sent.
    pub(crate) fn finish(&self) {
        // If it has closed already, there is nothing to tell.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

#[cfg(target_os = "linux")]
fn bound_unsent(stream: &TcpStream) -> io::Result<()> {
    use nix::libc;
    use nix::sys::socket::{setsockopt, sockopt::SetUsize};

    #[derive(Clone, Copy)]
    struct Unsent;
    nix::setsockopt_impl!(Unsent, libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, usize, SetUsize);
    Ok(setsockopt(stream, Unsent, &UNSENT)?)
}

/// On other systems it is as much as they like.
#[cfg(not(target_os = "linux"))]
fn bound_unsent(_: &TcpStream) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn send(stream: &TcpStream, parts: &[IoSlice<'_>], waiting: Waiting) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg};
    let flags = SendFlags::NOSIGNAL
        | match waiting {
            Waiting::Yes => SendFlags::empty(),
            Waiting::No => SendFlags::DONTWAIT,
        };
    Ok(match parts {
        [part] => send(stream, part, flags)?,
        parts => sendmsg(stream, parts, &mut SendAncillaryBuffer::default(), flags)?,
    })
}

/// On other systems nothing is sent without waiting, which the writer does: there is no flag for a single
/// write that does not block.
#[cfg(not(target_os = "linux"))]
fn send(mut stream: &TcpStream, parts: &[IoSlice<'_>], waiting: Waiting) -> io::Result<usize> {
    match waiting {
        Waiting::Yes => io::Write::write_vectored(&mut stream, parts),
        Waiting::No => Ok(0),
    }
}

fn would_block(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::session::Session;
    use iridium_proto::IridiumMessage;

    #[test]
    fn more_is_written_at_a_time_while_the_system_takes_it_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut end, _) = listener.accept().unwrap();
        let Session { writer, stream, .. } = Session::new(stream, None);
        let mut half = SendHalf::new(writer, Arc::new(stream), false).unwrap();
        let message = || Outgoing::Own(IridiumMessage::Deliver(vec![7; *BATCH.start()]));
        assert_eq!(half.batch(), *BATCH.start(), "at first");
        half.push(message());
        assert!(half.flush().unwrap());
        assert_eq!(half.batch(), *BATCH.end());
        // Until nobody takes any more.
        while half.flush().unwrap() {
            half.push(message());
        }
        let reader = std::thread::spawn(move || io::copy(&mut end, &mut io::sink()).unwrap());
        while !half.flush().unwrap() {}
        assert_eq!(half.batch(), *BATCH.start());
        half.finish();
        reader.join().unwrap();
    }
}
