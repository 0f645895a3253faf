//! HTTP servers in Palladium, asked by clients that behave and by others.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{self, Outcome, PATIENCE, Process, User, wait_until};

/// A service that runs, and where.
pub(crate) struct Service {
    _user: User,
    pub(crate) process: Process,
    pub(crate) port: u16,
}

impl Service {
    pub(crate) fn start() -> Self {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/http/service.pd");
        Self::of(User::new(), program)
    }

    pub(crate) fn of(user: User, program: &str) -> Self {
        let process = user.start(&["run", program, "--allow", "net.listen=127.0.0.1"]);
        Self::at_its_port(user, process)
    }

    fn at_its_port(user: User, process: Process) -> Self {
        let port = process.wait_for("port ");
        let port = port.rsplit(' ').next().unwrap().parse().unwrap();
        Self { _user: user, process, port }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        support::connect(("127.0.0.1", self.port)).unwrap()
    }

    /// Sends bytes and no more, and gives all that comes back.
    fn ask(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // A service that has said what it thinks of a long request may not read all of it.
        let _ = stream.write_all(request);
        let _ = stream.shutdown(Shutdown::Write);
        read_all(stream)
    }

    pub(crate) fn get(&self, target: &str) -> String {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\nCookie: a=b; session=old\r\n\r\n");
        String::from_utf8(self.ask(head.as_bytes())).unwrap()
    }

    fn assert_answers(&self) {
        let answer = self.get("/");
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("hello\n"), "{answer}");
    }
}

/// All that comes until the end of a connection, however it ends.
fn read_all(mut stream: TcpStream) -> Vec<u8> {
    let (mut all, mut part) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut part) {
            Ok(0) => return all,
            Ok(length) => all.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return all,
            Err(error) => panic!("{error}, after {}", String::from_utf8_lossy(&all)),
        }
    }
}

/// The statuses of answers, of which those to HEAD have no body.
fn statuses(mut answers: &[u8], head: bool) -> Vec<String> {
    let mut found = Vec::new();
    while !answers.is_empty() {
        let text = String::from_utf8_lossy(answers);
        let Some((fields, _)) = text.split_once("\r\n\r\n") else { return vec![text.into()] };
        let status = fields.get(9..12).unwrap_or(fields).to_owned();
        let lower = fields.to_lowercase();
        let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length = length.filter(|_| !head).map_or(0, |length| length.parse().unwrap());
        answers = answers.get(fields.len() + 4 + length..).unwrap_or_default();
        // A request to go on is no answer.
        if status != "100" {
            found.push(status);
        }
    }
    found
}

/// The bytes of a line of the table.
fn bytes(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some((before, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let kind = escape.chars().next().unwrap();
        rest = &escape[1..];
        match kind {
            'r' => bytes.push(b'\r'),
            'n' => bytes.push(b'\n'),
            't' => bytes.push(b'\t'),
            '0' => bytes.push(0),
            'x' => {
                bytes.push(u8::from_str_radix(&rest[..2], 16).unwrap());
                rest = &rest[2..];
            }
            'z' => {
                let (count, behind) = rest[1..].split_once('}').unwrap();
                bytes.extend(std::iter::repeat_n(b'z', count.parse().unwrap()));
                rest = behind;
            }
            other => panic!("no escape: {other}"),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

#[test]
fn raw_requests_are_answered_with_the_status_that_the_rfc_asks_for() {
    let service = Service::start();
    let table = include_str!("../fixtures/http/requests.txt");
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut faults = Vec::new();
    for line in lines {
        let (expected, request) = line.split_once(' ').unwrap();
        let answers = service.ask(&bytes(request));
        let found = statuses(&answers, request.starts_with("HEAD")).join(",");
        let found = if found.is_empty() { "-".to_owned() } else { found };
        if found != expected {
            faults.push(format!("{found} instead of {line}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    service.assert_answers();
}

#[test]
fn a_request_that_fails_loops_or_sleeps_costs_nobody_else_anything() {
    let service = Service::start();
    let slow = ["/loop", "/sleep", "/loop"].map(|target| {
        let mut stream = service.connect();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        stream
    });
    let crashed = service.get("/crash");
    assert!(crashed.starts_with("HTTP/1.1 500 "), "{crashed}");
    assert!(service.get("/crash?x").starts_with("HTTP/1.1 200 "));
    service.assert_answers();
    for stream in slow {
        let answer = String::from_utf8(read_all(stream)).unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
    service.assert_answers();
}

#[test]
fn clients_that_are_slow_are_cut_off() {
    let service = Service::start();
    let began = Instant::now();
    let silent = service.connect();
    let mut half = service.connect();
    half.write_all(b"GET / HTTP/1.1\r\nHost").unwrap();
    let mut idle = service.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(read_all(silent), b"");
    assert_eq!(read_all(half), b"");
    assert_eq!(statuses(&read_all(idle), false), ["200"]);
    assert!(began.elapsed() < PATIENCE);
    // Whoever asks for more than it reads, and goes.
    let mut flooded = service.connect();
    flooded.write_all(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    flooded.read_exact(&mut [0; 100_000]).unwrap();
    drop(flooded);
    service.assert_answers();
}

#[test]
fn a_request_is_of_no_use_to_processes_that_are_not_to_answer_it() {
    let service = Service::start();
    let mut paused = service.connect();
    paused.write_all(b"GET /pause HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut begun = [0; 1024];
    let length = paused.read(&mut begun).unwrap();
    let mut half = service.connect();
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\n";
    write!(half, "{head}he").unwrap();
    let answer = service.get("/thief");
    assert!(answer.ends_with("0 stolen"), "{answer}");
    half.write_all(b"llo").unwrap();
    let answer = String::from_utf8(read_all(half)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\nhello"), "{answer}");
    let rest = String::from_utf8(read_all(paused)).unwrap();
    let parts = format!("{}{rest}", String::from_utf8_lossy(&begun[..length]));
    assert!(parts.ends_with("6\r\nbegun \r\n5\r\nended\r\n0\r\n\r\n"), "{parts}");
}

#[test]
fn what_an_event_says_is_no_other_field_of_it() {
    let service = Service::start();
    let answer = service.get("/event?name=n&data=a%0Did:%201%0D%0Ab%0Aevent:%20x");
    let event = "event: n\ndata: a\ndata: id: 1\ndata: b\ndata: event: x\n\n";
    assert!(answer.contains(event), "{answer}");
    for name in ["a%0Db", "a%0Ab"] {
        let answer = service.get(&format!("/event?data=x&name={name}"));
        assert!(!answer.contains("data: x"), "{answer}");
    }
    service.assert_answers();
}

#[test]
fn limits_of_a_body_hold_as_they_are_given() {
    let serve = |limits: &str| {
        let user = User::new();
        let text = format!(
            "import std.http\n\nfn main() -> Result[(), http.Error] {{\n    \
             let server = http.listen(port: 0, limits: http.Limits({limits}))?\n    \
             print(f\"port {{server.port}}\")\n    \
             server.run(fn(request) => http.text(f\"{{request.text()}}\"))\n    Ok(())\n}}\n"
        );
        let program = user.file("limits.pd", text);
        Service::of(user, &program)
    };
    let ask = |service: &Service, body: &str| {
        let mut stream = service.connect();
        let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\n";
        write!(stream, "{head}{body}").unwrap();
        String::from_utf8(read_all(stream)).unwrap()
    };
    // The answer is 503 when a client is waited for as long as by default.
    let service = serve("stalled: Duration.from_ns(1), answer: 10.s");
    let answer = ask(&service, "hel");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("Err(TooSlow)"), "{answer}");
    let answer = ask(&serve("body: 0"), "hello");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[test]
fn requests_and_answers_have_their_parts() {
    let service = Service::start();
    let answer = service.get("/hello/a%20b?x=1&many=t+w%6f");
    assert!(answer.ends_with("a b old t wo"), "{answer}");
    assert!(
        answer.contains("Set-Cookie: session=new; HttpOnly; SameSite=Lax; Path=/\r\n"),
        "{answer}"
    );
    let parts = service.get("/count");
    assert!(parts.ends_with("1\r\n0\r\n1\r\n1\r\n1\r\n2\r\n0\r\n\r\n"), "{parts}");
}

#[test]
fn curl_is_answered_over_both_versions() {
    let service = Service::start();
    let place = format!("http://127.0.0.1:{}/echo", service.port);
    for (version, shown) in [("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")] {
        let limit = Duration::from_secs(10).as_secs().to_string();
        let words = ["-s", "-m", &limit, version, "-d", "body", "-w", " %{http_version}", &place];
        let Ok(output) = Command::new("curl").args(words).output() else {
            eprintln!("skipped: needs curl");
            return;
        };
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("body {shown}"));
    }
}

const SECURE: &str = "import std.env
import std.fs
import std.http
import std.ws

fn ask(place: String) {
    print(http.get(f\"https://{place}\").map(fn(answer) => answer.text()))
    print(ws.connect(f\"wss://{place}ws\").and_then(fn(socket) => socket.read()))
}

fn main() -> Result[(), http.Error] {
    let at = env.args()[0]
    let certificate = fs.read_text(f\"{at}/certificate.pem\")!
    let key = fs.read_text(f\"{at}/key.pem\")!
    for (certificate, key) in [(\"\", \"\"), (\"x\", key), (certificate, \"x\")] {
        print(http.listen_tls(0, certificate, key).map(fn(server) => server.port))
    }
    let server = http.listen_tls(0, certificate, key)?
    print(f\"port {server.port}\")
    let place = f\"localhost:{server.port}/\"
    let asked = task(fn() => ask(place))
    server.run(fn(request) {
        if request.path == \"/ws\" {
            http.websocket(fn(socket) { let _ = socket.send(\"safe\") })
        } else {
            http.text(f\"{request.method} {request.path}\")
        }
    })
    Ok(())
}
";

#[test]
fn https_is_spoken_with_who_trusts_the_certificate() {
    let user = User::new();
    let program = user.file("secure.pd", SECURE);
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls");
    let authority = format!("{files}/authority.pem");
    let read = format!("fs.read={files}");
    let grants = ["--allow", "net.listen=127.0.0.1", "--allow", "net.connect=localhost"];
    let words = [&["run", &program, "--allow", &read], &grants[..], &["--", files]].concat();
    let mut command = user.iridium(&words);
    let process = Process::start_alone(command.env("SSL_CERT_FILE", &authority));
    let service = Service::at_its_port(user, process);
    service.process.wait_for("Ok(Ok(\"GET /\"))");
    service.process.wait_for("Ok(Text(text: \"safe\"))");
    let printed = service.process.printed();
    for refused in
        ["there is no certificate", "no PEM text with a cert", "no PEM text with a private"]
    {
        assert!(printed.contains(refused), "{printed}");
    }
    // Without TLS there is nothing to be had.
    assert!(!service.get("/").starts_with("HTTP/1.1 200"));

    let place = format!("https://127.0.0.1:{}/", service.port);
    for (version, shown) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let words =
            ["-s", "-m", "10", version, "-w", " %{http_version}", "--cacert", &authority, &place];
        let Ok(output) = Command::new("curl").args(words).output() else {
            eprintln!("skipped: needs curl");
            return;
        };
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("GET / {shown}"));
    }
    let untrusting = Command::new("curl").args(["-s", "-m", "10", &place]).output().unwrap();
    assert!(!untrusting.status.success() && untrusting.stdout.is_empty());
}

const RENEWING: &str = "import std.env
import std.fs
import std.http
import std.time

fn ask(url: String) {
    var before = \"\"
    loop {
        let now = f\"{http.get(url).map(fn(answer) => answer.status)}\"
        if now != before { print(now) }
        before = now
        time.sleep(20.ms)
    }
}

fn main() -> Result[(), http.Error] {
    let at = env.args()[0]
    let (certificate, key) = (f\"{at}/certificate.pem\", f\"{at}/key.pem\")
    let server = http.listen_tls(0, fs.read_text(certificate)!, fs.read_text(key)!)?
    let url = f\"https://localhost:{server.port}/\"
    let asked = task(fn() => ask(url))
    let stolen = task(fn() => server.renew(\"\", \"\"))
    print(f\"another process: {stolen.wait()}\")
    server.run_with_files(certificate, key, fn(_) => http.text(\"hello\"), every: 20.ms)
    Ok(())
}
";

#[test]
fn certificates_are_shown_as_their_files_have_them() {
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls");
    let user = User::new();
    let folder = user.path("identity");
    std::fs::create_dir(&folder).unwrap();
    let put = |from: &str, to: &str| {
        // As a whole, as who renews certificates does it.
        let new = folder.join("new.pem");
        std::fs::copy(format!("{files}/{from}"), &new).unwrap();
        std::fs::rename(new, folder.join(to)).unwrap();
    };
    put("other.pem", "certificate.pem");
    put("other_key.pem", "key.pem");
    let program = user.file("renewing.pd", RENEWING);
    let (at, read) = (folder.to_str().unwrap(), format!("fs.read={}", folder.display()));
    let grants = ["--allow", "net.listen=127.0.0.1", "--allow", "net.connect=localhost"];
    let words = [&["run", &program, "--allow", &read], &grants[..], &["--", at]].concat();
    let mut command = user.iridium(&words);
    let process =
        Process::start_alone(command.env("SSL_CERT_FILE", format!("{files}/authority.pem")));
    process.wait_for("another process: Ok(Err(Gone))");
    process.wait_for("Err(Tls(");
    put("certificate.pem", "certificate.pem");
    wait_until("what does not fit is told", || {
        let log = process.complained();
        if log.contains("and is not shown") { Ok(()) } else { Err(log) }
    });
    put("key.pem", "key.pem");
    process.wait_for("Ok(200)");
}

const LEAVING: &str = "import std.http
import std.time

fn main() -> Result[(), http.Error] {
    let server = http.listen(port: 0)?
    print(f\"port {server.port}\")
    server.run(fn(request) {
        print(f\"asked for {request.path}\")
        time.sleep(if request.path == \"/soon\" { 300.ms } else { 1.h })
        http.text(\"done\")
    })
    print(\"all are served\")
    Ok(())
}
";

/// Asks, and tells it to end before the answer comes. Gives how it ended.
fn ask_and_tell(service: Service, signal: Signal) -> Outcome {
    let mut client = service.connect();
    client.write_all(b"GET /soon HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    service.process.wait_for("asked for /soon");
    service.process.signal(signal);
    let answer = String::from_utf8(read_all(client)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"), "{answer}");
    service.process.end()
}

#[test]
fn who_has_asked_is_answered_when_the_program_is_told_to_end() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let user = User::new();
        let program = user.file("leaving.pd", LEAVING);
        let outcome = ask_and_tell(Service::of(user, &program), signal);
        assert_eq!(outcome.code, Some(code), "{outcome:?}");
        assert!(outcome.stdout.ends_with("all are served\n"), "{outcome:?}");
        // Where a program ends of itself stands nowhere in it.
        let told = "error: interrupted; with --save STATE it could be resumed\n";
        assert!(outcome.stderr.ends_with(told), "{outcome:?}");
    }
    let user = User::new();
    let program = user.file("leaving.pd", LEAVING);
    let node = user.node("a", &["--run", &program, "--allow", "net.listen=127.0.0.1"]);
    let outcome = ask_and_tell(Service::at_its_port(user, node.process), Signal::SIGTERM);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

#[test]
fn who_asks_for_what_does_not_end_does_not_hold_up_the_end() {
    let user = User::new();
    let program = user.file("leaving.pd", LEAVING);
    let service = Service::of(user, &program);
    let mut client = service.connect();
    client.write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    service.process.wait_for("asked for /never");
    service.process.signal(Signal::SIGINT);
    wait_until("nobody is accepted any more", || {
        TcpStream::connect(("127.0.0.1", service.port)).err().ok_or("accepted")
    });
    // Who does not wait says it again.
    let began = Instant::now();
    service.process.signal(Signal::SIGINT);
    assert_eq!(service.process.end().code, Some(130));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    // It learns nothing, or that its request has failed.
    let answer = String::from_utf8(read_all(client)).unwrap();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 500 "), "{answer}");
}
