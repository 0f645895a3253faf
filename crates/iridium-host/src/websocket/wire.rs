//! A connection with the frames of WebSocket on it.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

/// How much is read at a time, in bytes: an idle connection keeps as much.
const CHUNK: usize = 4096;
/// Room for pings and pongs, and for the frame around a message, in bytes.
const SMALL: usize = 4096;

/// A connection with the frames of WebSocket on it. One task polls it.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TokioIo<Upgraded>,
    context: WebSocketContext,
}

impl Wire {
    /// Takes messages of so many bytes from the peer, at most, and has room for one of so many to it.
    pub(crate) fn new(stream: Upgraded, role: Role, most: usize, room: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(CHUNK)
            .write_buffer_size(0)
            // A peer that reads nothing can send pings for ever, which ask for pongs.
            .max_write_buffer_size(room.saturating_add(SMALL))
            .max_message_size(Some(most))
            .max_frame_size(Some(most));
        let context = WebSocketContext::new(role, Some(config));
        Self { stream: TokioIo::new(stream), context }
    }

    /// The next message, or ping, or pong. What answers these goes out when this is polled again.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        pending(self.context.read(&mut Polled { stream: &mut self.stream, cx }))
    }

    /// Takes a message, which goes out as this is flushed.
    pub(crate) fn send(&mut self, message: Message, cx: &mut Context<'_>) -> Result<(), Error> {
        match self.context.write(&mut Polled { stream: &mut self.stream, cx }, message) {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            result => result,
        }
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match ready!(pending(self.context.flush(&mut Polled { stream: &mut self.stream, cx }))) {
            // The last was a goodbye.
            Err(Error::ConnectionClosed) => Poll::Ready(Ok(())),
            result => Poll::Ready(result),
        }
    }

    /// Ends the connection, whatever is under way.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn pending<T>(result: Result<T, Error>) -> Poll<Result<T, Error>> {
    match result {
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

/// A stream as who does not wait sees it.
struct Polled<'p, 'w, S> {
    stream: &'p mut S,
    cx: &'p mut Context<'w>,
}

impl<S: AsyncRead + Unpin> Read for Polled<'_, '_, S> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut room = ReadBuf::new(to);
        match Pin::new(&mut *self.stream).poll_read(self.cx, &mut room) {
            Poll::Ready(read) => read.map(|()| room.filled().len()),
            Poll::Pending => Err(would_block()),
        }
    }
}

impl<S: AsyncWrite + Unpin> Write for Polled<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = Pin::new(&mut *self.stream).poll_write(self.cx, bytes);
        if let Poll::Ready(written) = written { written } else { Err(would_block()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = Pin::new(&mut *self.stream).poll_flush(self.cx);
        if let Poll::Ready(flushed) = flushed { flushed } else { Err(would_block()) }
    }
}

fn would_block() -> io::Error {
    io::ErrorKind::WouldBlock.into()
}
