//! What goes through a connection: who waits for bytes, who waits for room, and what they are answered.
//!
//! A state machine over a [`Stream`]. Nothing is read before somebody asks for it, so what has come and
//! was not asked for stays with the system, which slows the peer down. Who writes is answered when the
//! system has taken all of it, so who writes to a slow peer is slowed down.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite as _;
use tokio::time::Instant;

use crate::refusal::Refusal;
use crate::request::{Asker, Request};
use crate::stream::Stream;

/// The most that is read or written with one request, in bytes.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// The most requests that wait in each direction.
pub(crate) const MAX_WAITING: usize = 64;

/// What a request is answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) asker: Asker,
    pub(crate) code: i64,
    pub(crate) bytes: Vec<u8>,
}

/// How bytes are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Portion {
    /// Some, at most so many.
    Some,
    /// A line of at most so many, without its end.
    Line,
    /// Exactly so many.
    Exactly,
}

#[derive(Debug)]
pub(crate) struct Flow {
    stream: Stream,
    /// What was read and not given yet.
    input: Vec<u8>,
    /// So many bytes of it hold no end of a line.
    scanned: usize,
    /// Nothing more comes: the peer has finished, or why.
    end: Option<Result<(), Refusal>>,
    reads: VecDeque<(Portion, Request)>,
    writes: VecDeque<Write>,
    /// Why nothing more can be written.
    broken: Option<Refusal>,
    answers: VecDeque<Answer>,
}

/// What is being written.
#[derive(Debug)]
struct Write {
    request: Request,
    written: usize,
    /// Whether it is the end of all that is written.
    is_last: bool,
}

impl Answer {
    pub(crate) fn new(asker: Asker, result: Result<(i64, Vec<u8>), Refusal>) -> Self {
        let (code, bytes) =
            result.unwrap_or_else(|refusal| (refusal.code(), refusal.text().into()));
        Self { asker, code, bytes }
    }
}

impl Flow {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            stream,
            input: Vec::new(),
            scanned: 0,
            end: None,
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            broken: None,
            answers: VecDeque::new(),
        }
    }

    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Somebody asks for bytes.
    pub(crate) fn read(&mut self, portion: Portion, request: Request) {
        if self.reads.len() >= MAX_WAITING {
            return self.refuse(request, Refusal::Busy);
        }
        self.reads.push_back((portion, request));
        self.serve();
    }

    /// Somebody gives bytes, or says that there will be no more.
    pub(crate) fn write(&mut self, request: Request, is_last: bool) {
        if let Some(broken) = self.broken.clone() {
            self.refuse(request, broken);
        } else if request.bytes.len() > MAX_BYTES {
            self.refuse(request, Refusal::TooLong);
        } else if self.writes.len() >= MAX_WAITING {
            self.refuse(request, Refusal::Busy);
        } else {
            self.writes.push_back(Write { request, written: 0, is_last });
        }
    }

    /// What somebody is to be answered now.
    pub(crate) fn next_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// Reads and writes as far as somebody waits for it. Ready when something has come of that.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let read = self.poll_input(cx);
        let written = self.poll_output(cx);
        if read.is_ready() || written.is_ready() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Tells the peer that nothing more comes, whoever still waits.
    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// When somebody has waited long enough.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let reads = self.reads.iter().map(|(_, request)| request.deadline);
        reads.chain(self.writes.iter().map(|write| write.request.deadline)).min()
    }

    /// Answers who has waited long enough. Returns whether something was written only in part: of
    /// what follows the peer could make no sense.
    #[must_use]
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let reads = std::mem::take(&mut self.reads).into_iter();
        let (late, reads): (VecDeque<_>, _) =
            reads.partition(|(_, request)| request.deadline <= now);
        self.reads = reads;
        let writes = std::mem::take(&mut self.writes).into_iter();
        let (torn, writes): (VecDeque<_>, _) =
            writes.partition(|write| write.request.deadline <= now);
        self.writes = writes;
        let is_torn = torn.iter().any(|write| write.written > 0);
        let late = late.into_iter().map(|(_, request)| request);
        for request in late.chain(torn.into_iter().map(|write| write.request)) {
            self.refuse(request, Refusal::TimedOut);
        }
        is_torn
    }

    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.reads.is_empty() || self.end.is_some() {
            return Poll::Pending;
        }
        match ready!(self.stream.poll_fill(cx, &mut self.input)) {
            Ok(0) => self.end = Some(Ok(())),
            Ok(_) => {}
            Err(error) => self.end = Some(Err(error.into())),
        }
        self.serve();
        Poll::Ready(())
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(first) = self.writes.front_mut() else { return Poll::Pending };
        let result = ready!(first.poll(&mut self.stream, cx));
        let is_last = first.is_last;
        match result {
            Ok(()) => {
                let done = self.writes.pop_front().map(|write| write.request.asker);
                self.answers.extend(done.map(|asker| Answer::new(asker, Ok((0, Vec::new())))));
                self.broken = is_last.then_some(Refusal::Closed);
            }
            Err(error) => self.broken = Some(error.into()),
        }
        if let Some(broken) = &self.broken {
            let refused = self.writes.drain(..).map(|write| write.request.asker);
            self.answers.extend(refused.map(|asker| Answer::new(asker, Err(broken.clone()))));
        }
        Poll::Ready(())
    }

    /// Gives what is there to those who wait, in their order.
    fn serve(&mut self) {
        while let Some((portion, request)) = self.reads.front() {
            let most = usize::try_from(request.number).unwrap_or(0).min(MAX_BYTES);
            let Some(given) = self.portion(*portion, most) else { break };
            if let Some((_, request)) = self.reads.pop_front() {
                self.answers.push_back(Answer::new(request.asker, given));
            }
        }
    }

    /// What somebody gets who asks for that: 1 and bytes, or 0 for the end. `None`: not yet.
    fn portion(
        &mut self,
        portion: Portion,
        most: usize,
    ) -> Option<Result<(i64, Vec<u8>), Refusal>> {
        match portion {
            Portion::Some if !self.input.is_empty() => Some(Ok((1, self.take(most, 0)))),
            Portion::Some => self.at_end(),
            Portion::Exactly if self.input.len() >= most => Some(Ok((1, self.take(most, 0)))),
            Portion::Exactly => self.at_end(),
            Portion::Line => self.line(most),
        }
    }

    fn line(&mut self, most: usize) -> Option<Result<(i64, Vec<u8>), Refusal>> {
        let rest = self.input.get(self.scanned..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'\n').map(|at| self.scanned + at);
        match end {
            Some(end) if end <= most => {
                let mut line = self.take(end, 1);
                line.pop_if(|last| *last == b'\r');
                Some(Ok((1, line)))
            }
            None if self.input.len() <= most => {
                self.scanned = self.input.len();
                match &self.end {
                    Some(Ok(())) if !self.input.is_empty() => {
                        Some(Ok((1, self.take(self.input.len(), 0))))
                    }
                    _ => self.at_end(),
                }
            }
            _ => Some(Err(Refusal::TooLong)),
        }
    }

    fn at_end(&self) -> Option<Result<(i64, Vec<u8>), Refusal>> {
        Some(self.end.clone()?.map(|()| (0, Vec::new())))
    }

    /// Takes bytes that were read, at most so many, and drops some behind them.
    fn take(&mut self, most: usize, dropped: usize) -> Vec<u8> {
        self.scanned = 0;
        let length = most.min(self.input.len());
        if length + dropped >= self.input.len() {
            let mut all = std::mem::take(&mut self.input);
            all.truncate(length);
            return all;
        }
        self.input.drain(..length + dropped).take(length).collect()
    }

    fn refuse(&mut self, request: Request, refusal: Refusal) {
        self.answers.push_back(Answer::new(request.asker, Err(refusal)));
    }
}

impl Write {
    fn poll(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut stream = Pin::new(stream);
        if self.is_last {
            return stream.poll_shutdown(cx);
        }
        while let Some(rest) = self.request.bytes.get(self.written..).filter(|it| !it.is_empty()) {
            let written = ready!(stream.as_mut().poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        stream.poll_flush(cx)
    }
}
