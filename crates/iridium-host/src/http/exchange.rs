//! Requests that wait for their answers, by number. A number is easily guessed, and of use only to the
//! process that is to answer: of a request to the server's until another one is assigned.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Response;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use iridium_sched::Reason;
use iridium_vm::Pid;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;

use super::head::Head;
use super::listener::Listener;
use super::paced::OpenRequest;
use super::upgrade::Upgrade;
use crate::outside::OutsideHandle;

/// The number of no request.
const NONE: i64 = 0;
/// Parts of an answer that wait to be sent.
const PARTS: usize = 4;

/// All requests of programs that wait, or that a process is at work on.
#[derive(Debug, Clone)]
pub(crate) struct Exchanges {
    table: Arc<Mutex<Table>>,
    outside: OutsideHandle,
}

#[derive(Debug, Default)]
struct Table {
    last: i64,
    waiting: HashMap<i64, Exchange>,
    /// Those whose clients have gone while a process was at work on them, which has not been told so yet.
    left: HashMap<i64, Left>,
}

/// Dropped when the process has been told that its client has gone, or has ended.
#[derive(Debug)]
struct Left {
    handler: Pid,
    _over: oneshot::Sender<()>,
    _place: OwnedSemaphorePermit,
}

/// A request that waits for its answer, or for the end of it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) head: Arc<Head>,
    /// What is left of its body; `None` while somebody reads it.
    pub(crate) body: Option<Reading>,
    /// What it takes to become a WebSocket, if that is asked for.
    pub(crate) upgrade: Option<Upgrade>,
    /// The process of the server.
    server: Pid,
    /// The process that is to answer, once there is one beside that.
    handler: Option<Pid>,
    /// How long that may take to answer.
    time: Duration,
    answer: To,
    /// Among the requests of the server.
    place: OwnedSemaphorePermit,
}

/// The body of a request.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) body: Incoming,
    /// What was received and not read.
    pub(crate) left: Bytes,
    /// How much more it may have, in bytes.
    pub(crate) room: usize,
    /// How long the client may take to send the next part.
    pub(crate) stall_time: Duration,
}

#[derive(Debug)]
enum To {
    Head(oneshot::Sender<Response<Answer>>, OpenRequest),
    Parts(mpsc::Sender<Part>),
}

/// A part of a body, or word that there will be no more of it although it is not over.
pub(crate) type Part = Result<Bytes, Broken>;

/// The process that sent the body has ended in the middle of it.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the process that answered has ended before the end of its answer")]
pub(crate) struct Broken;

/// Why there is nothing more to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

impl Table {
    fn find(&mut self, number: i64, of: Pid) -> Result<&mut Exchange, Gone> {
        if self.left.get(&number).is_some_and(|left| left.handler == of) {
            self.left.remove(&number);
        }
        let exchange = self.waiting.get_mut(&number);
        exchange.filter(|exchange| exchange.handler.unwrap_or(exchange.server) == of).ok_or(Gone)
    }

    fn remove(&mut self, number: i64, of: Pid) -> Result<Exchange, Gone> {
        self.find(number, of)?;
        self.waiting.remove(&number).ok_or(Gone)
    }
}

impl Exchanges {
    pub(crate) fn new(outside: OutsideHandle) -> Self {
        Self { table: Arc::default(), outside }
    }

    /// A request that came to a server, and where its answer will be, in so long a time. `None` when the server
    /// has as many as it may have.
    pub(crate) fn add(
        &self,
        server: &Listener,
        head: Head,
        body: Reading,
        upgrade: Option<Upgrade>,
        open: OpenRequest,
        time: Duration,
    ) -> Option<(Waiting, oneshot::Receiver<Response<Answer>>)> {
        let place = server.place()?;
        let (sender, receiver) = oneshot::channel();
        let (head, body) = (Arc::new(head), Some(body));
        let answer = To::Head(sender, open);
        let server = server.owner;
        let exchange = Exchange { head, body, upgrade, server, handler: None, time, answer, place };
        let mut table = self.lock();
        table.last += 1;
        let number = table.last;
        table.waiting.insert(number, exchange);
        Some((Waiting { all: self.clone(), number }, receiver))
    }

    /// Looks at a request that `of` is to answer.
    pub(crate) fn with<T>(
        &self,
        number: i64,
        of: Pid,
        look: impl FnOnce(&mut Exchange) -> T,
    ) -> Result<T, Gone> {
        self.lock().find(number, of).map(look)
    }

    /// Says which process is to answer in place of `of`. What is returned is to be dropped when that
    /// has ended.
    pub(crate) fn assign(&self, number: i64, of: Pid, handler: Pid) -> Result<Handling, Gone> {
        self.with(number, of, |exchange| exchange.handler = Some(handler))?;
        Ok(Handling { all: self.clone(), number })
    }

    /// Ends the process that has not answered in time, if one was assigned.
    pub(crate) fn end_handler(&self, number: i64) {
        let handler = self.lock().waiting.get(&number).and_then(|exchange| exchange.handler);
        if let Some(handler) = handler {
            log::warn!("process {handler} has not answered a request in time, and is ended");
            self.kill(handler);
        }
    }

    /// Answers as a whole.
    pub(crate) fn answer(
        &self,
        number: i64,
        of: Pid,
        head: Response<()>,
        body: Bytes,
    ) -> Result<(), Gone> {
        let exchange = self.lock().remove(number, of)?;
        let To::Head(to, open) = exchange.answer else { return Err(Gone) };
        to.send(head.map(|()| Answer::Whole { bytes: body, _open: open })).map_err(|_| Gone)
    }

    /// Answers with a head, behind which the connection is no longer one of HTTP. The request is open
    /// as long as what is returned.
    pub(crate) fn switch(
        &self,
        number: i64,
        of: Pid,
        head: Response<()>,
    ) -> Result<OpenRequest, Gone> {
        let exchange = self.lock().remove(number, of)?;
        let To::Head(to, open) = exchange.answer else { return Err(Gone) };
        to.send(head.map(|()| Answer::Own(Bytes::new()))).map_err(|_| Gone)?;
        Ok(open)
    }

    /// Begins an answer whose body comes in parts, of so many bytes together if that is known.
    pub(crate) fn begin(
        &self,
        number: i64,
        of: Pid,
        head: Response<()>,
        size: Option<u64>,
    ) -> Result<(), Gone> {
        let (sender, parts) = mpsc::channel(PARTS);
        let begun =
            |exchange: &mut Exchange| std::mem::replace(&mut exchange.answer, To::Parts(sender));
        let before = self.with(number, of, begun)?;
        let waiting = Waiting { all: self.clone(), number };
        let To::Head(to, open) = before else { return Err(Gone) };
        let streamed = Streamed { parts, size, _open: open, _waiting: waiting };
        to.send(head.map(|()| Answer::Parts(streamed))).map_err(|_unsent| {
            // It is told so at once.
            let _ = self.end(number, of);
            Gone
        })
    }

    /// Where the parts of a body go.
    pub(crate) fn parts(&self, number: i64, of: Pid) -> Result<mpsc::Sender<Part>, Gone> {
        let parts = self.with(number, of, |exchange| match &exchange.answer {
            To::Head(..) => None,
            To::Parts(parts) => Some(parts.clone()),
        })?;
        parts.ok_or(Gone)
    }

    /// Ends an answer that came in parts, or one whose client has gone, which the process has been told.
    pub(crate) fn end(&self, number: i64, of: Pid) -> Result<(), Gone> {
        self.lock().remove(number, of).map(drop)
    }

    /// The client has gone. A process that is at work for it is told so when it wants to go on. Until then
    /// it may take as long as it might have taken to answer.
    fn leave(&self, number: i64) {
        let mut table = self.lock();
        let Some(exchange) = table.waiting.remove(&number) else { return };
        let Some(handler) = exchange.handler else { return };
        let (over, ended) = oneshot::channel();
        table.left.insert(number, Left { handler, _over: over, _place: exchange.place });
        drop(table);
        // Without a runtime it is the end of all servers.
        let Ok(runtime) = Handle::try_current() else { return };
        let (all, time) = (self.clone(), exchange.time);
        runtime.spawn(async move {
            if timeout(time, ended).await.is_err() {
                log::warn!(
                    "process {handler} goes on without its client for too long, and is ended"
                );
                all.kill(handler);
            }
        });
    }

    fn kill(&self, process: Pid) {
        if let Ok(scheduler) = self.outside.scheduler() {
            scheduler.kill(process, Reason::KILLED);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that waits for an answer, or for the rest of one. It has gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting {
    all: Exchanges,
    pub(crate) number: i64,
}

/// A process that is to answer. It has ended when this is dropped, and who waits for it is told so.
#[derive(Debug)]
pub(crate) struct Handling {
    all: Exchanges,
    number: i64,
}

impl Waiting {
    /// The client has not gone: the request is answered, or its answer belongs to others from now on.
    pub(crate) fn keep(mut self) {
        self.number = NONE;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.number != NONE {
            self.all.leave(self.number);
        }
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        let mut table = self.all.lock();
        let exchange = table.waiting.remove(&self.number);
        table.left.remove(&self.number);
        drop(table);
        if let Some(Exchange { answer: To::Parts(parts), .. }) = exchange {
            // With no room for this, the client is slow: it gets less than it was told to expect, or
            // an end that is none.
            let _ = parts.try_send(Err(Broken));
        }
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Answer {
    Whole {
        bytes: Bytes,
        _open: OpenRequest,
    },
    Parts(Streamed),
    /// Of an answer that no program has made.
    Own(Bytes),
}

/// A body that a program sends in parts.
#[derive(Debug)]
pub(crate) struct Streamed {
    parts: mpsc::Receiver<Part>,
    /// In bytes.
    size: Option<u64>,
    _open: OpenRequest,
    _waiting: Waiting,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut *self {
            Self::Whole { bytes, .. } | Self::Own(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole { bytes, .. } | Self::Own(bytes) => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            Self::Parts(body) => {
                body.parts.poll_recv(cx).map(|part| part.map(|part| part.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole { bytes, .. } | Self::Own(bytes) => bytes.is_empty(),
            Self::Parts(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { bytes, .. } | Self::Own(bytes) => {
                SizeHint::with_exact(bytes.len() as u64)
            }
            Self::Parts(body) => body.size.map(SizeHint::with_exact).unwrap_or_default(),
        }
    }
}
