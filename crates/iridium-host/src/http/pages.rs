//! A few pages about this operating system process, for scrapers and probes.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};
use tokio::sync::watch;

use super::limits::HttpLimits;
use super::serve::{Asked, Manner, serve};
use crate::waiting_work::WaitingWork;

/// Pages are made by so many threads at a time.
const MAKERS: usize = 2;

/// How long who has asked may take at the end.
const GRACE: Duration = Duration::from_secs(1);

/// What a page is: a status and a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The status of the answer, as 200 or 503.
    pub status: u16,
    /// Its content type.
    pub content_type: &'static str,
    /// What is on it.
    pub text: String,
}

/// A socket at which pages will be served.
#[derive(Debug)]
pub struct PageListener(TcpListener);

/// Serves pages over HTTP, to many at a time, on a thread of its own, until it is dropped. Requests are
/// GET or HEAD; a connection of HTTP/1 is for one of them.
#[derive(Debug)]
#[must_use = "the pages are served until this is dropped"]
pub struct PageServer {
    addr: SocketAddr,
    stopping: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl PageListener {
    /// Listens at an address; port 0 takes any free one.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        Ok(Self(TcpListener::bind(addr)?))
    }

    /// Begins to answer: with the page of a path, or 404 and a line of text when there is none.
    ///
    /// ```
    /// use std::io::{Read as _, Write as _};
    /// use std::net::TcpStream;
    ///
    /// use iridium_host::{HttpLimits, Page, PageListener};
    ///
    /// let page = |path: &str| {
    ///     let text = "it lives\n".to_owned();
    ///     (path == "/live").then_some(Page { status: 200, content_type: "text/plain", text })
    /// };
    /// let server = PageListener::bind("127.0.0.1:0".parse()?)?.serve(HttpLimits::default(), page)?;
    /// let mut client = TcpStream::connect(server.addr())?;
    /// client.write_all(b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n")?;
    /// let mut answer = String::new();
    /// client.read_to_string(&mut answer)?;
    /// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("it lives\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn serve(
        self,
        limits: HttpLimits,
        page: impl Fn(&str) -> Option<Page> + Send + Sync + 'static,
    ) -> io::Result<PageServer> {
        let addr = self.0.local_addr()?;
        self.0.set_nonblocking(true)?;
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().max_blocking_threads(MAKERS).thread_name("iridium-pages");
        let runtime = runtime.build()?;
        let (stopping, told) = watch::channel(());
        let page = Arc::new(Maker { page, threads: WaitingWork::new(MAKERS) });
        let run = move || {
            runtime.block_on(async {
                match tokio::net::TcpListener::from_std(self.0) {
                    Ok(listener) => {
                        let manner = Manner { limits, tls: None, one_request: true, grace: GRACE };
                        serve(listener, manner, told, move |asked| answer(asked, page.clone()))
                            .await;
                    }
                    Err(error) => log::error!("cannot serve pages at {addr}: {error}"),
                }
            });
            runtime.shutdown_timeout(Duration::from_secs(1));
        };
        let thread = thread::Builder::new().name("iridium-pages".into()).spawn(run)?;
        Ok(PageServer { addr, stopping: Some(stopping), thread: Some(thread) })
    }
}

impl PageServer {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for PageServer {
    fn drop(&mut self) {
        self.stopping = None;
        // What it panicked with was printed when it did.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Makes pages.
struct Maker<P> {
    page: P,
    threads: WaitingWork,
}

async fn answer(
    asked: Asked,
    maker: Arc<Maker<impl Fn(&str) -> Option<Page> + Send + Sync + 'static>>,
) -> Response<Full<Bytes>> {
    let Asked { request, open, .. } = asked;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused =
            response(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET and HEAD are answered\n");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let path = request.uri().path().to_owned();
    let making = Arc::clone(&maker);
    let answered = match maker.threads.run(move || (making.page)(&path)).await {
        Ok(Some(page)) => {
            let status = StatusCode::from_u16(page.status);
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            response(status, page.content_type, page.text)
        }
        Ok(None) => response(StatusCode::NOT_FOUND, PLAIN, "there is no such page\n"),
        Err(_) => response(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, "the page has failed\n"),
    };
    drop(open);
    answered
}

const PLAIN: &str = "text/plain; charset=utf-8";

fn response(
    status: StatusCode,
    content_type: &'static str,
    text: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
