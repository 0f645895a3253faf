//! The loop that takes messages one after the other, and keeps what is open and checked.

use std::collections::{HashSet, VecDeque};

use crossbeam_channel::{Receiver, Sender};
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answers::Answers;
use crate::diagnostics::Published;
use crate::documents::Documents;
use crate::error::Error;
use crate::library::Library;
use crate::programs::Programs;
use crate::protocol::{
    CancelParams, DidChangeParams, DidOpenParams, DocumentParams, InitializeParams,
};
use crate::uri::path_of;
use crate::wire::Incoming;

/// How far the editor and the server are with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The editor has not said who it is.
    Waiting,
    Running,
    /// The editor has asked the server to end, and will say when.
    ShutDown,
}

/// What becomes of the server after a message.
enum Next {
    GoOn,
    End,
}

/// Why a request has no answer.
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

pub(crate) struct Server {
    outgoing: Sender<String>,
    stage: Stage,
    /// What has come and is not dealt with.
    waiting: VecDeque<Message>,
    /// Requests that nobody wants an answer to any more.
    cancelled: HashSet<RequestId>,
    documents: Documents,
    programs: Programs,
    published: Published,
    /// What was said of programs may have changed.
    is_dirty: bool,
}

impl Server {
    pub(crate) fn new(outgoing: Sender<String>, library: Library) -> Self {
        Self {
            outgoing,
            stage: Stage::Waiting,
            waiting: VecDeque::new(),
            cancelled: HashSet::new(),
            documents: Documents::default(),
            programs: Programs::new(library),
            published: Published::default(),
            is_dirty: false,
        }
    }

    /// Answers until the editor says `exit`.
    ///
    /// # Errors
    /// When the editor goes away without that, or sends what cannot be read.
    pub(crate) fn run(&mut self, incoming: &Receiver<Incoming>) -> Result<(), Error> {
        loop {
            while let Ok(next) = incoming.try_recv() {
                self.take(next)?;
            }
            let message = match self.waiting.pop_front() {
                Some(message) => message,
                None => {
                    // Only when there is nothing else to do, and no longer at a time than an answer
                    // may wait: somebody may still be typing.
                    if !self.work()? {
                        let next = incoming.recv().map_err(|_| Error::Gone)?;
                        self.take(next)?;
                    }
                    continue;
                }
            };
            if let Next::End = self.handle(message)? {
                return if self.stage == Stage::ShutDown { Ok(()) } else { Err(Error::EarlyExit) };
            }
        }
    }

    /// Puts what has come behind what waits.
    fn take(&mut self, incoming: Incoming) -> Result<(), Error> {
        match incoming {
            Incoming::Message(Message::Notification(note)) if note.method == "$/cancelRequest" => {
                if let Ok(CancelParams { id }) = serde_json::from_value(note.params) {
                    self.cancelled.insert(id);
                }
            }
            Incoming::Message(message) => self.waiting.push_back(message),
            Incoming::Garbage(why) => {
                let text = format!("a message was left out, since it cannot be read: {why}");
                self.notify("window/logMessage", json!({ "type": 2, "message": text }))?;
            }
            Incoming::Broken(why) => return Err(Error::Broken(why)),
        }
        Ok(())
    }

    fn handle(&mut self, message: Message) -> Result<Next, Error> {
        match message {
            Message::Request(request) => self.request(request)?,
            Message::Notification(note) if note.method == "exit" => return Ok(Next::End),
            Message::Notification(note) if self.stage == Stage::Running => self.notification(note),
            // Before it has said who it is, and after it has said that it goes.
            Message::Notification(_) => {}
            // Nothing is asked of the editor.
            Message::Response(_) => {}
        }
        if self.waiting.is_empty() {
            self.cancelled.clear();
        }
        Ok(Next::GoOn)
    }

    fn request(&mut self, request: Request) -> Result<(), Error> {
        let Request { id, method, params } = request;
        let answer = match self.stage {
            _ if self.cancelled.remove(&id) => {
                refuse(ErrorCode::RequestCanceled, "the editor has cancelled it")
            }
            Stage::Waiting if method == "initialize" => self.initialize(params),
            Stage::Waiting => refuse(ErrorCode::ServerNotInitialized, "initialize comes first"),
            Stage::ShutDown => refuse(ErrorCode::InvalidRequest, "the server is shut down"),
            Stage::Running if method == "initialize" => {
                refuse(ErrorCode::InvalidRequest, "initialize was sent before")
            }
            Stage::Running if method == "shutdown" => {
                self.stage = Stage::ShutDown;
                written(())
            }
            Stage::Running => self.answer(&method, params),
        };
        let (name, what) = match answer {
            Ok(result) => ("result", result),
            Err(Refusal { code, message }) => {
                ("error", json!({ "code": code as i32, "message": message }).to_string())
            }
        };
        let id = text_of(&id)?;
        self.send(format!(r#"{{"jsonrpc":"2.0","id":{id},"{name}":{what}}}"#))
    }

    fn initialize(&mut self, params: Value) -> Result<String, Refusal> {
        let params: InitializeParams = read(params)?;
        let folders = params.workspace_folders.unwrap_or_default();
        let folders = folders.into_iter().map(|folder| folder.uri).chain(params.root_uri);
        self.programs.folders = folders.map(|uri| path_of(&uri)).collect();
        self.programs.folders.sort();
        self.programs.folders.dedup();
        self.stage = Stage::Running;
        written(json!({
            "serverInfo": { "name": "iridium lsp", "version": env!("CARGO_PKG_VERSION") },
            "capabilities": {
                "positionEncoding": "utf-16",
                "textDocumentSync": { "openClose": true, "change": 2, "save": true },
                "hoverProvider": true,
                "definitionProvider": true,
                "referencesProvider": true,
                "renameProvider": { "prepareProvider": true },
                "completionProvider": { "triggerCharacters": ["."] },
                "signatureHelpProvider": { "triggerCharacters": ["(", ","] },
                "documentSymbolProvider": true,
                "documentFormattingProvider": true,
                "codeActionProvider": { "codeActionKinds": ["quickfix"] },
            },
        }))
    }

    /// The answer to a request, in JSON.
    fn answer(&mut self, method: &str, params: Value) -> Result<String, Refusal> {
        let (programs, documents) = (&mut self.programs, &self.documents);
        let mut answers = Answers { programs, documents };
        match method {
            "textDocument/hover" => written(answers.hover(read(params)?)),
            "textDocument/definition" => written(answers.definition(read(params)?)),
            "textDocument/references" => written(answers.references(read(params)?)),
            "textDocument/prepareRename" => written(answers.prepare_rename(read(params)?)?),
            "textDocument/rename" => written(answers.rename(read(params)?)?),
            "textDocument/completion" => written(answers.completion(read(params)?)),
            "textDocument/signatureHelp" => written(answers.signature_help(read(params)?)),
            "textDocument/documentSymbol" => written(answers.symbols(read(params)?)),
            "textDocument/formatting" => written(answers.formatting(read(params)?)),
            "textDocument/codeAction" => written(answers.code_actions(read(params)?)),
            _ => refuse(ErrorCode::MethodNotFound, format!("{method} is not known here")),
        }
    }

    /// What cannot be read is left out: nobody waits for an answer.
    fn notification(&mut self, note: Notification) {
        let Notification { method, params } = note;
        match method.as_str() {
            "textDocument/didOpen" => {
                let Ok(DidOpenParams { text_document: new }) = serde_json::from_value(params)
                else {
                    return;
                };
                self.documents.open(path_of(&new.uri), new.uri, new.version, &new.text);
                self.programs.all_changed();
            }
            "textDocument/didChange" => {
                let Ok(DidChangeParams { text_document, content_changes }) =
                    serde_json::from_value(params)
                else {
                    return;
                };
                let path = path_of(&text_document.uri);
                if !self.documents.change(&path, text_document.version, content_changes) {
                    return;
                }
                self.programs.changed(&path);
            }
            "textDocument/didClose" => {
                let Ok(DocumentParams { text_document }) = serde_json::from_value(params) else {
                    return;
                };
                self.documents.close(&path_of(&text_document.uri));
                self.programs.all_changed();
            }
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => {
                self.programs.all_changed();
            }
            _ => return,
        }
        self.programs.begin_check(&self.documents);
        self.is_dirty = true;
    }

    /// Does a part of what can wait; false when there is nothing left.
    fn work(&mut self) -> Result<bool, Error> {
        if !self.is_dirty {
            return Ok(self.programs.drop_replaced());
        }
        if self.programs.check_next(&self.documents) {
            self.is_dirty = false;
            self.publish()?;
        }
        Ok(true)
    }

    /// Tells the editor what is wrong with its programs, as far as that has changed.
    fn publish(&mut self) -> Result<(), Error> {
        for params in self.published.news(&mut self.programs, &self.documents) {
            self.notify("textDocument/publishDiagnostics", params)?;
        }
        self.programs.keep_open(&self.documents);
        Ok(())
    }

    fn notify(&self, method: &str, params: impl Serialize) -> Result<(), Error> {
        let params = text_of(&params)?;
        self.send(format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#))
    }

    fn send(&self, message: String) -> Result<(), Error> {
        self.outgoing.send(message).map_err(|_| Error::Gone)
    }
}

fn refuse<T>(code: ErrorCode, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { code, message: message.into() })
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, Refusal> {
    serde_json::from_value(params)
        .map_err(|error| Refusal { code: ErrorCode::InvalidParams, message: error.to_string() })
}

fn written(answer: impl Serialize) -> Result<String, Refusal> {
    serde_json::to_string(&answer)
        .map_err(|error| Refusal { code: ErrorCode::InternalError, message: error.to_string() })
}

fn text_of(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))
}
