//! The process that a WebSocket is.
//!
//! | what | number | bytes | answer |
//! | --- | --- | --- | --- |
//! | 1: is it there? | – | – | 0 |
//! | 2: a message | – | – | 1: a text, 2: bytes; and it |
//! | 5: send a text | – | it | 0, when the system has it |
//! | 10: send bytes | – | them | 0, when the system has them |
//! | 7: close | a code, as RFC 6455, 7.4, has them | the reason: a text of 123 bytes at most | 0 |
//! | 8: it belongs to another process | its pid | – | 0 |
//!
//! In place of a message or 0, 3 says that it is over, with the body of the frame that has said so: the
//! code in two bytes, the higher one first, and the reason. Code 1005 stands for a frame without a code,
//! and 1006 for no frame. Below 0 an answer is a [`Refusal`].
//!
//! The process ends with its owner, or when the owner closes it. The peer is told of the owner's end by
//! code 1000 when that was as it should be, by 1001 when it was told to end, or the program is, else by
//! 1011.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use hyper::upgrade::Upgraded;
use tokio::select;
use tokio::time::{Instant, timeout};
use tungstenite::protocol::frame::Utf8Bytes;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role};

use iridium_sched::Reason;
use iridium_vm::Pid;

use super::talk::{SEND_TEXT, Talk};
use super::wire::Wire;
use crate::connection::{CLOSE, GIVE, IS_THERE, Socket, at};
use crate::flow::{Answer, MAX_BYTES};
use crate::outside::Ending;
use crate::port::Port;
use crate::refusal::Refusal;
use crate::request::{Asker, Request};

const READ: i64 = 2;
const SEND_BYTES: i64 = 10;

/// How long the peer may take to say goodbye, and how long to take the last of what is sent to it.
const GOODBYE: Duration = Duration::from_secs(1);
const LEAVE: Duration = Duration::from_secs(3);
/// The longest reason for a goodbye, in bytes: the frame has 125.
const MAX_REASON: usize = 123;

/// A connection that comes to be one of WebSocket.
pub(crate) type Upgrading = Pin<Box<dyn Future<Output = Result<Upgraded, Refusal>> + Send>>;

/// How it is spoken, and with whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) role: Role,
    /// The longest message from the peer, in bytes.
    pub(crate) most: usize,
    /// How long the peer may show no sign of life.
    pub(crate) idle: Duration,
}

/// Who has it closed, if it is not because the owner has ended.
type Closer = Option<Asker>;

/// Runs a WebSocket from its beginning to its end, which is that of all servers, at the latest.
pub(crate) async fn run(
    port: Port,
    owner: Pid,
    upgrading: Upgrading,
    manner: Manner,
    mut ending: Ending,
) {
    let mut socket = Socket::new(port, owner);
    let mut early = Vec::new();
    let stream = match socket.establish(upgrading, &mut early).await {
        None => return,
        Some(Err(refusal)) => return socket.fail(early, &refusal).await,
        Some(Ok(stream)) => stream,
    };
    let wire = Wire::new(stream, manner.role, manner.most, MAX_BYTES);
    let mut talk = Talk::new(wire, manner.idle);
    let closing = carry(&mut socket, &mut talk, early, &mut ending).await;
    if let Some((frame, closer)) = closing {
        let _ = timeout(GOODBYE, poll_fn(|cx| talk.poll_close(&frame, cx))).await;
        tell(&mut socket, &mut talk).await;
        if let Some(asker) = closer {
            socket.answer(Answer::new(asker, Ok((0, Vec::new())))).await;
        }
        let _ = timeout(LEAVE, poll_fn(|cx| talk.poll_leave(cx))).await;
        return;
    }
    let _ = timeout(LEAVE, poll_fn(|cx| talk.poll_leave(cx))).await;
    // Nothing is left to be waited for.
    drop(ending);
    remain(&mut socket, talk).await;
}

/// Carries messages until the connection is over, or is to be closed: how, and who wants that.
async fn carry(
    socket: &mut Socket,
    talk: &mut Talk,
    early: Vec<Request>,
    ending: &mut Ending,
) -> Option<(CloseFrame, Closer)> {
    for request in early {
        if let Some(closing) = handle(socket, talk, request).await {
            return Some(closing);
        }
    }
    loop {
        tell(socket, talk).await;
        if talk.is_over() {
            return None;
        }
        let deadline = talk.deadline();
        select! {
            request = socket.next() => {
                let Some(request) = request else {
                    return Some((goodbye(code_of(socket.left), ""), None));
                };
                if let Some(closing) = handle(socket, talk, request).await {
                    return Some(closing);
                }
            }
            () = ending.comes() => return Some((goodbye(CloseCode::Away, ""), None)),
            () = poll_fn(|cx| talk.poll(cx)) => {}
            () = at(deadline) => talk.expire(Instant::now()),
        }
    }
}

/// Does what is asked for, or begins to. Returns how it is to be closed, if it is.
async fn handle(
    socket: &mut Socket,
    talk: &mut Talk,
    request: Request,
) -> Option<(CloseFrame, Closer)> {
    let answer = match request.what {
        IS_THERE => Ok((0, Vec::new())),
        READ => {
            talk.read(request);
            return None;
        }
        SEND_TEXT | SEND_BYTES => {
            talk.write(request);
            return None;
        }
        CLOSE => match last_words(&request) {
            Some(frame) => return Some((frame, Some(request.asker))),
            None => Err(Refusal::Invalid),
        },
        GIVE => {
            socket.give(Pid::from_bits(request.number));
            Ok((0, Vec::new()))
        }
        _ => Err(Refusal::Invalid),
    };
    socket.answer(Answer::new(request.asker, answer)).await;
    None
}

/// The connection is over; whoever asks is told why, until the owner ends or has heard enough.
async fn remain(socket: &mut Socket, mut talk: Talk) {
    while let Some(request) = socket.next().await {
        match request.what {
            CLOSE => {
                socket.answer(Answer::new(request.asker, Ok((0, Vec::new())))).await;
                return;
            }
            READ | SEND_TEXT | SEND_BYTES => talk.tell_end(request),
            _ => drop(handle(socket, &mut talk, request).await),
        }
        tell(socket, &mut talk).await;
    }
}

async fn tell(socket: &mut Socket, talk: &mut Talk) {
    while let Some(answer) = talk.next_answer() {
        socket.answer(answer).await;
    }
}

/// What the peer is told of how the owner has ended.
fn code_of(left: Option<Reason>) -> CloseCode {
    match left {
        Some(Reason::NORMAL) => CloseCode::Normal,
        None | Some(Reason::SHUTDOWN) => CloseCode::Away,
        Some(_) => CloseCode::Error,
    }
}

/// How a request wants it to be closed.
fn last_words(request: &Request) -> Option<CloseFrame> {
    let code = CloseCode::from(u16::try_from(request.number).ok()?);
    let reason = str::from_utf8(&request.bytes).ok()?;
    (code.is_allowed() && reason.len() <= MAX_REASON).then(|| goodbye(code, reason))
}

fn goodbye(code: CloseCode, reason: &str) -> CloseFrame {
    CloseFrame { code, reason: Utf8Bytes::from(reason) }
}
