//! The line editor of a terminal: history, completion, and printing while a line is being
//! typed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::{Sender, unbounded};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use rustyline::ExternalPrinter as _;
use rustyline::config::{CompletionType, Configurer as _};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;

use super::completion::{CommandWord, Completion};
use super::input::{HISTORY, Input};
use crate::failure::Failure;

const PROMPT: &str = ">>> ";
/// In the data root, beside the folders of nodes. No node has this name, since an alias
/// has no `@`.
const HISTORY_FILE: &str = "@history";

/// Reads lines from a terminal.
pub(super) struct Editor {
    editor: rustyline::Editor<Completion, FileHistory>,
    /// Where the history is kept, if it is.
    file: Option<PathBuf>,
}

/// Writes to a terminal on which a line is being typed.
pub(super) struct Terminal {
    texts: Sender<String>,
    /// Whether a line is being typed.
    typing: Arc<AtomicBool>,
    /// For the output of programs, until somebody takes it.
    output: Option<Output>,
    /// The settings of the terminal before.
    found: Option<Termios>,
}

/// Takes over the terminal. The history is kept in the folder `data`.
pub(super) fn open(
    data: Option<&Path>,
    commands: Vec<CommandWord>,
) -> Result<(Editor, Terminal), Failure> {
    let fail = |error: ReadlineError| Failure::failed(format!("cannot use the terminal: {error}"));
    let found = tcgetattr(io::stdin()).ok();
    let mut editor = rustyline::Editor::new().map_err(fail)?;
    editor.set_helper(Some(Completion::new(commands)));
    editor.set_completion_type(CompletionType::List);
    editor.set_max_history_size(HISTORY).map_err(fail)?;
    let file = data.map(|folder| folder.join(HISTORY_FILE));
    let loaded = match file.as_ref().filter(|file| file.exists()) {
        Some(file) => editor.load_history(file),
        None => Ok(()),
    };
    let mut printer = editor.create_external_printer().map_err(fail)?;
    let typing = Arc::new(AtomicBool::new(false));
    let output = Output {
        printer: Box::new(editor.create_external_printer().map_err(fail)?),
        typing: Arc::clone(&typing),
    };
    let (texts, to_print) = unbounded::<String>();
    // Printing waits for the editor. A thread of its own does, so that logging does not.
    thread::Builder::new()
        .name("notices".into())
        .spawn(move || {
            for text in to_print {
                if printer.print(text).is_err() {
                    return;
                }
            }
        })
        .map_err(|error| Failure::failed(format!("cannot start a thread: {error}")))?;
    let terminal = Terminal { texts, typing, output: Some(output), found };
    if let (Err(error), Some(file)) = (loaded, &file) {
        terminal.print(format!("cannot read the history {}: {error}\n", file.display()));
    }
    Ok((Editor { editor, file }, terminal))
}

impl Editor {
    /// Reads a line with a prompt. These labels are offered as completions.
    pub(super) fn read(&mut self, labels: Vec<String>) -> Input {
        if let Some(completion) = self.editor.helper_mut() {
            completion.labels = labels;
        }
        loop {
            match self.editor.readline(PROMPT) {
                Ok(line) => {
                    self.keep(&line);
                    return Input::Line(line);
                }
                // Ctrl-C gives up the line, as in a shell.
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => {}
                Err(ReadlineError::Eof) => return Input::End,
                Err(error) => return Input::Failed(format!("cannot read the terminal: {error}")),
            }
        }
    }

    /// Lines of earlier runs, the oldest first.
    pub(super) fn history(&self) -> Vec<String> {
        self.editor.history().iter().cloned().collect()
    }

    /// Appends the line to the history file at once, so that it is kept however the REPL
    /// ends.
    fn keep(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let added = self.editor.add_history_entry(line);
        let Some(file) = self.file.as_ref().filter(|_| matches!(added, Ok(true))) else { return };
        let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        let kept = folder.map_err(ReadlineError::from);
        if let Err(error) = kept.and_then(|()| self.editor.append_history(file)) {
            log::warn!("cannot keep the history in {}: {error}", file.display());
            self.file = None;
        }
    }
}

impl Terminal {
    /// Prints above the line being typed.
    pub(super) fn print(&self, text: String) {
        // The thread that prints ends with the terminal.
        let _ = self.texts.send(text);
    }

    /// Notes whether a line is being typed.
    pub(super) fn note_typing(&self, typing: bool) {
        self.typing.store(typing, Ordering::SeqCst);
    }

    /// A writer for the output of programs; only the first call gets it.
    pub(super) fn output(&mut self) -> Option<impl Write + Send + use<>> {
        self.output.take()
    }

    /// A channel whose texts are printed as by [`print`](Self::print).
    pub(super) fn texts(&self) -> Sender<String> {
        self.texts.clone()
    }

    /// A writer for the log.
    pub(super) fn writer(&self) -> impl Write + Send + use<> {
        Writer(self.texts.clone())
    }

    /// Restores the settings of the terminal.
    pub(super) fn restore(self) {
        if let Some(found) = self.found {
            // If this fails the terminal is gone.
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &found);
        }
    }
}

/// Prints what is written above the line being typed.
struct Writer(Sender<String>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.0.send(text).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The output of programs: as it is while one runs in the foreground, and above the line
/// that is being typed otherwise.
struct Output {
    printer: Box<dyn rustyline::ExternalPrinter + Send>,
    typing: Arc<AtomicBool>,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        if self.typing.load(Ordering::SeqCst) && !text.ends_with('\n') {
            text.push('\n');
        }
        self.printer.print(text).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
