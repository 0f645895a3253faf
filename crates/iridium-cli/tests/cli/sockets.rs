//! Sockets of programs, with real peers on this machine.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};

use nix::sys::signal::Signal;

use crate::support::{self, PATIENCE, Process, User, wait_until};

const FOR_LOOPBACK: [&str; 2] = ["--allow", "net.listen=127.0.0.1"];

/// Each connection has a process, which ends by itself, fails, or writes without end.
const SERVICE: &str = "import std.net
import std.process

actor Talk {
    on serve(c: Conn) {
        while c.read_line() is Ok(Some(line)) {
            match line {
                \"fail\" => panic(\"as you say\")
                \"much\" => {
                    print(f\"ended by {flood(c)}\")
                    c.close()
                }
                _ => print(c.write_text(f\"{line}!\\n\"))
            }
        }
        c.close()
        stop()
    }
}

fn flood(c: Conn) -> net.Error {
    let much = Bytes.filled(16_777_216, 7)
    loop {
        match c.write(much, within: 700.ms) {
            Ok(_) => print(\"written\")
            Err(e) => return e
        }
    }
}

fn main() -> Result[(), net.Error] {
    let l = net.listen(\"127.0.0.1:0\")?
    print(f\"listens at {l.address}\")
    loop {
        let c = l.accept()?
        let talk = spawn Talk()
        c.give(to: talk)
        talk.serve(c)
    }
}
";

fn address(of: &Process) -> String {
    of.wait_for("listens at ").trim_start_matches("listens at ").trim().to_owned()
}

fn connect(address: &str) -> TcpStream {
    support::connect(address).unwrap()
}

fn say(stream: &mut TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

fn serve(user: &User) -> (Process, String) {
    let program = user.file("service.pd", SERVICE);
    let service = user.start(&[&["run", &program], &FOR_LOOPBACK[..]].concat());
    let address = address(&service);
    (service, address)
}

#[test]
fn the_echo_of_the_examples_serves_many_and_those_who_write_no_more() {
    let user = User::new();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../palladium/examples/echo.pd");
    let echo = user.start(&[&["run", program], &FOR_LOOPBACK[..], &["--", "127.0.0.1:0"]].concat());
    let address = address(&echo);
    let mut slow = connect(&address);
    let mut quick = connect(&address);
    assert_eq!(say(&mut quick, "quick\r\n"), "quick\n");
    assert_eq!(say(&mut slow, "slow\n"), "slow\n");
    slow.write_all("a\nno end".as_bytes()).unwrap();
    slow.shutdown(Shutdown::Write).unwrap();
    let mut rest = String::new();
    slow.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "a\nno end\n");
}

/// Whether it has failed, was killed, or is reset by the peer.
#[test]
fn a_connection_ends_with_its_owner_and_harms_no_other() {
    let user = User::new();
    let (service, address) = serve(&user);
    let (mut one, mut other) = (connect(&address), connect(&address));
    assert_eq!(say(&mut one, "a\n"), "a!\n");
    assert_eq!(say(&mut one, "fail\n"), "", "the end");
    assert_eq!(say(&mut other, "b\n"), "b!\n");
    // One that is dropped with something unread in it is reset.
    other.write_all(b"c\n").unwrap();
    let mut one_byte = [0];
    assert_eq!(other.peek(&mut one_byte).unwrap(), 1);
    drop(other);
    assert_eq!(say(&mut connect(&address), "d\n"), "d!\n");
    assert!(service.complained().contains("as you say"), "{}", service.complained());
}

#[test]
fn who_writes_to_a_slow_peer_waits_and_is_cut_off() {
    let user = User::new();
    let (service, address) = serve(&user);
    let mut slow = connect(&address);
    slow.write_all(b"much\n").unwrap();
    // The system keeps a few MiB at most, so not even the first part gets through.
    service.wait_for("ended by Timeout");
    assert!(!service.printed().contains("written"));
    // Others were served meanwhile, and the peer sees an end after what it got.
    assert_eq!(say(&mut connect(&address), "x\n"), "x!\n");
    let mut got = Vec::new();
    let _ = slow.read_to_end(&mut got);
    assert!(!got.is_empty() && got.len() < 16 << 20 && got.iter().all(|byte| *byte == 7));
}

/// The one that compiles is started when it has something to do, and stays.
fn threads_but_the_compiler(service: &Process) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", service.id())).unwrap();
    // A thread that has ended meanwhile has no name.
    let name =
        |task: io::Result<fs::DirEntry>| fs::read_to_string(task.ok()?.path().join("comm")).ok();
    tasks.filter_map(name).filter(|name| name != "jit\n").count()
}

#[test]
fn two_thousand_connections_leave_no_descriptor_and_no_thread_behind() {
    let user = User::new();
    let (service, address) = serve(&user);
    assert_eq!(say(&mut connect(&address), "first\n"), "first!\n");
    let count =
        |what: &str| fs::read_dir(format!("/proc/{}/{what}", service.id())).unwrap().count();
    let settled = |sockets: usize| {
        wait_until("only the first descriptors are open", || match count("fd") {
            open if open <= sockets => Ok(open),
            open => Err(open),
        })
    };
    // Its connection is closed, and its listener open.
    let before = settled(count("fd").saturating_sub(1).max(1));
    let threads = threads_but_the_compiler(&service);
    for _ in 0..20 {
        let mut crowd: Vec<_> = (0..100).map(|_| connect(&address)).collect();
        for (n, stream) in crowd.iter_mut().enumerate() {
            assert_eq!(say(stream, &format!("{n}\n")), format!("{n}!\n"));
        }
    }
    settled(before);
    let left = threads_but_the_compiler(&service);
    assert!(left <= threads, "{left} threads after {threads}");
    assert_eq!(say(&mut connect(&address), "last\n"), "last!\n");
}

#[test]
fn what_a_program_may_reach_is_compared_by_address() {
    let user = User::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let program = user.file(
        "reach.pd",
        format!(
            "import std.env\nimport std.net\nfn main() {{\n    for host in env.args() {{\n        \
             print(net.connect(host, {port}).map(fn(c) => c.peer))\n    }}\n}}\n"
        ),
    );
    user.run(&["run", &program])
        .fails(1, &["net.connect", &format!("{program}:5:15"), "--allow net.connect=HOST:PORT"]);
    let reach = |grant: &str, host: &str| {
        let outcome = user.run(&["run", &program, "--allow", grant, "--", host]);
        outcome.stdout.trim_end().to_owned()
    };
    let reached = format!("Ok(\"127.0.0.1:{port}\")");
    let grant = format!("net.connect=127.0.0.1:{port}");
    for host in ["127.0.0.1", "::ffff:127.0.0.1", "localhost"] {
        assert_eq!(reach(&grant, host), reached, "{host}");
    }
    assert_eq!(reach("net.connect=localhost", "127.0.0.1"), reached);
    assert_eq!(reach(&format!("net.connect=*:{port}"), "127.0.0.1"), reached);
    for host in ["127.0.0.2", "0.0.0.0", "example.org"] {
        let told = format!(
            "Err(NotAllowed(address: \"{host}:{port}\", allow: \"--allow \
             net.connect={host}:{port}\"))"
        );
        assert_eq!(reach(&grant, host), told);
    }
    let elsewhere = reach("net.connect=127.0.0.1:1", "127.0.0.1");
    assert!(elsewhere.starts_with("Err(NotAllowed("), "{elsewhere}");
    // Where somebody may listen is no place to connect to, and another place to listen at is none.
    let service = user.file("service.pd", SERVICE);
    let refused = user.run(&["run", &service, "--allow", "net.listen=127.0.0.1:1"]);
    assert!(refused.stderr.contains("--allow net.listen=127.0.0.1:0"), "{refused:?}");
}

#[test]
fn a_resumed_program_is_told_that_its_connections_are_gone() {
    let user = User::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let source = format!(
        "import std.net\nfn main() -> Result[(), net.Error] {{\n    \
         let c = net.connect(\"127.0.0.1\", {port})?\n    var n = 0\n    \
         for i in 0..1_000_000 {{ n += i }}\n    print(c.read())\n    \
         print(net.connect(\"127.0.0.1\", {port}).map(fn(c) => c.peer))\n    Ok(())\n}}\n"
    );
    let program = user.file("later.pd", source);
    let state = user.path("state").to_str().unwrap().to_owned();
    let grant = format!("net.connect=127.0.0.1:{port}");
    let fuel = ["--fuel", "500000", "--save", &state];
    user.run(&[&["run", &program, "--allow", &grant], &fuel[..]].concat());
    // The saved one has closed its own.
    let (mut first, _) = listener.accept().unwrap();
    first.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(first.read(&mut [0]).unwrap(), 0);
    user.run(&["resume", &state]).fails(1, &["net.connect", "--allow net.connect=HOST:PORT"]);
    let resumed = user.run(&["resume", &state, "--allow", &grant]);
    assert_eq!(resumed.stdout, format!("Err(Closed)\nOk(\"127.0.0.1:{port}\")\n"), "{resumed:?}");
}

const ELSEWHERE: &str = "import std.net

actor Talk {
    on serve(c: Conn) {
        while c.read_line() is Ok(Some(line)) {
            print(c.write_text(f\"{line}, says {c.pid.node() == node()}\\n\"))
        }
    }
}

fn main() -> Result[(), net.Error] {
    let l = net.listen(\"127.0.0.1:0\")?
    print(f\"listens at {l.address}\")
    loop {
        let c = l.accept()?
        for n in nodes() {
            if n == node() { continue }
            if (spawn Talk() on n) is Ok(talk) {
                c.give(to: talk)
                talk.serve(c)
            }
        }
    }
}
";

#[test]
fn a_connection_is_served_from_another_node_and_closed_when_that_is_lost() {
    let user = User::new();
    let program = user.file("elsewhere.pd", ELSEWHERE);
    // What a node is sent it runs only if it may do as much itself.
    let grant = ["--allow", "net.listen=127.0.0.1:0"];
    let here = user.node("here", &[&grant[..], &["--run", &program]].concat());
    let address = address(&here.process);
    let there = user.node("there", &[&grant[..], &["--join", &here.at]].concat());
    user.wait_for_members(&here.at, &[("here", "self"), ("there", "alive")]);
    let mut stream = connect(&address);
    assert_eq!(say(&mut stream, "hello\n"), "hello, says false\n");
    there.process.signal(Signal::SIGKILL);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

const TLS: &str = "import std.env
import std.fs
import std.net

fn talk(port: Int) -> String {
    match net.connect_tls(\"localhost\", port) {
        Ok(c) => f\"{c.write_text(\"hello\\n\")} {c.read_line()} {c.read()}\"
        Err(e) => f\"{e}\"
    }
}

fn main() -> Result[(), net.Error] {
    let at = env.args()[0]
    let certificate = fs.read_text(f\"{at}/certificate.pem\")!
    let l = net.listen_tls(\"127.0.0.1:0\", certificate, key: fs.read_text(f\"{at}/key.pem\")!)?
    let port = l.address.split(\":\")[1].to_int()!
    let client = task(fn() => talk(port))
    let c = l.accept()?
    if c.read_line() is Ok(Some(line)) {
        print(c.write_text(f\"{line} over TLS\\n\"))
    }
    c.close()
    print(client.wait())
    print(net.listen_tls(\"127.0.0.1:0\", \"x\", key: \"y\").map(fn(l) => l.address))
    Ok(())
}
";

#[test]
fn tls_is_spoken_with_who_has_a_certificate_that_is_trusted() {
    let user = User::new();
    let program = user.file("tls.pd", TLS);
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls");
    let read = format!("fs.read={files}");
    let talk = |authority: &str| {
        let grants = ["--allow", &read, "--allow", "net.connect=localhost", "--", files];
        let mut command = user.iridium(&[&["run", &program], &FOR_LOOPBACK[..], &grants].concat());
        let output = command.env("SSL_CERT_FILE", authority).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let no_certificate =
        "Err(Tls(reason: \"the certificate is no PEM text with a certificate in it\"))\n";
    assert_eq!(
        talk(&format!("{files}/authority.pem")),
        format!(
            "Ok(())\nOk(\"Ok(()) Ok(Some(\\\"hello over TLS\\\")) Ok(b\\\"\\\")\")\n{no_certificate}"
        )
    );
    let refused = talk(&format!("{files}/certificate.pem"));
    assert!(refused.contains("invalid peer certificate"), "{refused}");
}

#[test]
fn bytes_are_given_as_they_are_asked_for() {
    let user = User::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = [
        ("c.read_line(limit: 3)", "Ok(Some(\"ab\"))"),
        ("c.read_line(limit: 3)", "Err(TooLong(limit: 3))"),
        ("c.read_exactly(7)", "Ok(b\"abcdef\\n\")"),
        ("c.read(most: 2)", "Ok(b\"re\")"),
        ("c.read_exactly(5)", "Err(Closed)"),
        ("c.read_exactly(2_000_000)", "Err(TooLong(limit: 1048576))"),
        ("c.read_line()", "Ok(Some(\"st\"))"),
        ("c.read_line()", "Ok(None)"),
        ("c.read()", "Ok(b\"\")"),
        ("c.write(b\"\")", "Ok(())"),
        ("c.finish()", "Ok(())"),
        ("c.write_text(\"x\")", "Err(Closed)"),
        ("task(fn() => c.read(within: 10.ms)).wait()", "Ok(Ok(b\"\"))"),
    ];
    let lines: String = asked.iter().map(|(call, _)| format!("    print({call})\n")).collect();
    let source = format!(
        "import std.net\nfn main() -> Result[(), net.Error] {{\n    \
         let c = net.connect(\"localhost\", {port})?\n{lines}    Ok(())\n}}\n"
    );
    let program = user.file("asks.pd", source);
    let client = user.start(&["run", &program, "--allow", "net.connect=localhost"]);
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"ab\r\nabcdef\nrest").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut written = Vec::new();
    stream.read_to_end(&mut written).unwrap();
    assert!(written.is_empty(), "{written:?}");
    let answers: String = asked.iter().map(|(_, answer)| format!("{answer}\n")).collect();
    assert_eq!(client.end().stdout, answers);
}
