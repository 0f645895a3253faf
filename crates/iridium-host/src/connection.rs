//! The process that a connection is.
//!
//! | what | number | bytes | answer |
//! | --- | --- | --- | --- |
//! | 1: is it there? | – | – | 0; the addresses of both ends, with a 10 between them |
//! | 2: some bytes | how many at most | – | 1 and the bytes; 0: the end |
//! | 3: a line | how long at most | – | 1 and the line; 0: the end |
//! | 4: so many bytes | how many | – | 1 and the bytes; 0: the end is before them |
//! | 5: write | – | what | 0, when the system has it |
//! | 6: nothing more is written | – | – | 0 |
//! | 7: close | – | – | 0 |
//! | 8: it belongs to another process | its pid | – | 0 |
//!
//! Below 0 an answer is a [`Refusal`]. The process ends with its owner, or when the owner closes it.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use tokio::select;
use tokio::time::{Instant, sleep_until, timeout};

use iridium_sched::Reason;
use iridium_vm::{Message, Pid};

use crate::flow::{Answer, Flow, MAX_WAITING, Portion};
use crate::port::Port;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::stream::Stream;

/// How long the peer may take to be told of the end.
const GOODBYE: Duration = Duration::from_secs(1);
/// How long somebody may take to ask why there is no connection.
const QUESTION_WITHIN: Duration = Duration::from_secs(10);

pub(crate) const IS_THERE: i64 = 1;
pub(crate) const CLOSE: i64 = 7;
pub(crate) const GIVE: i64 = 8;

/// A connection that comes about.
pub(crate) type Establishing = Pin<Box<dyn Future<Output = Result<Stream, Refusal>> + Send>>;

/// A socket as its process: the port, and the monitor of the owner, with which it ends.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) port: Port,
    owner: i64,
    /// Why the owner has ended, once it has.
    pub(crate) left: Option<Reason>,
}

impl Socket {
    pub(crate) fn new(mut port: Port, owner: Pid) -> Self {
        let owner = port.monitor(owner);
        Self { port, owner, left: None }
    }

    /// The next request; `None` when it is to end.
    pub(crate) async fn next(&mut self) -> Option<Request> {
        loop {
            let message = self.port.receive().await.ok()?;
            if message.tag == Message::DOWN {
                let mut cells = message.payload.bytes().chunks_exact(8);
                let mut cell = || Some(i64::from_le_bytes(cells.next()?.try_into().ok()?));
                if cell() == Some(self.owner) {
                    self.left = cell().map(Reason);
                    return None;
                }
            } else if let Some(request) = Request::read(&message) {
                return Some(request);
            }
        }
    }

    /// Waits for what the socket is made of, and keeps what is asked meanwhile. `None` when it is to end.
    pub(crate) async fn establish<T>(
        &mut self,
        mut establishing: impl Future<Output = Result<T, Refusal>> + Unpin,
        early: &mut Vec<Request>,
    ) -> Option<Result<T, Refusal>> {
        loop {
            select! {
                request = self.next() => {
                    let request = request?;
                    if early.len() < MAX_WAITING {
                        early.push(request);
                    } else {
                        self.answer(Answer::new(request.asker, Err(Refusal::Busy))).await;
                    }
                }
                established = &mut establishing => return Some(established),
            }
        }
    }

    /// It belongs to another process from now on.
    pub(crate) fn give(&mut self, to: Pid) {
        self.port.demonitor(self.owner);
        self.owner = self.port.monitor(to);
    }

    pub(crate) async fn answer(&mut self, answer: Answer) {
        answer.asker.answer(&mut self.port, answer.code, &answer.bytes).await;
    }

    /// Says to whoever asks, why there is no socket.
    pub(crate) async fn fail(&mut self, early: Vec<Request>, refusal: &Refusal) {
        let mut asked = early;
        if asked.is_empty() {
            asked.extend(timeout(QUESTION_WITHIN, self.next()).await.ok().flatten());
        }
        for request in asked {
            self.answer(Answer::new(request.asker, Err(refusal.clone()))).await;
        }
    }
}

/// Waits for a time, or for ever.
pub(crate) async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

/// Runs a connection from its beginning to its end.
pub(crate) async fn run(port: Port, owner: Pid, mut establishing: Establishing) {
    let mut socket = Socket::new(port, owner);
    let mut early = Vec::new();
    let Some(established) = socket.establish(&mut establishing, &mut early).await else { return };
    drop(establishing);
    match established {
        Ok(stream) => carry(&mut socket, Flow::new(stream), early).await,
        Err(refusal) => socket.fail(early, &refusal).await,
    }
}

async fn carry(socket: &mut Socket, mut flow: Flow, early: Vec<Request>) {
    for request in early {
        if !handle(socket, &mut flow, request).await {
            return;
        }
    }
    loop {
        while let Some(answer) = flow.next_answer() {
            socket.answer(answer).await;
        }
        let deadline = flow.deadline();
        select! {
            request = socket.next() => {
                let Some(request) = request else { return };
                if !handle(socket, &mut flow, request).await {
                    return;
                }
            }
            () = poll_fn(|cx| flow.poll(cx)) => {}
            () = at(deadline) => if flow.expire(Instant::now()) {
                while let Some(answer) = flow.next_answer() {
                    socket.answer(answer).await;
                }
                return;
            },
        }
    }
}

/// Does what is asked for, or begins to. Returns whether the connection goes on.
async fn handle(socket: &mut Socket, flow: &mut Flow, request: Request) -> bool {
    let done = Ok((0, Vec::new()));
    match request.what {
        IS_THERE => {
            let addresses = flow.stream().addresses().map_err(Refusal::from);
            let text = addresses.map(|(own, peer)| (0, format!("{own}\n{peer}").into_bytes()));
            socket.answer(Answer::new(request.asker, text)).await;
        }
        2 => flow.read(Portion::Some, request),
        3 => flow.read(Portion::Line, request),
        4 => flow.read(Portion::Exactly, request),
        5 => flow.write(request, false),
        6 => flow.write(request, true),
        CLOSE => {
            let _ = timeout(GOODBYE, poll_fn(|cx| flow.poll_finish(cx))).await;
            socket.answer(Answer::new(request.asker, done)).await;
            return false;
        }
        GIVE => {
            socket.give(Pid::from_bits(request.number));
            socket.answer(Answer::new(request.asker, done)).await;
        }
        _ => socket.answer(Answer::new(request.asker, Err(Refusal::Invalid))).await,
    }
    true
}
