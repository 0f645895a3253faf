//! What goes through a WebSocket: who waits for messages, who waits for room, and what they are
//! answered.
//!
//! A message that nobody has asked for is kept, and nothing is read behind it, which slows the peer
//! down. As long as none is kept, pings are answered, and a peer that shows no sign of life is asked
//! for one, then left.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::time::Instant;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Utf8Bytes;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message};

use super::wire::Wire;
use crate::flow::{Answer, MAX_BYTES, MAX_WAITING};
use crate::refusal::Refusal;
use crate::request::Request;

pub(crate) const SEND_TEXT: i64 = 5;

const TEXT: i64 = 1;
const BYTES: i64 = 2;
const END: i64 = 3;

/// The longest that a peer may say nothing at all.
const MAX_IDLE: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Debug)]
pub(crate) struct Talk {
    wire: Wire,
    /// What nobody has asked for yet: its kind, and it.
    message: Option<(i64, Bytes)>,
    /// Why nothing more comes, and nothing more can be sent.
    end: Option<CloseFrame>,
    reads: VecDeque<Request>,
    /// The first of them is under way when `is_sending` says so.
    writes: VecDeque<Request>,
    is_sending: bool,
    answers: VecDeque<Answer>,
    /// How long the peer may show no sign of life.
    idle: Duration,
    /// The last sign of life, or when it was looked for again.
    sign: Instant,
    ping: Ping,
}

/// A question for a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ping {
    No,
    /// It goes out as soon as it can.
    Due,
    Sent,
}

impl Talk {
    pub(crate) fn new(wire: Wire, idle: Duration) -> Self {
        Self {
            wire,
            message: None,
            end: None,
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            is_sending: false,
            answers: VecDeque::new(),
            idle: idle.min(MAX_IDLE),
            sign: Instant::now(),
            ping: Ping::No,
        }
    }

    /// Somebody asks for a message.
    pub(crate) fn read(&mut self, request: Request) {
        if self.reads.len() >= MAX_WAITING {
            return self.refuse(request, Refusal::Busy);
        }
        self.reads.push_back(request);
        self.serve();
    }

    /// Somebody gives a message.
    pub(crate) fn write(&mut self, request: Request) {
        if self.end.is_some() {
            self.tell_end(request);
        } else if request.bytes.len() > MAX_BYTES {
            self.refuse(request, Refusal::TooLong);
        } else if self.writes.len() >= MAX_WAITING {
            self.refuse(request, Refusal::Busy);
        } else {
            self.writes.push_back(request);
        }
    }

    /// What somebody is to be answered now.
    pub(crate) fn next_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// Reads as long as no message is kept, and writes. Ready when something has come of that.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let written = self.poll_output(cx);
        let read = self.poll_input(cx);
        if read.is_ready() || written.is_ready() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// When somebody has waited long enough.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let requests = self.reads.iter().chain(&self.writes);
        let next_sign = match self.ping {
            Ping::Due => None,
            _ if !self.is_reading() => None,
            Ping::No => Some(self.sign + self.idle / 2),
            Ping::Sent => Some(self.sign + self.idle),
        };
        requests.map(|request| request.deadline).chain(next_sign).min()
    }

    /// Answers who has waited long enough, and does what is due with a peer that is silent.
    pub(crate) fn expire(&mut self, now: Instant) {
        let is_torn = self.is_sending && self.writes.front().is_some_and(|it| it.deadline <= now);
        for requests in [&mut self.reads, &mut self.writes] {
            let (late, left): (VecDeque<_>, _) =
                std::mem::take(requests).into_iter().partition(|it| it.deadline <= now);
            *requests = left;
            let late = late.into_iter().map(|it| Answer::new(it.asker, Err(Refusal::TimedOut)));
            self.answers.extend(late);
        }
        if is_torn {
            // The peer could make no sense of what follows.
            self.finish(lost(""));
        }
        if !self.is_reading() {
            return;
        }
        match self.ping {
            Ping::No if now >= self.sign + self.idle / 2 => self.ping = Ping::Due,
            Ping::Sent if now >= self.sign + self.idle => self.finish(lost("no sign of life")),
            _ => {}
        }
    }

    /// Whether nothing more comes or goes.
    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some() && self.message.is_none()
    }

    /// Says that it is over, whoever still waits, and waits until the peer has said so too.
    pub(crate) fn poll_close(&mut self, frame: &CloseFrame, cx: &mut Context<'_>) -> Poll<()> {
        if self.end.is_none() {
            self.finish(frame.clone());
            let _ = self.wire.send(Message::Close(Some(frame.clone())), cx);
        }
        // It is sent by reading, too.
        let _ = self.wire.poll_flush(cx);
        while ready!(self.wire.poll_read(cx)).is_ok() {}
        Poll::Ready(())
    }

    /// Sends what is left to be sent, and ends the connection.
    pub(crate) fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if ready!(self.wire.poll_flush(cx)).is_ok() {
            let _ = ready!(self.wire.poll_shutdown(cx));
        }
        Poll::Ready(())
    }

    /// A request that is made after the end.
    pub(crate) fn tell_end(&mut self, request: Request) {
        let end = self.end.as_ref().map(end_of).unwrap_or_default();
        self.answers.push_back(Answer::new(request.asker, Ok((END, end))));
    }

    fn is_reading(&self) -> bool {
        self.message.is_none() && self.end.is_none()
    }

    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_reading() {
            return Poll::Pending;
        }
        let read = ready!(self.wire.poll_read(cx));
        self.sign = Instant::now();
        self.ping = Ping::No;
        match read {
            Ok(Message::Text(text)) => self.message = Some((TEXT, text.into())),
            Ok(Message::Binary(bytes)) => self.message = Some((BYTES, bytes)),
            Ok(Message::Close(frame)) => self.finish(frame.unwrap_or_else(nothing_said)),
            // The answer to a ping is on its way.
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Err(error) => self.fail(&error, cx),
        }
        self.serve();
        Poll::Ready(())
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.end.is_some() {
            return Poll::Pending;
        }
        if self.ping == Ping::Due {
            self.ping = Ping::Sent;
            if let Err(error) = self.wire.send(Message::Ping(Bytes::new()), cx) {
                log::debug!("a peer of a WebSocket is not asked for a sign of life: {error}");
            }
            return Poll::Ready(());
        }
        if !self.is_sending {
            // What is before it goes first, so that there is room.
            let flushed = ready!(self.wire.poll_flush(cx));
            let Some(first) = self.writes.front_mut() else { return Poll::Pending };
            let sent = flushed.and_then(|()| self.wire.send(content(first)?, cx));
            self.begun(sent, cx);
            return Poll::Ready(());
        }
        let sent = ready!(self.wire.poll_flush(cx));
        self.is_sending = false;
        match sent {
            Ok(()) => {
                let done = self.writes.pop_front().map(|write| write.asker);
                self.answers.extend(done.map(|asker| Answer::new(asker, Ok((0, Vec::new())))));
            }
            Err(error) => self.fail(&error, cx),
        }
        Poll::Ready(())
    }

    /// The first message was given to the wire, or not.
    fn begun(&mut self, sent: Result<(), Error>, cx: &mut Context<'_>) {
        match sent {
            Ok(()) => self.is_sending = true,
            Err(Error::Utf8(_)) => {
                if let Some(first) = self.writes.pop_front() {
                    self.refuse(first, Refusal::Invalid);
                }
            }
            Err(error) => self.fail(&error, cx),
        }
    }

    /// The peer has broken the rules, or the connection is lost.
    fn fail(&mut self, error: &Error, cx: &mut Context<'_>) {
        let code = match error {
            Error::Capacity(_) => CloseCode::Size,
            Error::Utf8(_) => CloseCode::Invalid,
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => CloseCode::Abnormal,
            Error::Protocol(_) => CloseCode::Protocol,
            _ => CloseCode::Abnormal,
        };
        if code == CloseCode::Abnormal {
            return self.finish(lost(""));
        }
        let frame = CloseFrame { code, reason: Utf8Bytes::default() };
        let _ = self.wire.send(Message::Close(Some(frame.clone())), cx);
        self.finish(CloseFrame { code, reason: error.to_string().into() });
    }

    /// It is over: all who wait are told.
    fn finish(&mut self, end: CloseFrame) {
        self.end.get_or_insert(end);
        self.is_sending = false;
        self.serve();
        for write in std::mem::take(&mut self.writes) {
            self.tell_end(write);
        }
    }

    /// Gives what is there to those who wait, in their order.
    fn serve(&mut self) {
        while self.message.is_some() || self.end.is_some() {
            let Some(request) = self.reads.pop_front() else { return };
            let Some((kind, message)) = self.message.take() else {
                self.tell_end(request);
                continue;
            };
            self.answers.push_back(Answer::new(request.asker, Ok((kind, message.into()))));
            self.sign = Instant::now();
        }
    }

    fn refuse(&mut self, request: Request, refusal: Refusal) {
        self.answers.push_back(Answer::new(request.asker, Err(refusal)));
    }
}

/// What a request wants to be sent; it keeps nothing of it.
fn content(request: &mut Request) -> Result<Message, Error> {
    let bytes = Bytes::from(std::mem::take(&mut request.bytes));
    match request.what {
        SEND_TEXT => Ok(Message::Text(bytes.try_into()?)),
        _ => Ok(Message::Binary(bytes)),
    }
}

/// The connection has ended, and nobody has said goodbye.
fn lost(reason: &'static str) -> CloseFrame {
    CloseFrame { code: CloseCode::Abnormal, reason: Utf8Bytes::from_static(reason) }
}

/// The peer has said goodbye, and no more.
fn nothing_said() -> CloseFrame {
    CloseFrame { code: CloseCode::Status, reason: Utf8Bytes::default() }
}

/// As in the frame itself: the code in two bytes, and the reason.
fn end_of(frame: &CloseFrame) -> Vec<u8> {
    let code = u16::from(frame.code).to_be_bytes();
    [&code, frame.reason.as_bytes()].concat()
}
