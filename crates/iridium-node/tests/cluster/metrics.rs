//! The page for scrapers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use iridium_node::Node;

use crate::harness::{Lab, PATIENCE, config, join, start};

/// A node with metrics, joined by another.
fn labs() -> [Lab; 2] {
    let (mut config, output) = config("a");
    config.metrics = Some("127.0.0.1:0".parse().unwrap());
    let labs = [Lab { node: Node::start(config).unwrap(), output }, start("b")];
    join(&labs);
    labs
}

fn ask(lab: &Lab, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(lab.node.metrics_addr().unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_scraper_finds_members_processes_and_traffic() {
    let labs = labs();
    let module = crate::harness::assemble("main: self $0\nsendi $0 $1 $1\ndiv $1 $2 $3\nhlt");
    labs[0].run(&module, "main", &[]);
    let answer = ask(&labs[0], b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}", body.len())));
    for line in [
        "iridium_members{state=\"self\"} 1",
        "iridium_members{state=\"alive\"} 1",
        "iridium_send_queue_bytes{peer=\"b\"} 0",
        "iridium_processes 0",
        "iridium_traps_total 1",
        "iridium_dead_letters_total 1",
        "# TYPE iridium_fuel_total counter",
    ] {
        assert!(body.lines().any(|found| found == line), "no {line} in {body}");
    }
}

#[test]
fn what_is_no_request_for_metrics_is_told_so() {
    let labs = labs();
    for (request, status) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"\x00\x01\x02 garbage\r\n\r\n", "400"),
    ] {
        let answer = ask(&labs[0], request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    // What comes behind a head that is refused does not cost the client the answer.
    let large =
        [&b"POST /metrics HTTP/1.1\r\nContent-Length: 200000\r\n\r\n"[..], &[b'x'; 200_000]];
    assert!(ask(&labs[0], &large.concat()).starts_with("HTTP/1.1 405 "));
    // One that asks nothing and goes does no harm.
    drop(TcpStream::connect(labs[0].node.metrics_addr().unwrap()).unwrap());
    assert!(ask(&labs[0], b"GET /metrics HTTP/1.1\r\n\r\n").contains("iridium_uptime_seconds"));
}

#[test]
fn methods_are_answered_as_http_has_it() {
    let labs = labs();
    for (request, status, has_body) in [
        (&b"GET /metrics HTTP/1.0\r\n\r\n"[..], "200", true),
        (b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", "200", true),
        (b"GET http://a/metrics HTTP/1.1\r\nHost: a\r\n\r\n", "200", true),
        (b"GET /metricsx HTTP/1.1\r\nHost: a\r\n\r\n", "404", true),
        (b"HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "200", false),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "404", false),
        (b"PUT /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", "405", true),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "405", true),
    ] {
        let answer = ask(&labs[0], request);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert_eq!(head.contains("\r\nAllow: GET, HEAD\r\n"), status == "405", "{head}");
        let length = head.split("Content-Length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        assert!(length > 0, "{head}");
        assert_eq!(body.len(), if has_body { length } else { 0 }, "{answer}");
    }
}

#[test]
fn those_who_connect_and_say_nothing_hold_up_nobody() {
    let labs = labs();
    let metrics = labs[0].node.metrics_addr().unwrap();
    let _silent: Vec<_> = (0..10).map(|_| TcpStream::connect(metrics).unwrap()).collect();
    let began = Instant::now();
    let answer = ask(&labs[0], b"GET /metrics HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}
