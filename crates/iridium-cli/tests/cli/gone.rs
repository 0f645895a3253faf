//! Clients of HTTP/2 that ask, and go before they are answered to the end.

#[path = "../../../iridium-host/tests/http2/mod.rs"]
mod http2;

use std::io::Write as _;
use std::net::TcpStream;

use self::http2::{PREFACE, SETTINGS, frame, get, reset, settle};
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

/// A connection of HTTP/2.
fn speak(service: &Service) -> TcpStream {
    let mut stream = service.connect();
    stream.write_all(PREFACE).unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    stream
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
