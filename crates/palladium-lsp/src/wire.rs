//! Messages from and to the editor, each on a thread of its own.

use std::io::{self, BufRead, Read as _, Write};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use lsp_server::{Message, Notification};

/// Messages that wait in one direction. Beyond it, whoever sends waits.
const WAITING: usize = 256;
/// The longest line of a header, in bytes.
const MAX_HEADER: u64 = 8 * 1024;
/// The longest message, in bytes: some texts of 10 MiB and more.
const MAX_MESSAGE: usize = 64 << 20;

/// Something that has come from the editor.
#[derive(Debug)]
pub(crate) enum Incoming {
    Message(Message),
    /// It has the frame of a message, but is none: why.
    Garbage(String),
    /// It cannot be told where the next message begins; nothing comes any more.
    Broken(String),
}

/// The connection to an editor.
pub(crate) struct Wire {
    pub(crate) incoming: Receiver<Incoming>,
    /// Texts in JSON.
    pub(crate) outgoing: Sender<String>,
    reader: JoinHandle<()>,
    writer: JoinHandle<io::Result<()>>,
}

impl Wire {
    /// Begins to read and to write.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn open<R, W>(input: R, output: W) -> io::Result<Self>
    where
        R: BufRead + Send + 'static,
        W: Write + Send + 'static,
    {
        let (read, incoming) = bounded(WAITING);
        let (outgoing, to_write) = bounded(WAITING);
        let reader = thread::Builder::new().name("lsp-reader".into());
        let reader = reader.spawn(move || read_all(input, &read))?;
        let writer = thread::Builder::new().name("lsp-writer".into());
        let writer = writer.spawn(move || write_all(output, &to_write))?;
        Ok(Self { incoming, outgoing, reader, writer })
    }

    /// Writes what is left. A reader that still waits for the editor is left to itself: only the
    /// end of its input ends it.
    ///
    /// # Errors
    /// When the editor did not take everything.
    pub(crate) fn close(self) -> io::Result<()> {
        let Self { incoming, outgoing, reader, writer } = self;
        drop((incoming, outgoing));
        if reader.is_finished() {
            drop(reader.join());
        }
        writer.join().unwrap_or_else(|_| Err(io::Error::other("the writing thread has failed")))
    }
}

/// Reads until the input ends, or `exit` has come.
fn read_all(mut input: impl BufRead, read: &Sender<Incoming>) {
    loop {
        let (incoming, is_last) = match read_one(&mut input) {
            Ok(Some(Ok(message))) => {
                let is_exit = is_exit(&message);
                (Incoming::Message(message), is_exit)
            }
            Ok(Some(Err(why))) => (Incoming::Garbage(why), false),
            Ok(None) => return,
            Err(error) => (Incoming::Broken(error.to_string()), true),
        };
        if read.send(incoming).is_err() || is_last {
            return;
        }
    }
}

fn is_exit(message: &Message) -> bool {
    matches!(message, Message::Notification(Notification { method, .. }) if method == "exit")
}

/// The next message, or why it is none; `None` at the end of the input.
fn read_one(input: &mut impl BufRead) -> io::Result<Option<Result<Message, String>>> {
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut length = None;
    loop {
        let mut line = Vec::new();
        input.by_ref().take(MAX_HEADER).read_until(b'\n', &mut line)?;
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            return Ok(None);
        }
        if line.trim_end().is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            let line: String = line.trim_end().chars().take(60).collect();
            return Err(wrong(format!("{line:?} is no header of a message")));
        };
        if name.eq_ignore_ascii_case("Content-Length") {
            length = value.trim().parse::<usize>().ok();
        }
    }
    let length = length.ok_or_else(|| wrong("a message has no Content-Length".into()))?;
    if length > MAX_MESSAGE {
        return Err(wrong(format!("a message of {length} bytes is too long")));
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body).map_err(|error| error.to_string())))
}

fn write_all(mut output: impl Write, messages: &Receiver<String>) -> io::Result<()> {
    messages.iter().try_for_each(|message| {
        write!(output, "Content-Length: {}\r\n\r\n{message}", message.len())?;
        output.flush()
    })
}
