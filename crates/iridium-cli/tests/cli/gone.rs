//! Clients of HTTP/2 that ask, and go before they are answered to the end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::http::Service;
use crate::support::{User, wait_until};

const PROGRAM: &str = "\
import std.http
import std.time

fn main() {
    let server = http.listen(port: 0, limits: http.Limits(connections: 6, answer: 3.s))!
    print(f\"port {server.port}\")
    server.run(fn(request) {
        match request.path {
            \"/sleep\" => {
                print(\"at work\")
                time.sleep(1000.s)
                http.text(\"\")
            }
            \"/stream\" => http.stream(fn(_) {
                print(\"at work\")
                time.sleep(1000.s)
            })
            _ => http.text(\"hello\\n\")
        }
    })
}
";

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

fn reset(stream: u32) -> Vec<u8> {
    frame(RESET, 0, stream, &8_u32.to_be_bytes())
}

/// A connection of HTTP/2.
fn speak(service: &Service) -> TcpStream {
    let mut stream = service.connect();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    stream
}

/// Waits until all that was sent has been read.
fn settle(stream: &mut TcpStream) {
    stream.write_all(&frame(PING, 0, 0, &[7; 8])).unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let [_, high, low, kind, ..] = head;
        stream.read_exact(&mut vec![0; usize::from(u16::from_be_bytes([high, low]))]).unwrap();
        if kind == PING {
            return;
        }
    }
}

#[test]
fn who_is_at_work_for_a_client_that_has_gone_is_counted_and_has_its_time() {
    let user = User::new();
    let program = user.file("slow.pd", PROGRAM);
    let service = Service::of(user, &program);
    let mut stream = speak(&service);
    for number in (1..12).step_by(4) {
        stream.write_all(&get(number, "/sleep")).unwrap();
        stream.write_all(&get(number + 2, "/stream")).unwrap();
    }
    (0..6).for_each(|_| drop(service.process.wait_for("at work")));
    for number in (1..12).step_by(2) {
        stream.write_all(&reset(number)).unwrap();
    }
    settle(&mut stream);
    let answer = service.get("/");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    wait_until("they are ended", || match service.get("/") {
        answer if answer.starts_with("HTTP/1.1 200 ") => Ok(()),
        answer => Err(answer),
    });
}

#[test]
fn who_has_been_told_that_the_client_has_gone_is_not_ended() {
    let user = User::new();
    let program = "\
import std.http
import std.time

fn main() {
    let server = http.listen(port: 0, limits: http.Limits(answer: 200.ms))!
    print(f\"port {server.port}\")
    server.run(fn(_) => http.stream(fn(out) {
        print(\"at work\")
        while out.write(\"part\") is Ok(_) { time.sleep(1.ms) }
        time.sleep(1.s)
        print(\"done\")
    }))
}
";
    let program = user.file("told.pd", program);
    let service = Service::of(user, &program);
    let mut stream = speak(&service);
    stream.write_all(&get(1, "/")).unwrap();
    service.process.wait_for("at work");
    stream.write_all(&reset(1)).unwrap();
    service.process.wait_for("done");
}

#[test]
fn the_requests_of_one_server_take_no_places_of_another() {
    let user = User::new();
    let program = "\
import std.http
import std.time

fn main() {
    let one = http.listen(port: 0, limits: http.Limits(connections: 1))!
    print(f\"port {one.port}\")
    let _ = task(fn() {
        let other = http.listen(port: 0)!
        print(f\"port {other.port}\")
        other.run(fn(_) => http.stream(fn(_) {
            print(\"at work\")
            time.sleep(1000.s)
        }))
    })
    one.run(fn(_) => http.text(\"hello\\n\"))
}
";
    let program = user.file("two.pd", program);
    let mut service = Service::of(user, &program);
    let busy = service.process.wait_for("port ");
    let own =
        std::mem::replace(&mut service.port, busy.rsplit(' ').next().unwrap().parse().unwrap());
    let mut stream = speak(&service);
    stream.write_all(&get(1, "/")).unwrap();
    service.process.wait_for("at work");
    service.port = own;
    let answer = service.get("/");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
