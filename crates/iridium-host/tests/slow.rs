//! Clients of HTTP/2 who take nothing of what they have asked for, or give it up.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use iridium_host::{HttpLimits, Page, PageListener, PageServer};

const PATIENCE: Duration = Duration::from_secs(10);

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;

/// A frame of HTTP/2: RFC 9113, 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A GET that has no body.
fn get(stream: u32, path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).unwrap();
    // Of the static table of HPACK: GET, `http`, and the names of path and authority.
    let fields = [&[0x82, 0x86, 0x04, length], path.as_bytes(), &[0x01, 1, b'a']].concat();
    frame(HEADERS, 0x5, stream, &fields)
}

/// The kind, the stream and the length of the next frame.
fn any(stream: &mut TcpStream) -> (u8, u32, u32) {
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    let number = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all << 8 | u32::from(*byte));
    let (length, of) = (number(&head[..3]), number(&head[5..]));
    stream.read_exact(&mut vec![0; length as usize]).unwrap();
    (head[3], of, length)
}

/// The next frame that is neither about the connection nor empty.
fn next(stream: &mut TcpStream) -> (u8, u32, u32) {
    loop {
        let (kind, of, length) = any(stream);
        if of != 0 && (kind != DATA || length > 0) {
            return (kind, of, length);
        }
    }
}

/// Waits until all that was sent has been read.
fn settle(stream: &mut TcpStream) {
    stream.write_all(&frame(PING, 0, 0, &[0; 8])).unwrap();
    while any(stream).0 != PING {}
}

fn connect(server: &PageServer) -> TcpStream {
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream
}

#[test]
fn a_stream_whose_client_lets_nothing_through_is_reset_and_others_go_on() {
    let page = |path: &str| {
        let text = if path == "/large" { "large".repeat(100_000) } else { String::new() };
        Some(Page { status: 200, content_type: "text/plain", text })
    };
    let stall_time = Duration::from_millis(300);
    let limits = HttpLimits { stall_time, ..HttpLimits::default() };
    let server = PageListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = server.serve(limits, page).unwrap();

    let mut stream = connect(&server);
    // The initial window of each stream is 100 bytes.
    let settings = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 100]);
    let began = Instant::now();
    stream.write_all(&[settings, get(1, "/large")].concat()).unwrap();
    assert_eq!(next(&mut stream).0, HEADERS);
    assert_eq!(next(&mut stream), (DATA, 1, 100));
    // One that takes nothing is no hindrance for the next, before its end and behind it.
    stream.write_all(&get(3, "/")).unwrap();
    assert_eq!(next(&mut stream).0, HEADERS);
    assert_eq!(next(&mut stream), (RESET, 1, 4));
    assert!(began.elapsed() >= stall_time, "{:?}", began.elapsed());
    stream.write_all(&get(5, "/")).unwrap();
    let (kind, of, _) = next(&mut stream);
    assert_eq!((kind, of), (HEADERS, 5));
}

#[test]
fn no_page_is_made_for_who_has_gone_before_its_turn() {
    let (go, gate) = mpsc::channel::<()>();
    let (begun, pages) = mpsc::channel();
    let gate = std::sync::Mutex::new(gate);
    let page = move |path: &str| {
        begun.send(path.to_owned()).unwrap();
        // Until the other end is gone.
        let _ = gate.lock().unwrap().recv();
        Some(Page { status: 200, content_type: "text/plain", text: String::new() })
    };
    let server = PageListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = server.serve(HttpLimits::default(), page).unwrap();
    let mut stream = connect(&server);
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    for number in (1..40).step_by(2) {
        stream.write_all(&get(number, "/gone")).unwrap();
        settle(&mut stream);
    }
    // There are threads for two.
    (0..2).for_each(|_| assert_eq!(pages.recv_timeout(PATIENCE).unwrap(), "/gone"));
    for number in (1..40).step_by(2) {
        stream.write_all(&frame(RESET, 0, number, &8_u32.to_be_bytes())).unwrap();
    }
    settle(&mut stream);
    stream.write_all(&get(41, "/there")).unwrap();
    // By now the streams have ended, too.
    settle(&mut stream);
    drop(go);
    assert_eq!(pages.recv_timeout(PATIENCE).unwrap(), "/there");
}
