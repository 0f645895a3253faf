//! A scripted editor, with a folder of its own.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take, on a machine that does much else.
const DEADLINE: Duration = Duration::from_secs(120);

pub(crate) struct Editor {
    folder: TempDir,
    /// `None` when it has hung up.
    input: Option<std::io::PipeWriter>,
    output: Receiver<(Instant, String)>,
    /// When the last message had come.
    pub(crate) arrived: Instant,
    server: JoinHandle<Result<(), palladium_lsp::Error>>,
    next: i32,
    version: i32,
    /// The last that was told of each document, until it is looked at.
    diagnostics: BTreeMap<String, Vec<Value>>,
}

/// A text without its cursor `‸`, and the position of that.
pub(crate) fn at(source: &str) -> (String, Value) {
    let (before, after) = source.split_once('‸').unwrap();
    let line = before.matches('\n').count();
    let column: usize =
        before.rsplit('\n').next().unwrap_or_default().chars().map(char::len_utf16).sum();
    (format!("{before}{after}"), json!({ "line": line, "character": column }))
}

/// The labels of completion items.
pub(crate) fn labels(items: &Value) -> Vec<String> {
    let items = items.as_array().unwrap().iter();
    items.map(|item| item["label"].as_str().unwrap().to_owned()).collect()
}

/// The texts of edits.
pub(crate) fn texts(edits: &Value) -> Vec<String> {
    let edits = edits.as_array().unwrap().iter();
    edits.map(|edit| edit["newText"].as_str().unwrap().to_owned()).collect()
}

/// The name of the file and the line of a location.
pub(crate) fn place(location: &Value) -> (String, u64) {
    let uri = location["uri"].as_str().unwrap();
    let file = uri.rsplit('/').next().unwrap().to_owned();
    (file, location["range"]["start"]["line"].as_u64().unwrap())
}

impl Editor {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (to_server, input) = std::io::pipe().unwrap();
        let (from_server, output) = std::io::pipe().unwrap();
        let library = folder.path().join("cache/std");
        let server = thread::spawn(move || {
            palladium_lsp::serve(BufReader::new(to_server), output, Some(library))
        });
        let (read, output) = channel();
        thread::spawn(move || {
            let mut from_server = BufReader::new(from_server);
            while let Some(message) = read_message(&mut from_server) {
                if read.send(message).is_err() {
                    break;
                }
            }
        });
        let (next, version, arrived) = (0, 0, Instant::now());
        let diagnostics = BTreeMap::new();
        Self { folder, input: Some(input), output, arrived, server, next, version, diagnostics }
    }

    pub(crate) fn initialize(&mut self) {
        let uri = format!("file://{}", self.folder.path().display());
        let answer = self.ask("initialize", &json!({ "rootUri": uri, "capabilities": {} }));
        assert_eq!(answer["capabilities"]["textDocumentSync"]["change"], 2);
        self.notify("initialized", &json!({}));
    }

    /// Writes a file on disk.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn uri(&self, name: &str) -> String {
        format!("file://{}", self.folder.path().join(name).display())
    }

    /// Opens a document, which is a file of that text too.
    pub(crate) fn open(&mut self, name: &str, text: &str) {
        self.write(name, text);
        self.open_uri(&self.uri(name), text);
    }

    pub(crate) fn open_uri(&mut self, uri: &str, text: &str) {
        self.version += 1;
        let document =
            json!({ "uri": uri, "languageId": "palladium", "version": self.version, "text": text });
        self.notify("textDocument/didOpen", &json!({ "textDocument": document }));
    }

    pub(crate) fn change(&mut self, name: &str, changes: &Value) {
        self.version += 1;
        let document = json!({ "uri": self.uri(name), "version": self.version });
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.notify("textDocument/didChange", &params);
    }

    /// What is told next of a document.
    pub(crate) fn diagnostics(&mut self, name: &str) -> Vec<Value> {
        self.diagnostics_of(&self.uri(name))
    }

    pub(crate) fn diagnostics_of(&mut self, uri: &str) -> Vec<Value> {
        loop {
            if let Some(told) = self.diagnostics.remove(uri) {
                return told;
            }
            self.message(|message| message["params"]["uri"] == uri);
        }
    }

    /// Whether something was told of a document that nobody has looked at.
    pub(crate) fn is_told(&self, uri: &str) -> bool {
        self.diagnostics.contains_key(uri)
    }

    pub(crate) fn ask_at(&mut self, method: &str, name: &str, position: &Value) -> Value {
        let params = json!({ "textDocument": { "uri": self.uri(name) }, "position": position });
        self.ask(method, &params)
    }

    /// Asks, and takes an answer or an error.
    pub(crate) fn ask_either(&mut self, method: &str, params: &Value) -> Value {
        self.request(method, params)
    }

    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let answer = self.request(method, params);
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    pub(crate) fn ask_error(&mut self, method: &str, params: &Value) -> Value {
        let answer = self.request(method, params);
        assert!(answer["error"].is_object(), "{method}: {answer}");
        answer["error"].clone()
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        self.answer(id)
    }

    pub(crate) fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    pub(crate) fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.send_raw(&format!("Content-Length: {}\r\n\r\n{text}", text.len()));
    }

    pub(crate) fn send_raw(&mut self, bytes: &str) {
        self.input.as_mut().unwrap().write_all(bytes.as_bytes()).unwrap();
    }

    /// The answer to a request.
    pub(crate) fn answer(&mut self, id: i32) -> Value {
        self.message(|message| message["id"] == id && message["method"].is_null())
    }

    /// The parameters of the next notification of a kind.
    pub(crate) fn notification(&mut self, method: &str) -> Value {
        self.message(|message| message["method"] == method)["params"].clone()
    }

    fn message(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let left = DEADLINE.saturating_sub(begun.elapsed());
            let (arrived, message) = self.output.recv_timeout(left).unwrap();
            let message: Value = serde_json::from_str(&message).unwrap();
            self.arrived = arrived;
            if message["method"] == "textDocument/publishDiagnostics" {
                let params = &message["params"];
                let uri = params["uri"].as_str().unwrap().to_owned();
                self.diagnostics.insert(uri, params["diagnostics"].as_array().unwrap().clone());
            }
            if is_it(&message) {
                return message;
            }
        }
    }

    pub(crate) fn hang_up(&mut self) {
        self.input = None;
    }

    /// Shuts the server down as the protocol says.
    pub(crate) fn end(mut self) {
        self.ask("shutdown", &json!(null));
        self.notify("exit", &json!(null));
        assert_eq!(self.ended(), "");
    }

    /// Why the server has ended; empty when it was asked to.
    pub(crate) fn ended(self) -> String {
        let begun = Instant::now();
        while !self.server.is_finished() {
            assert!(begun.elapsed() < DEADLINE, "the server does not end");
            thread::sleep(Duration::from_millis(2));
        }
        self.server.join().unwrap().err().map(|error| error.to_string()).unwrap_or_default()
    }
}

/// When a message has come, and what it is.
fn read_message(input: &mut impl BufRead) -> Option<(Instant, String)> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    Some((Instant::now(), String::from_utf8(body).unwrap()))
}
