//! HTTP clients in Palladium.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use crate::http::Service;
use crate::support::User;

#[test]
fn a_client_gets_answers_or_errors_and_reaches_only_what_is_allowed() {
    let (service, user) = (Service::start(), User::new());
    // Where nobody listens: it was free a moment ago.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let forbidden = format!("127.0.0.2:{}", service.port);
    let words = [format!("127.0.0.1:{}", service.port), nobody.to_string(), forbidden.clone()];
    let [at, nowhere, other] = words.clone().map(|place| format!("http://{place}"));
    let [may, may_too] = [&words[0], &words[1]].map(|place| format!("net.connect={place}"));
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/http/client.pd");
    let allow = ["run", "--allow", &may, "--allow", &may_too, program, "--", &at, &nowhere, &other];
    let outcome = user.run(&allow);
    outcome.succeeds();
    let refused =
        format!("NotAllowed(address: \"{forbidden}\", allow: \"--allow net.connect={forbidden}\")");
    let expected = format!(
        "get: 200 012
missing: 404 nothing is here
post: 200 h\u{e9}
too much for it: 413 payload too large
json: Ok([1, 2, 3]), Some(\"application/json\")
fields: 200 a b mine 1
by 303: 200 Ada mine 2
by 307: 200 again
in circles: TooManyRedirects(url: \"{at}/to\")
redirect to a forbidden host: {refused}
redirect to a file: InvalidUrl(url: \"file:///etc/passwd\")
forbidden: {refused}
nobody: Refused(address: \"{nobody}\")
crash: 500 internal server error
slow: TooSlow
long: TooLarge
exactly: 200 hello
no URL: InvalidUrl(url: \"ftp://example.org/\")
no method: InvalidHead(text: \"GE T\\n{at}\\n\")
no field: InvalidHead(text: \"GET\\n{at}\\na: b\\nc: d\\n\")
"
    );
    assert_eq!(outcome.stdout, expected);
}

#[test]
fn what_is_no_answer_of_http_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let answers = ["hello\r\n\r\n", "", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"];
    let peer = thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let user = User::new();
    let text = format!(
        "import std.http\n\nfn main() {{\n    for _ in 0..3 {{ print(http.get(\"http://{at}\") is \
         Err(NotHttp(_))) }}\n}}\n"
    );
    let program = user.file("client.pd", text);
    let outcome = user.run(&["run", &program, "--allow", &format!("net.connect={at}")]);
    outcome.succeeds();
    assert_eq!(outcome.stdout, "true\n".repeat(3));
    peer.join().unwrap();
}

#[test]
fn an_answer_that_has_no_room_in_the_heap_is_not_taken_in() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let chunk = [&b"100000\r\n"[..], &[b'x'; 1 << 20], b"\r\n"].concat();
        // Some of it may be under way.
        (0..64).take_while(|_| stream.write_all(&chunk).is_ok()).count()
    });
    let user = User::new();
    let text = format!(
        "import std.http\n\nfn main() {{ print(http.get(\"http://{at}\", limit: 1_000_000_000)) }}\n"
    );
    let program = user.file("client.pd", text);
    let may = format!("net.connect={at}");
    let outcome = user.run(&["run", &program, "--heap-limit", "1000000", "--allow", &may]);
    outcome.succeeds();
    assert_eq!(outcome.stdout, "Err(TooLarge)\n");
    let sent = peer.join().unwrap();
    assert!(sent < 32, "{sent} MiB");
}

#[test]
fn a_connection_is_kept_for_the_next_question_and_replaced_when_it_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let mut question = [0; 4096];
        for answers in [3, 1] {
            let (mut stream, _) = listener.accept().unwrap();
            for _ in 0..answers {
                assert!(stream.read(&mut question).unwrap() > 0);
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
            }
            // The next one is not answered, as by a server that was just about to close.
            let _ = stream.read(&mut question).unwrap();
        }
    });
    let user = User::new();
    let text = format!(
        "import std.http\n\nfn main() {{\n    for _ in 0..4 {{ print(http.get(\"http://{at}\").map(fn(a) \
         => a.status)) }}\n}}\n"
    );
    let program = user.file("client.pd", text);
    let outcome = user.run(&["run", &program, "--allow", &format!("net.connect={at}")]);
    outcome.succeeds();
    assert_eq!(outcome.stdout, "Ok(200)\n".repeat(4));
    peer.join().unwrap();
}
