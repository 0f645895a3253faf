//! The line editor of a terminal: history, completion, and printing while a line is being
//! typed.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::{Sender, unbounded};
use nix::sys::termios::{FlushArg, SetArg, Termios, tcflush, tcgetattr, tcsetattr};
use rustyline::ExternalPrinter as _;
use rustyline::config::{CompletionType, Configurer as _};
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;

use super::completion::{CommandWord, Completion, Offer};
use super::input::{HISTORY, Input, Terminal};
use crate::failure::Failure;
use crate::output;

/// Reads lines from a terminal.
pub(super) struct Editor(rustyline::Editor<Completion, MemHistory>);

/// Writes to a terminal on which a line is being typed.
pub(super) struct EditedTerminal {
    texts: Sender<String>,
    /// Whether a line is being typed.
    typing: Arc<AtomicBool>,
    /// For the output of programs, until somebody takes it.
    output: Option<Output>,
    /// The settings of the terminal before.
    found: Option<Termios>,
}

/// Takes over the terminal.
pub(super) fn open(
    history: &[String],
    commands: Vec<CommandWord>,
) -> Result<(Editor, EditedTerminal), Failure> {
    let fail = |error: ReadlineError| Failure::failed(format!("cannot use the terminal: {error}"));
    let found = tcgetattr(io::stdin()).ok();
    let config = rustyline::Config::default();
    let kept = MemHistory::with_config(&config);
    let mut editor = rustyline::Editor::with_history(config, kept).map_err(fail)?;
    editor.set_helper(Some(Completion::new(commands)));
    editor.set_completion_type(CompletionType::List);
    editor.set_max_history_size(HISTORY).map_err(fail)?;
    for line in history {
        editor.add_history_entry(line).map_err(fail)?;
    }
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
    Ok((Editor(editor), EditedTerminal { texts, typing, output: Some(output), found }))
}

impl Editor {
    /// Reads a line with a prompt.
    pub(super) fn read(&mut self, offer: Offer) -> Input {
        let (prompt, more) = (offer.prompt(), offer.has_half());
        if let Some(completion) = self.0.helper_mut() {
            completion.offer = offer;
        }
        loop {
            match self.0.readline(prompt) {
                Ok(line) => {
                    // It fails only for a history in a file, which this one is not.
                    let _ = self.0.add_history_entry(&line);
                    return Input::Line(line);
                }
                // Ctrl-C gives up the line, as in a shell, and what it goes on with.
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) if more => {
                    return Input::GivenUp;
                }
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => {}
                Err(ReadlineError::Eof) => return Input::End,
                Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                    // The editor has lost what it had read. What comes after that begins in the
                    // middle of a line, and must not be taken for one.
                    let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
                    output::print_error(
                        "the terminal sends bytes that are no UTF-8; what was typed or pasted \
                         with them is dropped",
                    );
                }
                Err(error) => return Input::Failed(format!("cannot read the terminal: {error}")),
            }
        }
    }
}

impl Terminal for EditedTerminal {
    fn note_typing(&self, typing: bool) {
        self.typing.store(typing, Ordering::SeqCst);
    }

    fn output(&mut self) -> Box<dyn Write + Send> {
        match self.output.take() {
            Some(output) => Box::new(output),
            None => Box::new(io::stdout()),
        }
    }

    fn printer(&self) -> Box<dyn Fn(String) + Send> {
        let texts = self.texts.clone();
        // The thread that prints ends with the terminal.
        Box::new(move |text| drop(texts.send(text)))
    }

    fn restore(self: Box<Self>) {
        if let Some(found) = self.found {
            // If this fails the terminal is gone.
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &found);
        }
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
