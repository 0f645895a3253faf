//! The pages that a process serves about itself, asked as scrapers, probes and worse do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use iridium_host::{HttpLimits, Page, PageListener, PageServer};

const PATIENCE: Duration = Duration::from_secs(10);

fn server(limits: HttpLimits) -> PageServer {
    let page = |path: &str| match path {
        "/page" => Some(Page { status: 200, content_type: "text/plain", text: "it is\n".into() }),
        "/panics" => panic!("it was to be so"),
        _ => None,
    };
    let listener = PageListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    listener.serve(limits, page).unwrap()
}

fn ask(server: &PageServer, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn methods_and_paths_are_answered_as_http_has_it() {
    let server = server(HttpLimits::default());
    for (request, status, has_body) in [
        (&b"GET /page HTTP/1.0\r\n\r\n"[..], "200", true),
        (b"GET /page?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", "200", true),
        (b"GET http://a/page HTTP/1.1\r\nHost: a\r\n\r\n", "200", true),
        (b"GET /pages HTTP/1.1\r\nHost: a\r\n\r\n", "404", true),
        (b"HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n", "200", false),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "404", false),
        (b"PUT /page HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", "405", true),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "405", true),
        (b"GET /panics HTTP/1.1\r\nHost: a\r\n\r\n", "500", true),
    ] {
        let answer = ask(&server, request);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let version = head.starts_with("HTTP/1.1 ") || head.starts_with("HTTP/1.0 ");
        assert!(version && head[9..].starts_with(status), "{head}");
        assert_eq!(head.contains("\r\nAllow: GET, HEAD"), status == "405", "{head}");
        let length = head.split("Content-Length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        assert!(length > 0, "{head}");
        assert_eq!(body.len(), if has_body { length } else { 0 }, "{answer}");
    }
    assert!(ask(&server, b"\x00\x01\x02 garbage\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

#[test]
fn what_comes_behind_a_head_that_is_refused_does_not_cost_the_client_the_answer() {
    let server = server(HttpLimits::default());
    let head = &b"POST /page HTTP/1.1\r\nContent-Length: 200000\r\n\r\n"[..];
    let large = [head, &[b'x'; 200_000]].concat();
    assert!(ask(&server, &large).starts_with("HTTP/1.1 405 "));
}

#[test]
fn those_who_say_nothing_hold_up_nobody_and_are_cut_off() {
    let head_time = Duration::from_millis(300);
    let server = server(HttpLimits { head_time, connections: 12, ..HttpLimits::default() });
    let mut silent: Vec<_> = (0..10).map(|_| TcpStream::connect(server.addr()).unwrap()).collect();
    silent[0].write_all(b"GET /page HTTP/1.1\r\n").unwrap();
    silent[1].write_all(b"P").unwrap();
    let began = Instant::now();
    assert!(ask(&server, b"GET /page HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(began.elapsed() < PATIENCE);
    for stream in &mut silent {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let end = stream.read(&mut [0; 64]);
        assert!(
            matches!(end, Ok(0))
                || end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
        );
    }
}

#[test]
fn a_server_that_is_dropped_ends_whoever_is_connected() {
    let server = server(HttpLimits::default());
    let (addr, mut silent) = (server.addr(), TcpStream::connect(server.addr()).unwrap());
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
    let _ = silent.read(&mut [0; 64]);
    assert!(TcpStream::connect(addr).is_err());
}
