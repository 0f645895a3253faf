//! The examples that serve files and links, follow a log, and stand in front of another server.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::symlink;

use nix::sys::signal::Signal;

use crate::examples::program;
use crate::http::Service;
use crate::support::{Process, User, connect, wait_until};

/// An example that listens, and its port.
fn serve(user: &User, name: &str, allowed: &[&str], words: &[&str]) -> (Process, u16) {
    let program = program(name);
    let mut all = vec!["run", program.to_str().unwrap(), "--allow", "net.listen=127.0.0.1"];
    all.extend(allowed.iter().flat_map(|allowed| ["--allow", allowed]));
    all.push("--");
    all.extend(words);
    all.push("0");
    let process = user.start(&all);
    let line = process.wait_for(" on port ");
    (process, line.rsplit(' ').next().unwrap().parse().unwrap())
}

/// The head and the body of an answer.
fn ask(port: u16, line: &str, fields: &str, body: &str) -> std::io::Result<(String, String)> {
    let mut stream = connect(("127.0.0.1", port))?;
    let length = body.len();
    let head = format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}");
    write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Ok((head.to_owned(), body.to_owned()))
}

fn get(port: u16, target: &str, fields: &str) -> (String, String) {
    ask(port, &format!("GET {target}"), fields, "").unwrap()
}

fn status(head: &str) -> &str {
    head.get(9..12).unwrap_or(head)
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[test]
fn files_are_served_from_their_folder_only() {
    let user = User::new();
    let folder = user.path("public");
    fs::create_dir_all(folder.join("sub")).unwrap();
    for (name, text) in
        [("index.html", "start"), ("sub/index.html", "sub"), ("a b.css", "css"), (".env", "hidden")]
    {
        fs::write(folder.join(name), text).unwrap();
    }
    let secret = user.file("secret.txt", "secret");
    symlink(&secret, folder.join("absolute.txt")).unwrap();
    symlink("../secret.txt", folder.join("relative.txt")).unwrap();
    symlink("..", folder.join("up")).unwrap();
    symlink("index.html", folder.join("alias.html")).unwrap();
    let folder = folder.to_str().unwrap();
    let grant = format!("fs.read={folder}");
    let (_server, port) = serve(&user, "files", &[&grant], &[folder]);
    for (target, expected) in [
        ("/", "start"),
        ("/sub/", "sub"),
        ("/alias.html", "start"),
        ("/a%20b.css", "css"),
        ("/.env", "404"),
        ("/absolute.txt", "404"),
        ("/relative.txt", "404"),
        ("/up/secret.txt", "404"),
        ("/../secret.txt", "404"),
        ("/sub/../../secret.txt", "404"),
        ("/%2e%2e/secret.txt", "404"),
        ("/..%2fsecret.txt", "404"),
        ("/sub%2f..%2f..%2fsecret.txt", "404"),
        ("//secret.txt", "404"),
        ("/index.html%00", "404"),
        ("/index.html/", "404"),
        ("/none", "404"),
    ] {
        let (head, body) = get(port, target, "");
        match status(&head) {
            "200" => assert_eq!(body, expected, "{target}"),
            other => assert_eq!(other, expected, "{target}: {body}"),
        }
    }
    let (head, _) = get(port, "/sub", "");
    assert_eq!((status(&head), field(&head, "location")), ("308", Some("/sub/")));
    let (head, _) = ask(port, "POST /", "", "").unwrap();
    assert_eq!((status(&head), field(&head, "allow")), ("405", Some("GET, HEAD")));
}

#[test]
fn a_part_of_a_file_is_served_and_what_the_client_has_is_not() {
    let user = User::new();
    let folder = user.path("public");
    fs::create_dir(&folder).unwrap();
    // More than is read at once.
    let text: String = (0..40_000).map(|n| format!("{n:05}")).collect();
    fs::write(folder.join("big.txt"), &text).unwrap();
    let folder = folder.to_str().unwrap();
    let grant = format!("fs.read={folder}");
    let (_server, port) = serve(&user, "files", &[&grant], &[folder]);
    let (head, body) = get(port, "/big.txt", "");
    assert_eq!(field(&head, "content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(field(&head, "content-length"), Some("200000"));
    assert_eq!(body, text);
    let date = field(&head, "last-modified").unwrap();
    let tag = field(&head, "etag").unwrap();
    let (head, body) = ask(port, "HEAD /big.txt", "Range: bytes=0-0\r\n", "").unwrap();
    assert_eq!((status(&head), field(&head, "content-length")), ("200", Some("200000")));
    assert_eq!(body, "");
    for (fields, range, part) in [
        ("Range: bytes=5-9".to_owned(), "bytes 5-9/200000", "00001"),
        ("Range: bytes=199995-".to_owned(), "bytes 199995-199999/200000", "39999"),
        ("Range: bytes=-5".to_owned(), "bytes 199995-199999/200000", "39999"),
        (format!("Range: bytes=0-4\r\nIf-Range: {date}"), "bytes 0-4/200000", "00000"),
        (format!("Range: bytes=0-4\r\nIf-Range: {tag}"), "bytes 0-4/200000", "00000"),
    ] {
        let (head, body) = get(port, "/big.txt", &format!("{fields}\r\n"));
        assert_eq!((status(&head), field(&head, "content-range")), ("206", Some(range)));
        assert_eq!(body, part);
    }
    for (fields, expected) in [
        ("Range: bytes=200000-".to_owned(), "416"),
        ("Range: bytes=0-1,5-6".to_owned(), "200"),
        ("Range: bytes=0-4\r\nIf-Range: \"another\"".to_owned(), "200"),
        (format!("If-Modified-Since: {date}"), "304"),
        (format!("If-None-Match: \"another\", W/{tag}"), "304"),
        (format!("If-None-Match: \"another\"\r\nIf-Modified-Since: {date}"), "200"),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), "200"),
        ("If-Modified-Since: yesterday".to_owned(), "200"),
        (format!("If-Match: {tag}\r\nIf-Unmodified-Since: {date}"), "200"),
        ("If-Match: \"another\"".to_owned(), "412"),
        (format!("If-Match: \"another\"\r\nIf-None-Match: {tag}"), "412"),
        ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), "412"),
    ] {
        let (head, _) = get(port, "/big.txt", &format!("{fields}\r\n"));
        assert_eq!(status(&head), expected, "{fields}");
        assert_eq!(field(&head, "etag").is_some(), expected != "416", "{fields}");
    }
    // As many bytes, and others.
    fs::write(user.path("public/big.txt"), text.replace('0', "1")).unwrap();
    let (head, _) = get(port, "/big.txt", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!(status(&head), "200");
}

#[test]
fn links_are_there_after_a_kill() {
    let user = User::new();
    let folder = user.path("data");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("links.txt");
    let grants = ["fs.read", "fs.write"].map(|group| format!("{group}={}", folder.display()));
    let start = || serve(&user, "links", &[&grants[0], &grants[1]], &[file.to_str().unwrap()]);
    let (server, port) = start();
    for wrong in ["", "example.org", "ftp://a/", "http://a b", "http://a\nx http://b", "http://é"]
    {
        assert_eq!(status(&ask(port, "POST /", "", wrong).unwrap().0), "400", "{wrong}");
    }
    assert_eq!(status(&get(port, "/nosuch", "").0), "404");
    // Links are made until the server is killed; each that was told is kept.
    let mut told = Vec::new();
    for n in 0.. {
        let url = format!("https://example.org/{n}?a=b");
        match ask(port, "POST /", "", &url) {
            Ok((head, body)) if status(&head) == "201" => told.push((body.trim().to_owned(), url)),
            _ => break,
        }
        if n == 20 {
            server.signal(Signal::SIGKILL);
        }
    }
    drop(server);
    assert!(told.len() > 20);
    // A line that was not finished.
    let mut open = fs::OpenOptions::new().append(true).open(&file).unwrap();
    open.write_all(b"abcdef https://example.org/torn").unwrap();
    let (_server, port) = start();
    let (_, new) = ask(port, "POST /", "", "http://new.example/").unwrap();
    told.push((new.trim().to_owned(), "http://new.example/".to_owned()));
    for (path, url) in &told {
        let (head, _) = get(port, path, "");
        assert_eq!((status(&head), field(&head, "location")), ("302", Some(url.as_str())));
    }
    assert_eq!(status(&get(port, "/abcdef", "").0), "404");
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.ends_with('\n') && !kept.contains("torn"), "{kept}");
}

#[test]
fn a_log_is_followed_when_it_is_put_away_or_cut() {
    let user = User::new();
    let folder = user.path("logs");
    fs::create_dir(&folder).unwrap();
    let log = folder.join("app.log");
    fs::write(&log, "before\n").unwrap();
    let grant = format!("fs.read={}", folder.display());
    let program = program("follow");
    let words = ["run", program.to_str().unwrap(), "--allow", &grant, "--", log.to_str().unwrap()];
    let follower = user.start(&words);
    follower.wait_for("follows ");
    let append = |name: &str, bytes: &[u8]| {
        let mut open = fs::OpenOptions::new().append(true).create(true).open(folder.join(name));
        open.as_mut().unwrap().write_all(bytes).unwrap();
    };
    append("app.log", b"one\ntw");
    follower.wait_for("one");
    append("app.log", b"o\n\xff\n\xc3");
    follower.wait_for("(1 bytes that are no text)");
    append("app.log", b"\xa9\n");
    follower.wait_for("é");
    // Something comes late to the one that was put away.
    append("app.log", b"last ");
    fs::rename(&log, folder.join("app.log.1")).unwrap();
    append("app.log.1", b"words\n");
    append("app.log", b"first words\n");
    follower.wait_for("first words");
    fs::write(&log, "").unwrap();
    follower.wait_for("was cut)");
    append("app.log", b"after\n");
    follower.wait_for("after");
    let printed = follower.printed();
    let lines: Vec<_> = printed.lines().skip(1).filter(|line| !line.ends_with("cut)")).collect();
    let expected = ["one", "two", "(1 bytes that are no text)", "é", "last words", "first words"];
    assert_eq!(lines[..6], expected);
    assert_eq!(lines[6..], ["after"]);
}

#[test]
fn a_proxy_answers_for_a_server_that_is_slow_or_gone() {
    let user = User::new();
    let start = |address: &str| {
        let grant = format!("net.connect={address}");
        serve(&user, "proxy", &[&grant], &[&format!("http://{address}")])
    };
    let service = Service::start();
    let (_proxy, port) = start(&format!("127.0.0.1:{}", service.port));
    let (head, body) = get(port, "/hello/Ada?many=2", "Cookie: session=old\r\n");
    assert_eq!((status(&head), body.as_str()), ("200", "Ada old 2"));
    assert_eq!(field(&head, "set-cookie"), Some("session=new; HttpOnly; SameSite=Lax; Path=/"));
    let (head, body) = ask(port, "POST /echo", "", "a body").unwrap();
    assert_eq!((status(&head), body.as_str()), ("200", "a body"));
    assert_eq!(status(&get(port, "/nothing", "").0), "404");
    // Twenty at once, and one more every 100 ms.
    let heads: Vec<_> = (0..60).map(|_| get(port, "/", "").0).collect();
    let refused: Vec<_> = heads.iter().filter(|head| status(head) == "429").collect();
    assert!(refused.len() > 5 && refused.len() < 60, "{}", refused.len());
    assert_eq!(field(refused[0], "retry-after"), Some("1"));
    wait_until("one may ask again", || match get(port, "/", "").0 {
        head if status(&head) == "200" => Ok(()),
        head => Err(head),
    });

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let (_proxy, port) = start(&address);
    assert_eq!(status(&get(port, "/", "").0), "504");
    drop(silent);
    assert_eq!(status(&get(port, "/", "").0), "502");
}
