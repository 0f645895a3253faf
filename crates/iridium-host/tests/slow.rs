//! Clients of HTTP/2 who take nothing of what they have asked for, or give it up.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod http2;

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use iridium_host::{HttpLimits, Page, PageListener, PageServer};

use self::http2::{HEADERS, PREFACE, RESET, SETTINGS, frame, get, reset, settle};

const PATIENCE: Duration = Duration::from_secs(10);

const DATA: u8 = 0;

/// The next frame that is neither about the connection nor empty.
fn next_of_a_stream(stream: &mut TcpStream) -> (u8, u32, u32) {
    loop {
        let (kind, of, length) = http2::next(stream);
        if of != 0 && (kind != DATA || length > 0) {
            return (kind, of, length);
        }
    }
}

fn connect(server: &PageServer) -> TcpStream {
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(PREFACE).unwrap();
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
    assert_eq!(next_of_a_stream(&mut stream).0, HEADERS);
    assert_eq!(next_of_a_stream(&mut stream), (DATA, 1, 100));
    // One that takes nothing is no hindrance for the next, before its end and behind it.
    stream.write_all(&get(3, "/")).unwrap();
    assert_eq!(next_of_a_stream(&mut stream).0, HEADERS);
    assert_eq!(next_of_a_stream(&mut stream), (RESET, 1, 4));
    assert!(began.elapsed() >= stall_time, "{:?}", began.elapsed());
    stream.write_all(&get(5, "/")).unwrap();
    let (kind, of, _) = next_of_a_stream(&mut stream);
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
        stream.write_all(&reset(number)).unwrap();
    }
    settle(&mut stream);
    stream.write_all(&get(41, "/there")).unwrap();
    // By now the streams have ended, too.
    settle(&mut stream);
    drop(go);
    assert_eq!(pages.recv_timeout(PATIENCE).unwrap(), "/there");
}
