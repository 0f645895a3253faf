//! What a node counts, for a scraper: one page of text in the Prometheus exposition format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use iridium_net::wake_listener;
use iridium_proto::{MemberView, ViewState};

use crate::report::NodeReport;

/// How long a client may take to ask, and to read the answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 8192;
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

    /// Answers one client after the other, each within its time, until it is stopped.
    pub(crate) fn serve(
        &self,
        listener: TcpListener,
        page: impl Fn() -> Option<Page> + Send + 'static,
    ) -> impl FnOnce() + Send + 'static {
        let stopping = Arc::clone(&self.stopping);
        move || {
            while !stopping.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok(_) if stopping.load(Ordering::SeqCst) => {}
                    Ok((client, remote)) => {
                        if let Err(error) = answer(&client, &page) {
                            log::debug!("metrics client {remote} got no answer: {error}");
                        }
                    }
                    Err(error) => {
                        log::warn!("cannot accept a metrics client: {error}");
                        std::thread::sleep(ACCEPT_PAUSE);
                    }
                }
            }
        }
    }

    /// Stops. The thread sits in `accept`, so it is woken by a connection.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        wake_listener(self.addr);
    }
}

fn answer(client: &TcpStream, page: &dyn Fn() -> Option<Page>) -> io::Result<()> {
    let (status, text) = match head(client)? {
        RequestKind::Metrics => match page() {
            Some(page) => ("200 OK", page.text()),
            None => ("503 Service Unavailable", "the node is stopping\n".into()),
        },
        RequestKind::OtherPath => ("404 Not Found", "the metrics are at /metrics\n".into()),
        RequestKind::OtherMethod => ("405 Method Not Allowed", "only GET is answered\n".into()),
        RequestKind::Invalid => ("400 Bad Request", "this is not HTTP\n".into()),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    client.set_write_timeout(Some(PATIENCE))?;
    let mut client = client;
    client.write_all(answer.as_bytes())
}

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
enum RequestKind {
    Metrics,
    OtherPath,
    OtherMethod,
    Invalid,
}

/// Reads the head of a request.
fn head(mut client: &TcpStream) -> io::Result<RequestKind> {
    let deadline = Instant::now() + PATIENCE;
    let mut bytes = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        client.set_read_timeout(Some(left))?;
        let read = client.read(&mut buffer)?;
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&bytes) {
            Ok(httparse::Status::Complete(_)) => {
                return Ok(match (request.method, request.path) {
                    (Some("GET"), Some(path)) => match path.split('?').next() {
                        Some("/metrics") => RequestKind::Metrics,
                        _ => RequestKind::OtherPath,
                    },
                    _ => RequestKind::OtherMethod,
                });
            }
            Ok(httparse::Status::Partial) if read > 0 && bytes.len() < MAX_HEAD => {}
            _ => return Ok(RequestKind::Invalid),
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
