//! The process that a listener is.
//!
//! | what | number | answer |
//! | --- | --- | --- |
//! | 1: is it there? | – | 0; its address |
//! | 9: a connection | – | the pid of its process, which belongs to who asks; the addresses of both ends, with a 10 between them |
//! | 7: close | – | 0 |
//! | 8: it belongs to another process | its pid | 0 |
//!
//! Below 0 an answer is a [`Refusal`]. Nobody is accepted before somebody asks for a connection; until
//! then the system lets peers wait, up to 1,024.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use iridium_vm::Pid;

use crate::connection::{self, CLOSE, Establishing, GIVE, IS_THERE, Socket, at};
use crate::dial::bind;
use crate::flow::{Answer, MAX_WAITING};
use crate::outside::OutsideHandle;
use crate::places::{self, Places};
use crate::port::Port;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::stream::Stream;
use crate::tls::Identity;

/// How long a client may take to agree on TLS.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Peers that the system lets wait.
const BACKLOG: u32 = 1024;

const ACCEPT: i64 = 9;

/// Where somebody wants to listen.
#[derive(Debug)]
pub(crate) struct ListenAt {
    /// `HOST:PORT`.
    pub(crate) address: String,
    pub(crate) allowed: Places,
    /// For TLS a chain of certificates and its key, in PEM; nothing without.
    pub(crate) certificates: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

async fn listen(at: &ListenAt) -> Result<TcpListener, Refusal> {
    let (host, port) = places::split(&at.address).ok_or(Refusal::Invalid)?;
    let port = port.and_then(|port| port.parse().ok()).ok_or(Refusal::Invalid)?;
    bind(&at.allowed, host, port, BACKLOG).await
}

/// Runs a listener from its beginning to its end.
pub(crate) async fn run(port: Port, owner: Pid, place: ListenAt, outside: OutsideHandle) {
    let mut socket = Socket::new(port, owner);
    let identity = Identity::read(&place.certificates, &place.key);
    let tls = identity.and_then(|found| found.map(|identity| identity.config(&[])).transpose());
    let tls = tls.map_err(|error| Refusal::Tls(error.to_string()));
    let (listener, tls) = match (listen(&place).await, tls) {
        (Ok(listener), Ok(tls)) => (listener, tls),
        (Err(refusal), _) | (_, Err(refusal)) => return socket.fail(Vec::new(), &refusal).await,
    };
    let mut waiting: VecDeque<Request> = VecDeque::new();
    loop {
        select! {
            request = socket.next() => {
                let Some(request) = request else { return };
                if !handle(&mut socket, &listener, &mut waiting, request).await {
                    return;
                }
            }
            accepted = listener.accept(), if !waiting.is_empty() => {
                if let Some(request) = waiting.pop_front() {
                    let greeted = greet(accepted, &request, tls.as_ref(), &outside);
                    socket.answer(Answer::new(request.asker, greeted)).await;
                }
            }
            () = at(waiting.iter().map(|request| request.deadline).min()) => {
                let now = Instant::now();
                let (late, left): (VecDeque<_>, _) =
                    waiting.into_iter().partition(|request| request.deadline <= now);
                waiting = left;
                for request in late {
                    socket.answer(Answer::new(request.asker, Err(Refusal::TimedOut))).await;
                }
            }
        }
    }
}

/// Does what is asked for, or lets it wait. Returns whether the listener goes on.
async fn handle(
    socket: &mut Socket,
    listener: &TcpListener,
    waiting: &mut VecDeque<Request>,
    request: Request,
) -> bool {
    let done = Ok((0, Vec::new()));
    let answer = match request.what {
        ACCEPT if waiting.len() < MAX_WAITING => {
            waiting.push_back(request);
            return true;
        }
        ACCEPT => Answer::new(request.asker, Err(Refusal::Busy)),
        IS_THERE => match listener.local_addr() {
            Ok(address) => Answer::new(request.asker, Ok((0, address.to_string().into_bytes()))),
            Err(error) => Answer::new(request.asker, Err(error.into())),
        },
        CLOSE => {
            socket.answer(Answer::new(request.asker, done)).await;
            return false;
        }
        GIVE => {
            socket.give(Pid::from_bits(request.number));
            Answer::new(request.asker, done)
        }
        _ => Answer::new(request.asker, Err(Refusal::Invalid)),
    };
    socket.answer(answer).await;
    true
}

/// Starts the process of a connection, which belongs to who has asked for it.
fn greet(
    accepted: io::Result<(TcpStream, SocketAddr)>,
    request: &Request,
    tls: Option<&Arc<ServerConfig>>,
    outside: &OutsideHandle,
) -> Result<(i64, Vec<u8>), Refusal> {
    let (stream, peer) = accepted?;
    stream.set_nodelay(true)?;
    let addresses = format!("{}\n{peer}", stream.local_addr()?);
    let establishing: Establishing = match tls.cloned() {
        None => Box::pin(std::future::ready(Ok(Stream::Plain(stream)))),
        Some(config) => Box::pin(async move {
            let shaken = timeout(HANDSHAKE_WITHIN, TlsAcceptor::from(config).accept(stream)).await;
            let stream = shaken.map_err(|_| Refusal::TimedOut)??;
            Ok(Stream::Tls(Box::new(stream.into())))
        }),
    };
    let owner = request.asker.pid;
    let pid = outside.start(|port| connection::run(port, owner, establishing))?;
    Ok((pid.bits(), addresses.into_bytes()))
}
