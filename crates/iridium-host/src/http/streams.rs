//! Streams of HTTP/2: each is a task, whose client has only so much time to take a part of its answer.
//!
//! A client says how much it takes of each stream. One that lets nothing through would keep an answer,
//! and what makes it, for as long as it keeps the connection, on which it may go on to ask.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::rt::Executor;
use tokio::time::Instant;

use super::paced::Timer;

/// The longest part that is sent at once, in bytes: a frame of HTTP/2, as all clients take it. When the
/// client has let through the one before, the next is passed on, so not more of a body lies ready.
const PART: usize = 16_384;

tokio::task_local! {
    /// How far the answer is that the stream sends.
    static SENDS: Sends;
}

/// How far an answer is: the number of its parts that were passed on, and 0 as long as it is the
/// program's turn to make the next one.
#[derive(Debug, Clone, Default)]
struct Sends(Arc<AtomicUsize>);

/// Runs the streams of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    /// How long a client may take for a part.
    pub(crate) stall_time: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let (stream, sends) = (Box::pin(stream), Sends::default());
        let (stall_time, waits, timer) = (self.stall_time, None, Timer::default());
        tokio::spawn(Stream { stream, sends, stall_time, waits, timer });
    }
}

/// A stream. When the client takes too long, it is dropped, which resets it.
struct Stream<F> {
    stream: Pin<Box<F>>,
    sends: Sends,
    stall_time: Duration,
    /// The part that the client is to take, and since when.
    waits: Option<(usize, Instant)>,
    timer: Timer,
}

impl<F: Future<Output = ()>> Future for Stream<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if SENDS.sync_scope(this.sends.clone(), || this.stream.as_mut().poll(cx)).is_ready() {
            return Poll::Ready(());
        }
        match (this.sends.0.load(Ordering::Relaxed), this.waits) {
            (0, _) => {
                this.waits = None;
                return Poll::Pending;
            }
            (part, Some((before, _))) if part == before => {}
            (part, _) => this.waits = Some((part, Instant::now())),
        }
        match this.waits {
            Some((_, since)) if this.timer.is_due(since + this.stall_time, cx) => {
                log::debug!("a stream is reset whose client takes nothing of it");
                Poll::Ready(())
            }
            _ => Poll::Pending,
        }
    }
}

/// A body in parts of which none is too long.
pub(crate) struct InParts<B> {
    body: B,
    /// What was taken from it and is still to be sent.
    rest: Bytes,
    sends: Sends,
    sent: usize,
}

impl<B> InParts<B> {
    /// Of an answer of the stream that asks for this.
    pub(crate) fn new(body: B) -> Self {
        let sends = SENDS.try_with(Sends::clone).unwrap_or_default();
        Self { body, rest: Bytes::new(), sends, sent: 0 }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for InParts<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.rest.is_empty() {
            self.sends.0.store(0, Ordering::Relaxed);
            match ready!(Pin::new(&mut self.body).poll_frame(cx)).transpose()?.map(Frame::into_data)
            {
                None => return Poll::Ready(None),
                Some(Err(trailers)) => return Poll::Ready(Some(Ok(trailers))),
                Some(Ok(data)) => self.rest = data,
            }
        }
        let length = self.rest.len().min(PART);
        let part = self.rest.split_to(length);
        self.sent += 1;
        self.sends.0.store(self.sent, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, left) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        if let Some(upper) = left.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(left.lower().saturating_add(rest));
        hint
    }
}
