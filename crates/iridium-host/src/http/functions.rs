//! HTTP servers of programs.
//!
//! A server belongs to the process that starts it. That process takes the numbers of requests, starts
//! a process for each, and says which; that one reads the request by its number, and answers it. When
//! it ends without an answer, the client gets the status 500, and when it takes too long, 503. To any
//! other process the number says that there is no such request.
//!
//! | name | arguments | results |
//! | --- | --- | --- |
//! | `net.listen.http_start` | address, length: the host; address, length: the port, and the limits, 8 bytes each: connections, bytes of a head, of a body, and in ms the times for a head, idle, stalled, for an answer; one that is below 0, or left out, is the default; address, length: for TLS a chain of certificates and its key, in PEM, or nothing; address, room | how many bytes of a reason were copied; number of the server; its port |
//! | `net.listen.http_take` | server; how long to wait, in ms, or 0; address, room | how many bytes of numbers of requests, 8 for each, were written; 0, or -1 when there will be none |
//! | `net.listen.http_renew` | server; address, length: another chain of certificates and its key, in PEM; address, room | how many bytes of a reason were copied; 0 |
//! | `net.listen.http_assign` | request, pid | – |
//! | `net.listen.http_head` | request; address, room | how many bytes were copied: all or none; how many there are; the lengths of method, path and query, which stand there without anything between, before the address of the client and the fields |
//! | `net.listen.http_body` | request; address, room | how many bytes of the body were copied; the same again, 0 at its end |
//! | `net.listen.http_answer` | request; status; address, length: fields; address, length: body | 0 |
//! | `net.listen.http_begin` | request; status; address, length: fields; how many bytes the body has, or -1 | 0 |
//! | `net.listen.http_write` | request; address, length: the next part of the body | 0, once there is room for more |
//! | `net.listen.http_end` | request | 0 |
//! | `net.listen.http_websocket` | request; 1: for pages of other sites, too; address, length: fields | the pid of a WebSocket, as the module `websocket` has it |
//!
//! In place of the last result that is a number: -1 when there is no such request or server any more,
//! -2 when the policy does not allow the address, -3 when there is no such address, -4 for a body that
//! is too long, -5 when the client is too slow, -6 for what is no head, -7 when no WebSocket is asked for,
//! which the client is told, -8 when there can be no TLS, which has a reason, -1000 - N for an error that
//! the system calls N.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Buf as _, Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use iridium_vm::{Caller, HostError, Hosts, Pid, Reply};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::exchange::{Answer, Exchanges, Gone, Reading};
use super::head::{self, Head};
use super::limits::HttpLimits;
use super::listener::{Listener, Listeners, OVER, Taker};
use super::paced::OpenRequest;
use super::serve::{Asked, Manner, PROTOCOLS, serve};
use super::upgrade::{self, NoWebSocket, Upgrade};
use crate::arguments::{answer, bytes, copy_whole, int, most, put, room, text, wait};
use crate::dial::bind;
use crate::outside::OutsideHandle;
use crate::places::Places;
use crate::refusal::Refusal;
use crate::tls::{Identity, TlsError};
use crate::websocket;

const NOT_ALLOWED: i64 = -2;
const NO_ADDRESS: i64 = -3;
const TOO_LARGE: i64 = -4;
const TOO_SLOW: i64 = -5;
const NO_HEAD: i64 = -6;
const NO_WEBSOCKET: i64 = -7;
const NO_TLS: i64 = -8;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 4096;
/// How long those who have asked may take when their server ends.
const GRACE: Duration = Duration::from_secs(10);

/// The servers of programs, and what their clients wait for.
struct Http {
    outside: OutsideHandle,
    places: Places,
    listeners: Listeners,
    exchanges: Exchanges,
}

/// Adds the functions of servers.
pub(crate) fn add_server(hosts: &mut Hosts, outside: OutsideHandle, places: &Places) {
    let (listeners, exchanges) = (Listeners::default(), Exchanges::new(outside.clone()));
    let http = Arc::new(Http { outside, places: places.clone(), listeners, exchanges });
    type Immediate = fn(&Arc<Http>, &mut Caller<'_>) -> Result<i64, HostError>;
    let immediate: [(&str, Immediate); 5] = [
        ("assign", assign),
        ("answer", answer_whole),
        ("begin", begin),
        ("end", end),
        ("websocket", websocket),
    ];
    for (name, function) in immediate {
        let http = Arc::clone(&http);
        hosts.add(format!("net.listen.http_{name}"), move |caller| {
            let code = function(&http, caller)?;
            answer(caller, [code])
        });
    }
    type Deferred = fn(&Arc<Http>, &mut Caller<'_>, Reply);
    let deferred: [(&str, Deferred); 3] = [("take", take), ("body", body), ("write", write)];
    for (name, function) in deferred {
        let http = Arc::clone(&http);
        hosts.add_deferred(format!("net.listen.http_{name}"), move |caller, reply| {
            function(&http, caller, reply);
        });
    }
    let all = Arc::clone(&http);
    hosts.add("net.listen.http_head", move |caller| {
        let head =
            all.exchanges.with(int(caller, 0), caller.pid, |exchange| Arc::clone(&exchange.head));
        let Ok(head) = head else { return answer(caller, [0, OVER]) };
        let copied = copy_whole(head.text.as_bytes(), room(caller, 1)?);
        let lengths = [copied, head.text.len(), head.method, head.path, head.query];
        answer(caller, lengths.map(|length| length as i64))
    });
    let renewing = Arc::clone(&http);
    // A name may have to be looked up.
    hosts.add_blocking("net.listen.http_start", move |caller| {
        let cells = bytes(caller, 2)?;
        let (port, cells) = cells.split_first_chunk().ok_or_else(HostError::outside)?;
        let place = Place { host: text(caller, 0)?, port: i64::from_le_bytes(*port) };
        let limits = limits(cells);
        let identity = bytes(caller, 4)?;
        let identity = Identity::read(identity, identity).map_err(no_tls);
        match identity.and_then(|identity| http.start(&place, limits, identity, caller.pid)) {
            Ok((number, port)) => answer(caller, [0, number, i64::from(port)]),
            Err(refusal) => {
                let copied = copy_whole(refusal.text().as_bytes(), room(caller, 6)?);
                answer(caller, [copied as i64, code_of(&refusal), 0])
            }
        }
    });
    // Keys take long to be read.
    hosts.add_blocking("net.listen.http_renew", move |caller| {
        let pem = bytes(caller, 1)?;
        let renewed = match owned(&renewing, int(caller, 0), caller) {
            Some(listener) => match &listener.identity {
                Some(identity) => identity.replace(pem, pem).map_err(no_tls),
                None => Err(Refusal::Tls("the server has no TLS".to_owned())),
            },
            None => Err(Refusal::Closed),
        };
        let Err(refusal) = renewed else { return answer(caller, [0, 0]) };
        let copied = copy_whole(refusal.text().as_bytes(), room(caller, 3)?);
        answer(caller, [copied as i64, code_of(&refusal)])
    });
}

fn no_tls(error: TlsError) -> Refusal {
    Refusal::Tls(error.to_string())
}

fn limits(cells: &[u8]) -> HttpLimits {
    let cell = |nth: usize| {
        let cell = cells.get(nth * 8..nth * 8 + 8).and_then(|cell| cell.try_into().ok());
        cell.map(i64::from_le_bytes).and_then(|cell| u64::try_from(cell).ok())
    };
    let size = |nth, default| cell(nth).and_then(|n| usize::try_from(n).ok()).unwrap_or(default);
    let time = |nth, default| cell(nth).map_or(default, Duration::from_millis);
    let default = HttpLimits::default();
    HttpLimits {
        connections: size(0, default.connections).min(tokio::sync::Semaphore::MAX_PERMITS),
        head_bytes: size(1, default.head_bytes),
        body_bytes: size(2, default.body_bytes),
        head_time: time(3, default.head_time),
        idle_time: time(4, default.idle_time),
        stall_time: time(5, default.stall_time),
        answer_time: time(6, default.answer_time),
    }
}

/// Where somebody wants to listen.
struct Place {
    host: String,
    port: i64,
}

/// Why there is no server.
fn code_of(refusal: &Refusal) -> i64 {
    match refusal {
        Refusal::NotAllowed => NOT_ALLOWED,
        Refusal::System(_) => refusal.code(),
        Refusal::Tls(_) => NO_TLS,
        Refusal::Closed => OVER,
        _ => NO_ADDRESS,
    }
}

impl Http {
    /// Listens, and begins to accept. Returns the number of the server and its port.
    fn start(
        self: &Arc<Self>,
        Place { host, port }: &Place,
        limits: HttpLimits,
        identity: Option<Arc<Identity>>,
        owner: Pid,
    ) -> Result<(i64, u16), Refusal> {
        let tls = identity.as_ref().map(|identity| identity.config(&PROTOCOLS)).transpose();
        let tls = tls.map_err(no_tls)?;
        let port = u16::try_from(*port).map_err(|_| Refusal::Invalid)?;
        let runtime = self.outside.runtime()?;
        let socket = runtime.block_on(bind(&self.places, host, port, BACKLOG))?;
        let addr = socket.local_addr()?;
        let (listener, told) = Listener::new(owner, identity, limits.connections);
        let number = self.listeners.add(Arc::clone(&listener));
        let scheduler = self.outside.scheduler()?;
        scheduler.hold_until_exit(owner, Running { http: Arc::clone(self), number });
        let manner = Manner { limits, tls, one_request: false, grace: GRACE };
        let (http, asked) = (Arc::clone(self), Arc::clone(&listener));
        let serving = serve(socket, manner, told, move |request| {
            let (http, listener) = (Arc::clone(&http), Arc::clone(&asked));
            async move { exchange(&http, &listener, limits, request).await }
        });
        let mut ending = self.outside.ending()?;
        runtime.spawn(async move {
            let mut serving = pin!(serving);
            tokio::select! {
                () = &mut serving => {}
                () = ending.comes() => {
                    listener.stop();
                    serving.await;
                }
            }
        });
        Ok((number, addr.port()))
    }
}

/// A server that ends when this is dropped.
struct Running {
    http: Arc<Http>,
    number: i64,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.http.listeners.remove(self.number);
    }
}

/// Has a program answer a request.
async fn exchange(
    http: &Http,
    listener: &Listener,
    limits: HttpLimits,
    asked: Asked,
) -> Response<Answer> {
    let Asked { mut request, peer, open } = asked;
    let upgrade = Upgrade::of(&mut request, &limits);
    let (parts, body) = request.into_parts();
    let ends = head::ends_connection(&parts);
    let mut response = answered(http, listener, limits, (parts, body, upgrade, peer), open).await;
    if ends {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn answered(
    http: &Http,
    listener: &Listener,
    limits: HttpLimits,
    (parts, body, upgrade, peer): (Parts, Incoming, Option<Upgrade>, SocketAddr),
    open: OpenRequest,
) -> Response<Answer> {
    if let Some(status) = head::refusal(&parts, limits.body_bytes) {
        return own(status);
    }
    let (room, stall_time) = (limits.body_bytes, limits.stall_time);
    let body = Reading { body, left: Bytes::new(), room, stall_time };
    let (head, time) = (Head::of(&parts, peer), limits.answer_time);
    // Each connection has one at a time, or is of HTTP/2. There a client can also give up one after the
    // other while processes are at work on them.
    let added = http.exchanges.add(listener, head, body, upgrade, open, time);
    let Some((waiting, answered)) = added else { return own(StatusCode::SERVICE_UNAVAILABLE) };
    if !listener.push(waiting.number) {
        return own(StatusCode::SERVICE_UNAVAILABLE);
    }
    match timeout(time, answered).await {
        Ok(Ok(response)) => {
            waiting.keep();
            response
        }
        Ok(Err(_)) => own(StatusCode::INTERNAL_SERVER_ERROR),
        Err(_) => {
            http.exchanges.end_handler(waiting.number);
            own(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

/// An answer that no program has made: the name of its status, as a text.
fn own(status: StatusCode) -> Response<Answer> {
    let text = format!("{}\n", status.canonical_reason().unwrap_or("error").to_lowercase());
    let mut response = Response::new(Answer::Own(text.into()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// The server of this number, when it belongs to the process.
fn owned(http: &Http, server: i64, caller: &Caller<'_>) -> Option<Arc<Listener>> {
    http.listeners.find(server).filter(|listener| listener.owner == caller.pid)
}

fn assign(http: &Arc<Http>, caller: &mut Caller<'_>) -> Result<i64, HostError> {
    let handler = Pid::from_bits(int(caller, 1));
    let Ok(handling) = http.exchanges.assign(int(caller, 0), caller.pid, handler) else {
        return Ok(OVER);
    };
    if let Ok(scheduler) = http.outside.scheduler() {
        scheduler.hold_until_exit(handler, handling);
    }
    Ok(0)
}

fn answer_whole(http: &Arc<Http>, caller: &mut Caller<'_>) -> Result<i64, HostError> {
    let Some(head) = head::response(int(caller, 1), bytes(caller, 2)?) else {
        return Ok(NO_HEAD);
    };
    let body = Bytes::copy_from_slice(bytes(caller, 4)?);
    Ok(done(http.exchanges.answer(int(caller, 0), caller.pid, head, body)))
}

fn begin(http: &Arc<Http>, caller: &mut Caller<'_>) -> Result<i64, HostError> {
    let Some(head) = head::response(int(caller, 1), bytes(caller, 2)?) else {
        return Ok(NO_HEAD);
    };
    let size = u64::try_from(int(caller, 4)).ok();
    Ok(done(http.exchanges.begin(int(caller, 0), caller.pid, head, size)))
}

fn end(http: &Arc<Http>, caller: &mut Caller<'_>) -> Result<i64, HostError> {
    Ok(done(http.exchanges.end(int(caller, 0), caller.pid)))
}

/// Makes a request a WebSocket, or answers why it does not become one.
fn websocket(http: &Arc<Http>, caller: &mut Caller<'_>) -> Result<i64, HostError> {
    let (number, owner, for_others) = (int(caller, 0), caller.pid, int(caller, 1) != 0);
    let Some(fields) = head::fields(bytes(caller, 2)?) else { return Ok(NO_HEAD) };
    let Ok(asked) = http.exchanges.with(number, owner, |exchange| exchange.upgrade.take()) else {
        return Ok(OVER);
    };
    let Ok(ending) = http.outside.ending() else { return Ok(OVER) };
    let upgrade = match asked.ok_or(NoWebSocket::NotAsked) {
        Ok(upgrade) if upgrade.is_foreign && !for_others => Err(NoWebSocket::Foreign),
        Ok(_) if ending.has_come() => Err(NoWebSocket::Ending),
        asked => asked,
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(why) => {
            let (response, text) = upgrade::refused(why);
            let told = http.exchanges.answer(number, owner, response, Bytes::from_static(text));
            return Ok(told.map_or(OVER, |()| NO_WEBSOCKET));
        }
    };
    let manner = websocket::Manner { most: most(caller, upgrade.manner.most), ..upgrade.manner };
    let (response, stream) = upgrade.answered(fields);
    let started = http.outside.start(|port| {
        let switched = http.exchanges.switch(number, owner, response);
        async move {
            // Unless the client has gone.
            if let Ok(_open) = switched {
                websocket::run(port, owner, stream, manner, ending).await;
            }
        }
    });
    Ok(started.map_or_else(
        |error| {
            log::warn!("no WebSocket: {error}");
            OVER
        },
        Pid::bits,
    ))
}

fn done(result: Result<(), Gone>) -> i64 {
    result.map_or(OVER, |()| 0)
}

fn take(http: &Arc<Http>, caller: &mut Caller<'_>, reply: Reply) {
    let (ms, address, room) = (int(caller, 1), int(caller, 2), int(caller, 3));
    let room = usize::try_from(room).unwrap_or(0) / 8;
    let Some(listener) = owned(http, int(caller, 0), caller) else {
        return reply.answer(|caller| answer(caller, [0, OVER]));
    };
    let (waits, ended) = oneshot::channel();
    listener.take(Taker { reply, address, room, _waits: waits });
    if ms > 0
        && let Ok(runtime) = http.outside.runtime()
    {
        let within = wait(caller, 1);
        runtime.spawn(async move {
            // Who was given none too early asks again.
            if timeout(within, ended).await.is_err() {
                listener.give_none();
            }
        });
    }
}

fn body(http: &Arc<Http>, caller: &mut Caller<'_>, reply: Reply) {
    let (request, address, of) = (int(caller, 0), int(caller, 1), caller.pid);
    let room = usize::try_from(int(caller, 2)).unwrap_or(0);
    let reading = http.exchanges.with(request, of, |exchange| exchange.body.take());
    let (Ok(Some(mut reading)), Ok(runtime)) = (reading, http.outside.runtime()) else {
        return reply.answer(|caller| answer(caller, [0, OVER]));
    };
    let http = Arc::clone(http);
    runtime.spawn(async move {
        let part = next_part(&mut reading, room).await;
        // The client may have gone meanwhile.
        let _ = http.exchanges.with(request, of, |exchange| exchange.body = Some(reading));
        reply.answer(move |caller| match part {
            Ok(part) => {
                put(caller, address, &part)?;
                answer(caller, [part.len() as i64; 2])
            }
            Err(code) => answer(caller, [0, code]),
        });
    });
}

/// The next part of a body, of so many bytes at most; none at its end.
async fn next_part(reading: &mut Reading, most: usize) -> Result<Bytes, i64> {
    while reading.left.is_empty() {
        let frame = timeout(reading.stall_time, reading.body.frame()).await;
        let Some(frame) = frame.map_err(|_| TOO_SLOW)? else { break };
        // What is no data comes behind it.
        let Ok(data) = frame.map_err(|_| OVER)?.into_data() else { continue };
        reading.room = reading.room.checked_sub(data.remaining()).ok_or(TOO_LARGE)?;
        reading.left = data;
    }
    let length = reading.left.len().min(most);
    Ok(reading.left.split_to(length))
}

fn write(http: &Arc<Http>, caller: &mut Caller<'_>, reply: Reply) {
    let part = match bytes(caller, 1) {
        Ok(part) => Bytes::copy_from_slice(part),
        Err(error) => return reply.answer(|_| Err(error)),
    };
    let (number, of) = (int(caller, 0), caller.pid);
    let (Ok(parts), Ok(runtime)) = (http.exchanges.parts(number, of), http.outside.runtime())
    else {
        return reply.answer(|caller| answer(caller, [OVER]));
    };
    let Err(full) = parts.try_send(Ok(part)) else {
        return reply.answer(|caller| answer(caller, [0]));
    };
    let (part, http) = (full.into_inner(), Arc::clone(http));
    runtime.spawn(async move {
        // It ends with the connection, which does when the client reads nothing.
        let code = match parts.send(part).await {
            Ok(()) => 0,
            Err(_) => {
                // It is told so now.
                let _ = http.exchanges.end(number, of);
                OVER
            }
        };
        reply.answer(move |caller| answer(caller, [code]));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_what_is_given_also_when_that_is_nothing() {
        let cells =
            |cells: &[i64]| limits(&cells.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>());
        assert_eq!(cells(&[]), HttpLimits::default());
        assert_eq!(cells(&[-1, -1, -1, i64::MIN]), HttpLimits::default());
        let given = cells(&[5, 9000, 0, 1, 2, 0, 4]);
        assert_eq!((given.connections, given.head_bytes, given.body_bytes), (5, 9000, 0));
        let times = [given.head_time, given.idle_time, given.stall_time, given.answer_time];
        assert_eq!(times, [1, 2, 0, 4].map(Duration::from_millis));
    }
}
