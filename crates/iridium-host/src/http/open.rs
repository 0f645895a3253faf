//! WebSockets that programs open: the client's side of the handshake, RFC 6455, 4.1.
//!
//! | name | arguments | results |
//! | --- | --- | --- |
//! | `net.connect.ws_open` | address, length: the URL; address, length: fields; how long it may take, in ms; how many bytes a message from the server may have, which are no more than the heap may have | the pid of a WebSocket, as the module `websocket` has it |
//!
//! It returns at once; what comes of it is asked for. In place of a pid: -8 for what is no URL of a
//! WebSocket, -12 for what are no fields, -6 when there are as many processes as there may be, -3 when the
//! scheduler has no sockets.

use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use iridium_vm::{Caller, HostError, Hosts, Pid};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::Role;

use super::fetch::{Fault, Question, Url};
use super::head;
use super::limits::HttpLimits;
use super::pool::MAX_HEAD;
use crate::arguments::{answer, bytes, int, most, text, wait};
use crate::outside::OutsideHandle;
use crate::places::Places;
use crate::refusal::Refusal;
use crate::websocket::{self, Manner};

const NO_HEAD: i64 = -12;

const KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const VERSION: HeaderName = HeaderName::from_static("sec-websocket-version");
const ACCEPT: HeaderName = HeaderName::from_static("sec-websocket-accept");
const EXTENSIONS: HeaderName = HeaderName::from_static("sec-websocket-extensions");

/// Adds the function of clients.
pub(crate) fn add_websocket(hosts: &mut Hosts, outside: OutsideHandle, allowed: &Places) {
    let allowed = allowed.clone();
    hosts.add("net.connect.ws_open", move |caller| {
        let pid = start(&outside, &allowed, caller)?;
        answer(caller, [pid])
    });
}

fn start(outside: &OutsideHandle, allowed: &Places, caller: &Caller<'_>) -> Result<i64, HostError> {
    let Ok(url) = read_url(&text(caller, 0)?) else { return Ok(Refusal::Invalid.code()) };
    let Some(fields) = head::fields(bytes(caller, 2)?) else { return Ok(NO_HEAD) };
    let deadline = Instant::now() + wait(caller, 4);
    let most = most(caller, usize::try_from(int(caller, 5)).unwrap_or(0));
    let manner = Manner { role: Role::Client, most, idle: HttpLimits::default().idle_time };
    let question = Question { method: Method::GET, url, fields, body: Bytes::new() };
    let (owner, allowed) = (caller.pid, allowed.clone());
    let opening = Box::pin(async move {
        let opened = timeout_at(deadline, open(&allowed, question, deadline)).await;
        opened.map_err(|_| Refusal::TimedOut)?
    });
    let ending = match outside.ending() {
        Ok(ending) => ending,
        Err(error) => return Ok(Refusal::from(error).code()),
    };
    let started = outside.start(|port| websocket::run(port, owner, opening, manner, ending));
    Ok(started.map_or_else(|error| Refusal::from(error).code(), Pid::bits))
}

/// Where it leads, as HTTP has it.
fn read_url(text: &str) -> Result<Url, Fault> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "ws" => "http",
        "wss" => "https",
        _ => return Err(Fault::Url(text.to_owned())),
    };
    Url::read(&format!("{scheme}://{rest}"))
}

/// Connects, and asks for a WebSocket.
async fn open(
    allowed: &Places,
    mut question: Question,
    deadline: Instant,
) -> Result<Upgraded, Refusal> {
    let key = generate_key();
    let fields = &mut question.fields;
    fields.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    fields.insert(UPGRADE, HeaderValue::from_static("websocket"));
    fields.insert(VERSION, HeaderValue::from_static("13"));
    fields.insert(KEY, HeaderValue::from_str(&key).map_err(|_| Refusal::Invalid)?);
    // What was not asked for by this side cannot be agreed on.
    fields.remove(EXTENSIONS);
    let request = question.request().map_err(|_| Refusal::Invalid)?;
    let stream = question.url.dial(allowed, deadline).await?;
    let mut http = http1::Builder::new();
    http.max_buf_size(MAX_HEAD);
    let (mut sender, driven) = http.handshake(TokioIo::new(stream)).await.map_err(no_http)?;
    let mut tasks = JoinSet::new();
    // Whoever waits for the answer is told.
    tasks.spawn(async { drop(driven.with_upgrades().await) });
    let response = sender.send_request(request).await.map_err(no_http)?;
    check(&response, &key)?;
    hyper::upgrade::on(response).await.map_err(no_http)
}

/// Whether the server has agreed.
fn check(response: &Response<Incoming>, key: &str) -> Result<(), Refusal> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(Refusal::NoWebSocket(format!("the server answers {}", response.status())));
    }
    if agrees(response.headers(), key) {
        return Ok(());
    }
    Err(Refusal::NoWebSocket("the server agrees to something else".to_owned()))
}

fn agrees(fields: &HeaderMap, key: &str) -> bool {
    let says = |name, value: &str| {
        let found = fields.get_all(name).iter().filter_map(|found| found.to_str().ok());
        found.flat_map(|found| found.split(',')).any(|it| it.trim().eq_ignore_ascii_case(value))
    };
    let accepts = fields.get(ACCEPT).map(HeaderValue::as_bytes);
    says(UPGRADE, "websocket")
        && says(CONNECTION, "upgrade")
        && accepts == Some(derive_accept_key(key.as_bytes()).as_bytes())
        && !fields.contains_key(EXTENSIONS)
}

fn no_http(error: hyper::Error) -> Refusal {
    Refusal::NoWebSocket(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and its answer are those of RFC 6455, 1.3.
    const ASKED: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const AGREED: &str = "\nupgrade: websocket\nconnection: keep-alive, Upgrade\n\
                          sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    #[test]
    fn only_an_answer_to_this_request_agrees() {
        let agrees = |lines: &str| agrees(&head::fields(lines.as_bytes()).unwrap(), ASKED);
        assert!(agrees(AGREED));
        assert!(!agrees(&AGREED.replace("s3pP", "S3pP")));
        assert!(!agrees(&AGREED.replace("upgrade: websocket", "upgrade: h2c")));
        assert!(!agrees(&AGREED.replace(", Upgrade", "")));
        assert!(!agrees(&format!("{AGREED}\nsec-websocket-extensions: permessage-deflate")));
        assert!(!agrees(""));
    }

    #[test]
    fn urls_are_those_of_websockets() {
        for (text, place) in [("ws://a/b?c", "a:80"), ("WSS://a", "a:443"), ("ws://a:81", "a:81")] {
            assert_eq!(read_url(text).unwrap().place(), place, "{text}");
        }
        for wrong in ["http://a", "a", "", "ws:/a", "ws://", "ws://u:p@a/", "wss://a:x"] {
            assert!(read_url(wrong).is_err(), "{wrong}");
        }
    }
}
