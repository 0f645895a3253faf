//! HTTP as a client, for programs. What a process is answered is kept until it takes it, or ends.
//!
//! | name | arguments | results |
//! | --- | --- | --- |
//! | `net.connect.http_fetch` | address, length: lines with the method, the URL and the fields; address, length: the body; how long it may take, in ms; how many bytes the body of the answer may have, which are no more than the heap may have | the status; how many bytes there are to take; the lengths of the URL and of the fields, which stand there before the body |
//! | `net.connect.http_take` | address, room | how many bytes were copied: all or none |
//!
//! In place of a status: -1 when the policy does not allow the host, -2 when it takes too long, -3 when
//! it cannot be asked any more, -4 when no host has that name, -5 for a body that is too long, -7 when
//! the two sides cannot agree on TLS, -8 when the host can be none, -9 for what is no URL of HTTP, -10
//! after too many redirects, -11 for what is no answer of HTTP, -12 for what is no method or field,
//! -1000 - N for an error that the system calls N. What there is to take is the host and its port then,
//! the URL, or the reason.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::Method;
use hyper::body::Bytes;
use iridium_vm::{Caller, Hosts, Pid, Reply};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::fetch::{Fault, Fetched, Question, Url, fetch};
use super::head;
use super::pool::Pool;
use crate::arguments::{answer, bytes, copy_whole, int, most, room, wait};
use crate::outside::OutsideHandle;
use crate::places::Places;
use crate::refusal::Refusal;

const TOO_LARGE: i64 = -5;
const NO_URL: i64 = -9;
const TOO_MANY_REDIRECTS: i64 = -10;
const NO_HTTP: i64 = -11;
const NO_HEAD: i64 = -12;

/// What processes were answered and have not taken, for those that have asked.
#[derive(Debug, Clone, Default)]
struct Answers(Arc<Mutex<HashMap<Pid, Vec<u8>>>>);

/// What a process was answered is thrown away with this.
struct Asker {
    answers: Answers,
    pid: Pid,
}

/// What clients share.
#[derive(Debug)]
struct Client {
    outside: OutsideHandle,
    allowed: Places,
    answers: Answers,
    pool: Pool,
}

/// A code, what there is to take, and two lengths.
type Outcome = (i64, Vec<u8>, [usize; 2]);

/// Adds the functions of clients.
pub(crate) fn add_client(hosts: &mut Hosts, outside: OutsideHandle, allowed: &Places) {
    let (answers, allowed) = (Answers::default(), allowed.clone());
    let pool = Pool::default();
    let client = Arc::new(Client { outside, allowed, answers: answers.clone(), pool });
    hosts.add_deferred("net.connect.http_fetch", move |caller, reply| {
        start(&client, caller, reply);
    });
    hosts.add("net.connect.http_take", move |caller| {
        let pid = caller.pid;
        let copied = answers.take(pid, room(caller, 0)?);
        answer(caller, [copied as i64])
    });
}

/// Begins to ask.
fn start(client: &Arc<Client>, caller: &mut Caller<'_>, reply: Reply) {
    let wanted = usize::try_from(int(caller, 5)).unwrap_or(0);
    let (wait, most) = (wait(caller, 4), most(caller, wanted));
    let read = match (bytes(caller, 0), bytes(caller, 2)) {
        (Ok(head), Ok(body)) => read(head, body),
        (Err(error), _) | (_, Err(error)) => {
            reply.answer(|_| Err(error));
            return;
        }
    };
    let pid = caller.pid;
    let Client { outside, answers, .. } = &**client;
    let (Ok(runtime), Ok(scheduler)) = (outside.runtime(), outside.scheduler()) else {
        reply.answer(|caller| answer(caller, [Refusal::Closed.code(), 0, 0, 0]));
        return;
    };
    if answers.begin(pid) {
        scheduler.hold_until_exit(pid, Asker { answers: answers.clone(), pid });
    }
    let (cancel, cancelled) = oneshot::channel();
    reply.on_cancel(move || {
        let _ = cancel.send(());
    });
    let client = Arc::clone(client);
    runtime.spawn(async move {
        let Client { allowed, pool, answers, .. } = &*client;
        let asked = async {
            let fetched = match read {
                Ok(question) => fetch(pool, allowed, question, Instant::now() + wait, most).await,
                Err(outcome) => return outcome,
            };
            fetched.map_or_else(failed, answered)
        };
        let (code, taken, lengths) = tokio::select! {
            Ok(()) = cancelled => return,
            outcome = asked => outcome,
        };
        let [url, fields] = lengths.map(|length| length as i64);
        let size = taken.len() as i64;
        answers.keep(pid, taken);
        reply.answer(move |caller| answer(caller, [code, size, url, fields]));
    });
}

/// What is asked, or why nothing can be.
fn read(head: &[u8], body: &[u8]) -> Result<Question, Outcome> {
    let mut lines = head.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, url, fields) = (line(), line(), line());
    let no_head = |line: &[u8]| (NO_HEAD, line.to_vec(), [0; 2]);
    let method = Method::from_bytes(method).ok().filter(|method| method != Method::CONNECT);
    let method = method.ok_or_else(|| no_head(head))?;
    let url = Url::read(&String::from_utf8_lossy(url)).map_err(failed)?;
    let fields = head::fields(fields).ok_or_else(|| no_head(fields))?;
    Ok(Question { method, url, fields, body: Bytes::copy_from_slice(body) })
}

fn answered(fetched: Fetched) -> Outcome {
    let (url, fields) = (fetched.url.text(), head::lines(&fetched.fields));
    let lengths = [url.len(), fields.len()];
    let taken = [url.as_bytes(), fields.as_bytes(), &fetched.body].concat();
    (i64::from(fetched.status.as_u16()), taken, lengths)
}

fn failed(fault: Fault) -> Outcome {
    let (code, text) = match fault {
        Fault::Host(_, Refusal::Tls(reason)) => (Refusal::Tls(String::new()).code(), reason),
        Fault::Host(place, refusal) => (refusal.code(), place),
        Fault::Url(url) => (NO_URL, url),
        Fault::Redirects(url) => (TOO_MANY_REDIRECTS, url),
        Fault::TooLarge => (TOO_LARGE, String::new()),
        Fault::Http(reason) => (NO_HTTP, reason),
    };
    (code, text.into_bytes(), [0; 2])
}

impl Answers {
    /// A process asks. Says whether it is the first time.
    fn begin(&self, pid: Pid) -> bool {
        self.lock().insert(pid, Vec::new()).is_none()
    }

    /// Keeps an answer for a process that has begun, and has not ended.
    fn keep(&self, pid: Pid, taken: Vec<u8>) {
        if let Some(kept) = self.lock().get_mut(&pid) {
            *kept = taken;
        }
    }

    /// Copies an answer, which is not kept any longer.
    fn take(&self, pid: Pid, to: &mut [u8]) -> usize {
        let taken = self.lock().get_mut(&pid).map(std::mem::take).unwrap_or_default();
        copy_whole(&taken, to)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Pid, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.answers.lock().remove(&self.pid);
    }
}
