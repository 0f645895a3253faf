//! A connection whose client has only so much time: to say something, to say all of the head of a
//! request, to read an answer. And which ends so that the client gets the last answer.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};

use super::limits::HttpLimits;

/// What a connection for HTTP/2 begins with. No method of HTTP/1 is called so.
const PREFACE: &[u8] = b"PRI";
/// How long a client may still send when it has its last answer, and how much, in bytes. A connection
/// that is closed with unread bytes in it is reset, and the client might lose that answer.
const LINGER: Duration = Duration::from_secs(2);
const MAX_LINGER: usize = 1 << 20;
/// What a client is to take of what waits for it in the time that it may take nothing, in bytes.
const LEAST: usize = 16_384;

/// Requests of a connection that are not answered to their end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Open(Arc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    open: AtomicUsize,
    /// How many there were ever.
    begun: AtomicUsize,
}

/// A request that is not answered to its end.
#[derive(Debug)]
pub(crate) struct OpenRequest(Open);

impl Open {
    pub(crate) fn request(&self) -> OpenRequest {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        OpenRequest(self.clone())
    }

    fn is_none(&self) -> bool {
        self.0.open.load(Ordering::Relaxed) == 0
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the client is expected to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// To wait for an answer. Bodies are timed by who reads them.
    Nothing,
    /// To ask something, or to go.
    Request { since: Instant },
    /// To end the head that it has begun.
    Head { since: Instant },
}

/// A connection with time limits.
pub(crate) struct Paced<S> {
    stream: S,
    /// It is one of so many connections, also when it is no longer one of HTTP.
    _place: OwnedSemaphorePermit,
    open: Open,
    limits: HttpLimits,
    /// Bytes that were read before it was known what the connection is for.
    begin: Vec<u8>,
    is_http2: bool,
    expect: Expect,
    /// Requests that had begun when that was looked at.
    begun: usize,
    /// Set at times, not at each read: when it is over, what is due by then is looked at.
    read_timer: Timer,
    write_timer: Timer,
    /// Bytes that the client has taken since that was set.
    taken: usize,
    lingers: Option<(Instant, usize)>,
}

#[derive(Default)]
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Whether that time has come. If not, the task is woken then, or before.
    pub(crate) fn is_due(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        // It is never set for later than what is due, since later times only come to be due.
        if timer.deadline() > at {
            timer.as_mut().reset(at);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= at {
                self.0 = None;
                return true;
            }
            timer.as_mut().reset(at);
        }
        false
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Paced<S> {
    pub(crate) fn new(
        stream: S,
        place: OwnedSemaphorePermit,
        limits: HttpLimits,
        open: Open,
    ) -> Self {
        Self {
            stream,
            _place: place,
            open,
            limits,
            begin: Vec::new(),
            is_http2: false,
            // A client that connects has something to say.
            expect: Expect::Head { since: Instant::now() },
            begun: 0,
            read_timer: Timer::default(),
            write_timer: Timer::default(),
            taken: 0,
            lingers: None,
        }
    }

    /// Reads as much as tells whether the client speaks HTTP/2. What was read is read again.
    pub(crate) async fn sniff(&mut self) -> io::Result<bool> {
        let mut begin = Vec::with_capacity(PREFACE.len());
        while begin.len() < PREFACE.len() && PREFACE.starts_with(&begin) {
            let mut bytes = [0; PREFACE.len()];
            let mut room = ReadBuf::new(&mut bytes[begin.len()..]);
            std::future::poll_fn(|cx| Pin::new(&mut *self).poll_read(cx, &mut room)).await?;
            if room.filled().is_empty() {
                break;
            }
            begin.extend_from_slice(room.filled());
        }
        self.is_http2 = begin == PREFACE;
        self.begin = begin;
        Ok(self.is_http2)
    }

    /// A head has come to its end when a request has begun, which may be answered by now: nobody needs to
    /// have read meanwhile.
    fn note_requests(&mut self) {
        let begun = self.open.0.begun.load(Ordering::Relaxed);
        if begun != self.begun {
            (self.begun, self.expect) = (begun, Expect::Nothing);
        }
    }

    /// Something was read.
    fn note_bytes(&mut self) {
        self.note_requests();
        match self.expect {
            Expect::Head { .. } => {}
            // Frames that ask nothing come between the requests of HTTP/2.
            _ if self.is_http2 => {}
            _ if !self.open.is_none() => self.expect = Expect::Nothing,
            _ => self.expect = Expect::Head { since: Instant::now() },
        }
    }

    /// When the client will have waited for too long, now that nothing can be read.
    fn due(&mut self) -> Option<Instant> {
        self.note_requests();
        if !self.open.is_none() {
            self.expect = Expect::Nothing;
            return None;
        }
        let asks_later = self.is_http2 && matches!(self.expect, Expect::Head { .. });
        if self.expect == Expect::Nothing || asks_later {
            self.expect = Expect::Request { since: Instant::now() };
        }
        match self.expect {
            Expect::Nothing => None,
            Expect::Request { since } => Some(since + self.limits.idle_time),
            Expect::Head { since } => Some(since + self.limits.head_time),
        }
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (until, mut left) =
            self.lingers.unwrap_or_else(|| (Instant::now() + LINGER, MAX_LINGER));
        loop {
            let mut bytes = [0; 4096];
            let mut room = ReadBuf::new(&mut bytes);
            let read = Pin::new(&mut self.stream).poll_read(cx, &mut room);
            let length = room.filled().len();
            left = left.saturating_sub(length);
            self.lingers = Some((until, left));
            match read {
                Poll::Ready(Ok(())) if length > 0 && left > 0 => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending if self.read_timer.is_due(until, cx) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Some of so many bytes were written, or none can be at present.
    fn check_write(
        &mut self,
        written: Poll<io::Result<usize>>,
        offered: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(length)) => {
                self.taken += length;
                if *length == offered || self.taken >= LEAST {
                    self.note_taken();
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => self.check_stall(cx).map(Err),
        }
    }

    /// The client has taken what it is to take in a time.
    fn note_taken(&mut self) {
        self.write_timer = Timer::default();
        self.taken = 0;
    }

    /// The error when the client, which takes nothing at present, has taken too little for too long.
    fn check_stall(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let due = self
            .write_timer
            .0
            .as_ref()
            .map_or_else(|| Instant::now() + self.limits.stall_time, |timer| timer.deadline());
        if self.write_timer.is_due(due, cx) { Poll::Ready(too_slow()) } else { Poll::Pending }
    }
}

fn too_slow() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // With what has come behind it: a reader that gets little makes more room before it reads on,
        // which a connection would keep.
        let given = self.begin.len().min(to.remaining());
        to.put_slice(&self.begin[..given]);
        self.begin.drain(..given);
        if given > 0 && to.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut self.stream).poll_read(cx, to) {
            Poll::Ready(read) => {
                self.note_bytes();
                Poll::Ready(read)
            }
            Poll::Pending if given > 0 => Poll::Ready(Ok(())),
            Poll::Pending => match self.due() {
                Some(due) if self.read_timer.is_due(due, cx) => Poll::Ready(Err(too_slow())),
                _ => Poll::Pending,
            },
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.check_write(written, bytes.len(), cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.check_write(written, bytes.iter().map(|part| part.len()).sum(), cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        match flushed {
            Poll::Ready(Ok(())) => {
                self.note_taken();
                flushed
            }
            Poll::Ready(Err(_)) => flushed,
            Poll::Pending => self.check_stall(cx).map(Err),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingers.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.read_timer = Timer::default();
        }
        self.poll_linger(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::sync::Semaphore;
    use tokio::time::{sleep, timeout};

    use super::*;

    fn paced(stream: DuplexStream, limits: HttpLimits, open: Open) -> Paced<DuplexStream> {
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        Paced::new(stream, place, limits, open)
    }

    #[tokio::test]
    async fn the_time_for_a_head_ends_with_it_also_when_the_answer_comes_before_the_next_look() {
        let (near, mut far) = duplex(64);
        let head_time = Duration::from_millis(100);
        let limits = HttpLimits { head_time, ..HttpLimits::default() };
        let open = Open::default();
        let mut paced = paced(near, limits, open.clone());
        for _ in 0..2 {
            far.write_all(b"a head").await.unwrap();
            paced.read_exact(&mut [0; 6]).await.unwrap();
            drop(open.request());
            // It may be idle for long.
            assert!(timeout(2 * head_time, paced.read(&mut [0])).await.is_err());
        }
        far.write_all(b"half a head").await.unwrap();
        paced.read_exact(&mut [0; 11]).await.unwrap();
        let ended = timeout(Duration::from_secs(10), paced.read(&mut [0])).await.unwrap();
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    /// Sends to a client that takes so many bytes every 5 ms. Says how it ended.
    async fn send(at_a_time: usize) -> io::Result<()> {
        let (near, mut far) = duplex(64);
        let stall_time = Duration::from_millis(200);
        let limits = HttpLimits { stall_time, ..HttpLimits::default() };
        let mut paced = paced(near, limits, Open::default());
        let client = tokio::spawn(async move {
            let mut room = vec![0; at_a_time];
            while far.read_exact(&mut room).await.is_ok() {
                sleep(Duration::from_millis(5)).await;
            }
        });
        let sent = timeout(Duration::from_secs(10), paced.write_all(&[0; 65_536])).await;
        drop(paced);
        client.await?;
        sent?
    }

    #[tokio::test]
    async fn who_takes_a_few_bytes_now_and_then_is_cut_off() {
        let ended = send(16).await.map_err(|error| error.kind());
        assert_eq!(ended, Err(io::ErrorKind::TimedOut));
        send(16_384).await.unwrap();
    }
}
