//! What a node counts, for a scraper: one page of text in the Prometheus exposition format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use iridium_net::wake_listener;
use iridium_proto::{MemberView, ViewState};

use crate::report::NodeReport;

/// How long a client may take to ask, and to read the answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Clients that are answered at a time. More are turned away.
const MAX_CLIENTS: usize = 32;
/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 8192;
/// How much is read of what follows a head that is refused, in bytes.
const MAX_REST: usize = 1 << 20;
/// Pause after a failed accept: the system is short of something, and needs time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is on the page.
pub(crate) struct Page {
    pub(crate) members: Vec<MemberView>,
    pub(crate) report: NodeReport,
    /// Bytes that wait to be sent, by alias.
    pub(crate) queues: Vec<(String, usize)>,
}

/// The listening socket.
pub(crate) struct Metrics {
    pub(crate) addr: SocketAddr,
    stopping: Arc<AtomicBool>,
}

impl Metrics {
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<(Self, TcpListener)> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        Ok((Self { addr, stopping: Arc::default() }, listener))
    }

    /// Answers clients, each within its time and on a thread of its own, until it is stopped.
    pub(crate) fn serve(
        &self,
        listener: TcpListener,
        page: impl Fn() -> Option<Page> + Send + Sync + 'static,
    ) -> impl FnOnce() + Send + 'static {
        let stopping = Arc::clone(&self.stopping);
        let page = Arc::new(page);
        move || {
            let mut clients = Vec::new();
            while !stopping.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok(_) if stopping.load(Ordering::SeqCst) => {}
                    Ok((client, remote)) => {
                        clients.retain(|thread: &JoinHandle<()>| !thread.is_finished());
                        if clients.len() < MAX_CLIENTS {
                            clients.extend(answer_apart(client, remote, &page));
                        }
                    }
                    Err(error) => {
                        log::warn!("cannot accept a metrics client: {error}");
                        thread::sleep(ACCEPT_PAUSE);
                    }
                }
            }
            for client in clients {
                // One that has panicked has said so.
                let _ = client.join();
            }
        }
    }

    /// Stops. The thread sits in `accept`, so it is woken by a connection.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        wake_listener(self.addr);
    }
}

/// Answers one client on a thread of its own.
fn answer_apart(
    client: TcpStream,
    remote: SocketAddr,
    page: &Arc<impl Fn() -> Option<Page> + Send + Sync + 'static>,
) -> Option<JoinHandle<()>> {
    let page = Arc::clone(page);
    let answers = move || {
        if let Err(error) = answer(&client, &*page) {
            log::debug!("metrics client {remote} got no answer: {error}");
        }
    };
    let started = thread::Builder::new().name("iridium-metrics-client".into()).spawn(answers);
    started.inspect_err(|error| log::warn!("no thread to answer a metrics client: {error}")).ok()
}

fn answer(mut client: &TcpStream, page: &dyn Fn() -> Option<Page>) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let request = head(client, deadline)?;
    client.set_write_timeout(Some(PATIENCE))?;
    client.write_all(request.answer(page).as_bytes())?;
    if matches!(request, Request::OtherMethod | Request::Invalid) {
        discard_rest(client, deadline)?;
    }
    Ok(())
}

/// Reads what a client still sends: closing a connection with unread bytes in it would reset it,
/// and the client might lose the answer.
fn discard_rest(mut client: &TcpStream, deadline: Instant) -> io::Result<()> {
    client.shutdown(Shutdown::Write)?;
    let mut buffer = [0; 1024];
    for _ in 0..MAX_REST / buffer.len() {
        client.set_read_timeout(Some(time_left(deadline)?))?;
        if client.read(&mut buffer)? == 0 {
            break;
        }
    }
    Ok(())
}

fn time_left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    /// A page, or with `HEAD` only what is said of it before.
    Page {
        /// Whether it is that of the metrics.
        metrics: bool,
        head_only: bool,
    },
    OtherMethod,
    Invalid,
}

impl Request {
    fn answer(self, page: &dyn Fn() -> Option<Page>) -> String {
        let (status, text) = match self {
            Self::Page { metrics: true, .. } => match page() {
                Some(page) => ("200 OK", page.text()),
                None => ("503 Service Unavailable", "the node is stopping\n".into()),
            },
            Self::Page { metrics: false, .. } => {
                ("404 Not Found", "the metrics are at /metrics\n".into())
            }
            Self::OtherMethod => {
                ("405 Method Not Allowed", "only GET and HEAD are answered\n".into())
            }
            Self::Invalid => ("400 Bad Request", "this is not HTTP\n".into()),
        };
        let allow = if self == Self::OtherMethod { "Allow: GET, HEAD\r\n" } else { "" };
        let length = text.len();
        let body = if let Self::Page { head_only: true, .. } = self { "" } else { &text };
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
             Content-Length: {length}\r\n{allow}Connection: close\r\n\r\n{body}"
        )
    }
}

/// Whether a target names the metrics, also as a whole address and with a query.
fn is_metrics(target: &str) -> bool {
    let path = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => target,
    };
    path.split(['?', '#']).next() == Some("/metrics")
}

/// Reads the head of a request.
fn head(mut client: &TcpStream, deadline: Instant) -> io::Result<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        client.set_read_timeout(Some(time_left(deadline)?))?;
        let read = client.read(&mut buffer)?;
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&bytes) {
            Ok(httparse::Status::Complete(_)) => {
                return Ok(match (request.method, request.path) {
                    (Some(method @ ("GET" | "HEAD")), Some(path)) => {
                        Request::Page { metrics: is_metrics(path), head_only: method == "HEAD" }
                    }
                    _ => Request::OtherMethod,
                });
            }
            Ok(httparse::Status::Partial) if read > 0 && bytes.len() < MAX_HEAD => {}
            _ => return Ok(Request::Invalid),
        }
    }
}

impl Page {
    fn text(&self) -> String {
        let mut text = Text::default();
        let report = &self.report;
        text.family("iridium_members", "gauge", "Members by state, this node included.");
        for state in [
            ViewState::Myself,
            ViewState::Alive,
            ViewState::Suspect,
            ViewState::Down,
            ViewState::Left,
        ] {
            let count = self.members.iter().filter(|member| member.state == state).count();
            text.sample("iridium_members", Some(("state", state.as_str())), count as f64);
        }
        text.family("iridium_round_trip_seconds", "gauge", "The last heartbeat's round trip.");
        for member in &self.members {
            if let Some(rtt) = member.rtt_us {
                let peer = Some(("peer", member.info.alias.as_str()));
                text.sample("iridium_round_trip_seconds", peer, rtt as f64 / 1e6);
            }
        }
        text.family("iridium_send_queue_bytes", "gauge", "Bytes that wait to be sent to a node.");
        for (alias, bytes) in &self.queues {
            text.sample("iridium_send_queue_bytes", Some(("peer", alias)), *bytes as f64);
        }
        for (name, kind, help, value) in [
            ("uptime_seconds", "gauge", "Time since the start of the node.", report.uptime),
            ("processes", "gauge", "Processes that live.", report.processes),
            ("memory_bytes", "gauge", "Memory of processes.", report.memory),
            ("mailbox_messages", "gauge", "Messages that wait in mailboxes.", report.messages),
            ("dead_letters_total", "counter", "Messages nobody received.", report.dead_letters),
            ("fuel_total", "counter", "Fuel that processes have spent.", report.fuel),
            ("failures_total", "counter", "Processes that ended abnormally.", report.failures),
            ("traps_total", "counter", "Processes that a trap has ended.", report.traps),
            ("restarts_total", "counter", "Children started again.", report.restarts),
            ("messages_sent_total", "counter", "Messages to other nodes.", report.sent),
            ("messages_received_total", "counter", "Messages from other nodes.", report.received),
            ("sent_bytes_total", "counter", "Bytes of messages to others.", report.sent_bytes),
            (
                "received_bytes_total",
                "counter",
                "Bytes of messages from others.",
                report.received_bytes,
            ),
            ("modules_sent_total", "counter", "Modules sent to others.", report.modules_sent),
        ] {
            let name = format!("iridium_{name}");
            text.family(&name, kind, help);
            text.sample(&name, None, value as f64);
        }
        text.0
    }
}

/// Lines of the format. Label values here are aliases and words, which need no escapes.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, label: Option<(&str, &str)>, value: f64) {
        let _ = match label {
            Some((label, of)) => writeln!(self.0, "{name}{{{label}=\"{of}\"}} {value}"),
            None => writeln!(self.0, "{name} {value}"),
        };
    }
}
