//! WebSockets in Palladium, and clients that behave and others.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{PATIENCE, Process, User, wait_until};

/// What a client sends that asks for a WebSocket, besides the path and the host.
const ASKS: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

const TEXT: u8 = 0x81;
const BYTES: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// A client that sends what it is told to, frame by frame.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) fn connect(port: u16, path: &str) -> Self {
        let (client, head) = Self::ask(port, path, ASKS);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        // What RFC 6455, 1.3, has for this key.
        assert!(head.contains(": s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
        client
    }

    /// Asks, and gives the head of the answer, too.
    fn ask(port: u16, path: &str, fields: &str) -> (Self, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:1\r\n{fields}\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        (Self(stream), String::from_utf8(head).unwrap())
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.send(TEXT, text.as_bytes()).unwrap();
    }

    /// Sends a frame, masked as that of a client is to be.
    fn send(&mut self, first: u8, payload: &[u8]) -> std::io::Result<()> {
        self.0.write_all(&frame(first, payload))
    }

    /// The next frame; none when the connection ends.
    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        match self.0.read_exact(&mut head) {
            Ok(()) => {}
            Err(e) if matches!(e.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
                return None;
            }
            Err(error) => panic!("{error}"),
        }
        let mut length = u64::from(head[1]);
        for (marker, size) in [(126, 2), (127, 8)] {
            if head[1] == marker {
                let mut bytes = [0; 8];
                self.0.read_exact(&mut bytes[8 - size..]).unwrap();
                length = u64::from_be_bytes(bytes);
            }
        }
        let mut payload = vec![0; length.try_into().unwrap()];
        self.0.read_exact(&mut payload).unwrap();
        Some((head[0], payload))
    }

    /// The next text; pings are passed over.
    pub(crate) fn hear(&mut self) -> String {
        loop {
            match self.next() {
                Some((TEXT, text)) => return String::from_utf8(text).unwrap(),
                Some((PING, _)) => {}
                other => panic!("{other:?} instead of a text"),
            }
        }
    }

    /// Whether this text comes, before nothing comes for a while.
    pub(crate) fn hears(&mut self, text: &str) -> bool {
        self.0.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let is_heard = loop {
            match self.0.peek(&mut [0]) {
                Ok(1) if self.hear() == text => break true,
                Ok(1) => {}
                _ => break false,
            }
        };
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        is_heard
    }

    /// The code and the reason that it is closed with, and then the connection ends.
    fn goodbye(&mut self) -> (u16, String) {
        loop {
            match self.next() {
                Some((CLOSE, said)) => {
                    let code = u16::from_be_bytes([said[0], said[1]]);
                    let _ = self.send(CLOSE, &said[..2]);
                    assert_eq!(self.next(), None);
                    return (code, String::from_utf8(said[2..].to_vec()).unwrap());
                }
                Some((PING, _)) => {}
                other => panic!("{other:?} instead of a goodbye"),
            }
        }
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        medium @ 126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend((medium as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    let mask = [0x12, 0x34, 0x56, 0x78];
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The service of the tests, and its port.
fn serve(user: &User) -> (Process, u16) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/http/websocket.pd");
    let process = user.start(&["run", program, "--allow", "net.listen=127.0.0.1"]);
    let line = process.wait_for("port ");
    (process, line.rsplit(' ').next().unwrap().parse().unwrap())
}

fn assert_echoes(port: u16) {
    let mut client = Client::connect(port, "/echo");
    client.say("still there");
    assert_eq!(client.hear(), "still there");
}

#[test]
fn messages_come_back_whole_or_in_fragments() {
    let user = User::new();
    let (service, port) = serve(&user);
    let mut client = Client::connect(port, "/echo");
    for length in [0, 1, 125, 126, 1000] {
        let text = "t".repeat(length);
        client.say(&text);
        assert_eq!(client.hear(), text);
        client.send(BYTES, &vec![0xff; length]).unwrap();
        assert_eq!(client.next(), Some((BYTES, vec![0xff; length])));
    }
    // A character is torn apart, and a ping comes between.
    for (first, part) in [(0x01, &b"\xe2\x82"[..]), (PING, b"a"), (0x00, b"\xac"), (0x80, b"!")] {
        client.send(first, part).unwrap();
    }
    assert_eq!(client.next(), Some((PONG, b"a".to_vec())));
    assert_eq!(client.hear(), "€!");
    client.send(CLOSE, b"\x0f\xa1that is all").unwrap();
    assert_eq!(client.goodbye(), (4001, "that is all".to_owned()));
    service.wait_for("over: Closed(code: 4001, reason: \"that is all\")");
    let mut silent = Client::connect(port, "/echo");
    silent.send(CLOSE, b"").unwrap();
    service.wait_for("over: Closed(code: 1005, reason: \"\")");
    assert_eq!(silent.next(), Some((CLOSE, Vec::new())));
    drop(Client::connect(port, "/echo"));
    service.wait_for("over: Closed(code: 1006, reason: \"\")");
}

#[test]
fn only_who_asks_as_the_rfc_has_it_gets_one() {
    let user = User::new();
    let (_service, port) = serve(&user);
    let status = |path: &str, fields: &str| Client::ask(port, path, fields).1[9..12].to_owned();
    let without = |field: &str| -> String {
        let lines = ASKS.split_inclusive("\r\n").filter(|line| !line.starts_with(field));
        lines.collect()
    };
    assert_eq!(status("/echo", ""), "426");
    for field in ["Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key"] {
        assert_eq!(status("/echo", &without(field)), "426", "{field}");
    }
    assert_eq!(status("/echo", &ASKS.replace("13", "12")), "426");
    assert_eq!(status("/echo", &ASKS.replace("==", "=")), "426");
    assert_eq!(status("/echo", &format!("{ASKS}Content-Length: 1\r\n")), "426");
    assert_eq!(status("/", ASKS), "200");
    let from = |origin: &str| format!("{ASKS}Origin: {origin}\r\n");
    assert_eq!(status("/echo", &from("http://localhost:2")), "403");
    assert_eq!(status("/echo", &from("http://localhost:1")), "101");
    let (_, head) = Client::ask(port, "/any", &from("null"));
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.to_lowercase().contains("\r\nsec-websocket-protocol: chat\r\n"), "{head}");
}

#[test]
fn frames_against_the_rules_end_it_with_the_code_of_the_rfc() {
    let user = User::new();
    let (_service, port) = serve(&user);
    let claims = |length: u64| [&[TEXT, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
    let frames = [
        (1002, "not masked", vec![TEXT, 1, b'a']),
        (1002, "a reserved bit", frame(0xc1, b"a")),
        (1002, "no such data", frame(0x83, b"a")),
        (1002, "no such control", frame(0x8b, b"a")),
        (1002, "a fragment of a ping", frame(0x09, b"a")),
        (1002, "a long ping", frame(PING, &[0; 126])),
        (1002, "nothing to go on with", frame(0x80, b"a")),
        (1002, "a text in a text", [frame(0x01, b"a"), frame(TEXT, b"b")].concat()),
        (1002, "half a code", frame(CLOSE, b"\x03")),
        (1002, "a code for nobody", frame(CLOSE, b"\x03\xed")),
        (1007, "no UTF-8", frame(TEXT, b"a\xff")),
        (1007, "half a character", frame(TEXT, b"\xe2\x82")),
        (1007, "no UTF-8 in fragments", [frame(0x01, b"\xe2"), frame(0x80, b"a")].concat()),
        (1007, "no UTF-8 as a reason", frame(CLOSE, b"\x03\xe8\xff")),
        (1009, "too long", frame(TEXT, &[b'a'; 1001])),
        (1009, "much too long", claims(1 << 62)),
        (1009, "longer than can be", claims(u64::MAX)),
        (1009, "too many fragments", [frame(0x01, &[b'a'; 600]), frame(0, &[b'a'; 600])].concat()),
    ];
    for (code, what, bytes) in frames {
        let mut client = Client::connect(port, "/echo");
        client.0.write_all(&bytes).unwrap();
        assert_eq!(client.goodbye().0, code, "{what}");
    }
    assert_echoes(port);
}

#[test]
fn it_ends_as_its_process_does() {
    let user = User::new();
    let (service, port) = serve(&user);
    for (path, code, reason) in
        [("/return", 1000, ""), ("/crash", 1011, ""), ("/enough", 4000, "enough")]
    {
        let mut client = Client::connect(port, path);
        client.say("go");
        assert_eq!(client.goodbye(), (code, reason.to_owned()), "{path}");
    }
    wait_until("the failure is reported", || match service.complained() {
        complaint if complaint.contains("Ok(Text(text: \"go\"))") => Ok(()),
        complaint => Err(complaint),
    });
    let mut given = Client::connect(port, "/given");
    assert_eq!(given.hear(), "hello");
    given.say("Ada");
    assert_eq!(given.hear(), "bye, Ada");
    assert_eq!(given.goodbye().0, 1000);
}

#[test]
fn it_is_closed_when_the_program_is_told_to_end() {
    let user = User::new();
    let (service, port) = serve(&user);
    let mut client = Client::connect(port, "/echo");
    client.say("here");
    assert_eq!(client.hear(), "here");
    let began = Instant::now();
    service.signal(Signal::SIGTERM);
    assert_eq!(client.goodbye(), (1001, String::new()));
    service.end();
    assert!(began.elapsed() < PATIENCE / 2);
}

/// Answers when nobody is accepted any more.
const ENDING: &str = r#"import std.http
import std.net
import std.time

fn main() -> Result[(), http.Error] {
    let server = http.listen(port: 0)?
    let port = server.port
    print(f"port {port}")
    server.run(fn(request) {
        print("asked")
        while net.connect("127.0.0.1", port) is Ok(c) {
            c.close()
            time.sleep(10.ms)
        }
        http.websocket(fn(socket) { print("opened") })
    })
    Ok(())
}
"#;

#[test]
fn none_is_opened_when_the_program_has_been_told_to_end() {
    let user = User::new();
    let program = user.file("ending.pd", ENDING);
    let (allow, here) = ("--allow", "127.0.0.1");
    let grants = ["net.listen", "net.connect"].map(|group| format!("{group}={here}"));
    let service = user.start(&["run", &program, allow, &grants[0], allow, &grants[1]]);
    let port = service.wait_for("port ").rsplit(' ').next().unwrap().parse().unwrap();
    let asking = thread::spawn(move || Client::ask(port, "/", ASKS).1);
    service.wait_for("asked");
    service.signal(Signal::SIGTERM);
    let head = asking.join().unwrap();
    assert!(
        head.starts_with("HTTP/1.1 503 ") && head.contains("\r\nConnection: close\r\n"),
        "{head}"
    );
    assert!(!service.end().stdout.contains("opened"));
}

#[test]
fn who_says_nothing_is_asked_and_then_left() {
    let user = User::new();
    let (service, port) = serve(&user);
    let (mut silent, mut alive) = (Client::connect(port, "/echo"), Client::connect(port, "/echo"));
    // Half a frame is no sign of life.
    silent.0.write_all(&frame(TEXT, b"abc")[..7]).unwrap();
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2200) {
        assert_eq!(alive.next(), Some((PING, Vec::new())));
        alive.send(PONG, b"").unwrap();
    }
    assert_eq!(silent.next(), Some((PING, Vec::new())));
    assert_eq!(silent.next(), None);
    service.wait_for("over: Closed(code: 1006, reason: \"no sign of life\")");
    alive.say("here");
    assert_eq!(alive.hear(), "here");
    // While the program is the slow one, nobody is left, and the next message waits outside.
    let mut waits = Client::connect(port, "/late");
    waits.say("first");
    service.wait_for("late: Ok(Text(text: \"first\")) Err(Timeout)");
    assert_eq!(waits.goodbye().0, 1000);
}

#[test]
fn who_reads_nothing_is_cut_off_and_keeps_little() {
    let user = User::new();
    let (service, port) = serve(&user);
    let memory = || -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let open = || fs::read_dir(format!("/proc/{}/fd", service.id())).unwrap().count();
    assert_echoes(port);
    let (before, files) = (memory(), open());
    // Each ping asks for a pong.
    let mut flooded = Client::connect(port, "/flood");
    let many = frame(PING, &[b'p'; 125]).repeat(1000);
    let began = Instant::now();
    while flooded.0.write_all(&many).is_ok() {
        assert!(began.elapsed() < PATIENCE);
    }
    service.wait_for("flooded: Closed(code: 1006, reason: \"\")");
    // A message that is never over.
    let mut fragments = Client::connect(port, "/echo");
    fragments.send(0x01, b"").unwrap();
    let many = frame(0x00, b"").repeat(10_000);
    for _ in 0..20 {
        fragments.0.write_all(&many).unwrap();
    }
    assert!(memory() < before + 32_768, "{} KiB after {before}", memory());
    assert_echoes(port);
    drop((flooded, fragments));
    wait_until("all are closed", || if open() <= files { Ok(()) } else { Err(open()) });
}

const CALLS: &str = r#"import std.env
import std.ws

fn show(opened: Result[ws.Socket, ws.Error]) {
    print(opened.and_then(fn(socket) => socket.read()))
}

fn main() -> Result[(), ws.Error] {
    let at = env.args()[0]
    let socket = ws.connect(f"ws://{at}/echo")?
    socket.send("zwölf")?
    print(socket.read()?)
    socket.send_bytes(b"\x00\xff")?
    print(socket.read()?)
    socket.close(4001, "done")
    let small = ws.connect(f"ws://{at}/echo", limit: 10)?
    # The echo, which is too long, may end the socket before it is known that all is sent.
    print(small.send("longer than ten").and_then(fn(sent) => small.read()))
    show(ws.connect(f"ws://{at}/enough"))
    show(ws.connect(f"ws://{at}/echo", headers: [("origin", "http://other")]))
    show(ws.connect(f"ws://{at}/none"))
    show(ws.connect(f"ws://{at}/", headers: [("a", "b\nc: d")]))
    show(ws.connect(f"http://{at}/echo"))
    show(ws.connect("ws://127.0.0.2/echo"))
    Ok(())
}
"#;

#[test]
fn programs_open_them_where_they_may() {
    let user = User::new();
    let (server, port) = serve(&user);
    let program = user.file("calls.pd", CALLS);
    let (place, grant) = (format!("127.0.0.1:{port}"), format!("net.connect=127.0.0.1:{port}"));
    let refused = user.run(&["run", &program, "--", &place]);
    refused.fails(1, &["net.connect", "calls.pd:"]);
    let outcome = user.run(&["run", &program, "--allow", &grant, "--", &place]);
    let lines: Vec<_> = outcome.stdout.lines().collect();
    let expected = [
        "Text(text: \"zwölf\")",
        "Binary(bytes: b\"\\0\\xff\")",
        "Err(Closed(code: 1009, reason: \"Space limit exceeded: Message too long: 15 > 10\"))",
        "Err(Closed(code: 4000, reason: \"enough\"))",
        "Err(NoWebSocket(reason: \"the server answers 403 Forbidden\"))",
        "Err(NoWebSocket(reason: \"the server answers 200 OK\"))",
        "Err(InvalidHead(text: \"a: b\\nc: d\\n\"))",
        &format!("Err(InvalidUrl(url: \"http://{place}/echo\"))"),
        "Err(NoConnection(error: NotAllowed(address: \"127.0.0.2:80\", allow: \"--allow \
         net.connect=127.0.0.2:80\")))",
    ];
    assert_eq!(lines, expected, "{outcome:?}");
    server.wait_for("code: 4001");
}
