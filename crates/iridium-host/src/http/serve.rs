//! Accepting connections and speaking HTTP on them.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::crowd::Crowd;
use super::limits::HttpLimits;
use super::paced::{Open, OpenRequest, Paced};
use super::streams::{InParts, Streams};
use crate::stream::Stream;

/// Pause after a failed accept: the system is short of something, and needs time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The most streams of a connection of HTTP/2 at a time.
const MAX_STREAMS: u32 = 200;
/// Bytes of bodies that a client of HTTP/2 may send before somebody reads them, of a stream and of all.
const STREAM_WINDOW: u32 = 65_536;
const CONNECTION_WINDOW: u32 = 262_144;
/// The smallest that hyper takes.
const MIN_HEAD: usize = 8192;
/// Header fields of a request. More are answered 431.
const MAX_FIELDS: usize = 100;

/// What is agreed on with TLS, the best first.
pub(crate) const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// How a server speaks, and with whom.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    pub(crate) limits: HttpLimits,
    /// With TLS, when there is something for it here.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// Each connection of HTTP/1 is for one request.
    pub(crate) one_request: bool,
    /// How long those who have asked may take at the end.
    pub(crate) grace: Duration,
}

/// A request, who asks, and what is to be dropped when it is answered.
pub(crate) struct Asked {
    pub(crate) request: Request<Incoming>,
    pub(crate) peer: SocketAddr,
    pub(crate) open: OpenRequest,
}

/// Answers the clients of a listener until `stopping` changes or is closed. Then nobody is accepted
/// any more, and those who have asked are answered.
pub(crate) async fn serve<A, F, B>(
    listener: TcpListener,
    manner: Manner,
    mut stopping: watch::Receiver<()>,
    answer: A,
) where
    A: Fn(Asked) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let places = Arc::new(Semaphore::new(manner.limits.connections));
    let mut connections = JoinSet::new();
    let mut crowd = Crowd::default();
    let told = stopping.clone();
    loop {
        crowd.count(connections.len(), Instant::now());
        let accepted = tokio::select! {
            _ = stopping.changed() => break,
            Some(_) = connections.join_next() => continue,
            () = crowd.has_left() => {
                spawn_blocking(iridium_sched::trim_memory);
                continue;
            }
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((place, stream, peer)) => {
                let (answer, told, manner) = (answer.clone(), told.clone(), manner.clone());
                connections.spawn(async move {
                    if let Err(error) = speak(stream, place, peer, &manner, told, answer).await {
                        log::debug!("the connection with {peer} has ended: {error}");
                    }
                });
            }
            Err(error) => {
                log::warn!("cannot accept a client: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let answered = async { while connections.join_next().await.is_some() {} };
    if timeout(manner.grace, answered).await.is_err() {
        log::warn!("connections are closed that have not ended within {:?}", manner.grace);
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    // Nobody closes it.
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((place, stream, peer))
}

/// Answers one client.
async fn speak<A, F, B>(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    peer: SocketAddr,
    manner: &Manner,
    told: watch::Receiver<()>,
    answer: A,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    A: Fn(Asked) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let open = Open::default();
    // Here and below in a box: a connection that waits keeps no room for what it does not do.
    let stream = match &manner.tls {
        None => Stream::Plain(stream),
        Some(config) => {
            Box::pin(shake_hands(stream, Arc::clone(config), manner.limits.head_time)).await?
        }
    };
    let mut stream = Paced::new(stream, place, manner.limits, open.clone());
    let is_http2 = tokio::select! {
        sniffed = stream.sniff() => sniffed?,
        () = is_told(told.clone()) => return Ok(()),
    };
    let answer = move |request| Box::pin(answer(Asked { request, peer, open: open.request() }));
    if is_http2 {
        Box::pin(speak_http2(stream, manner, told, answer)).await
    } else {
        Box::pin(speak_http1(stream, manner, told, answer)).await
    }
}

async fn speak_http1<F, B>(
    stream: Paced<Stream>,
    manner: &Manner,
    told: watch::Receiver<()>,
    answer: impl Fn(Request<Incoming>) -> F,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let service = service_fn(move |request| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let mut http = http1::Builder::new();
    let head = manner.limits.head_bytes.max(MIN_HEAD);
    http.keep_alive(!manner.one_request).max_buf_size(head).max_headers(MAX_FIELDS);
    http.half_close(true).title_case_headers(true);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    tokio::select! {
        ended = connection.as_mut() => return Ok(ended?),
        () = is_told(told) => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}

async fn speak_http2<F, B>(
    stream: Paced<Stream>,
    manner: &Manner,
    told: watch::Receiver<()>,
    answer: impl Fn(Request<Incoming>) -> F,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let service = service_fn(move |request| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await.map(InParts::new)) }
    });
    let mut http = http2::Builder::new(Streams { stall_time: manner.limits.stall_time });
    let head = manner.limits.head_bytes.max(MIN_HEAD);
    http.max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX));
    http.max_concurrent_streams(MAX_STREAMS);
    http.initial_stream_window_size(STREAM_WINDOW);
    http.initial_connection_window_size(CONNECTION_WINDOW);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => return Ok(ended?),
        () = is_told(told) => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}

/// Agrees on TLS with a client that has so much time for it.
async fn shake_hands(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    within: Duration,
) -> io::Result<Stream> {
    let shaken = timeout(within, TlsAcceptor::from(config).accept(stream)).await?;
    Ok(Stream::Tls(Box::new(shaken?.into())))
}

/// Returns when the server is to end.
async fn is_told(mut told: watch::Receiver<()>) {
    // Closed when the server is gone.
    let _ = told.changed().await;
}
