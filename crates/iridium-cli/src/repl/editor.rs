//! The line editor of a terminal: history, completion, and a way to print while
//! a line is being typed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;

use crossbeam_channel::{Sender, unbounded};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use rustyline::completion::Completer;
use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Context, ExternalPrinter as _, Helper};

use super::command::{COMMANDS, Command};
use super::line::{HISTORY, Input};
use crate::failure::Failure;

const PROMPT: &str = ">>> ";
/// In the data root, beside the folders of nodes: an alias has no `@`.
const HISTORY_FILE: &str = "@history";

/// Reads lines from a terminal.
pub(super) struct Editor {
    editor: rustyline::Editor<Commands, FileHistory>,
    /// Where the history is kept, if there is a place.
    file: Option<PathBuf>,
}

/// Writes to a terminal on which a line is being typed.
pub(super) struct Terminal {
    texts: Sender<String>,
    /// How the terminal was found.
    found: Option<Termios>,
}

/// Takes hold of the terminal.
pub(super) fn open(data: Option<&Path>) -> Result<(Editor, Terminal), Failure> {
    let fail = |error: ReadlineError| Failure::failed(format!("cannot use the terminal: {error}"));
    let found = tcgetattr(io::stdin()).ok();
    let mut editor = rustyline::Editor::new().map_err(fail)?;
    editor.set_helper(Some(Commands));
    editor.set_max_history_size(HISTORY).map_err(fail)?;
    let file = data.map(|folder| folder.join(HISTORY_FILE));
    let loaded = match file.as_ref().filter(|file| file.exists()) {
        Some(file) => editor.load_history(file),
        None => Ok(()),
    };
    let mut printer = editor.create_external_printer().map_err(fail)?;
    let (texts, to_print) = unbounded::<String>();
    // Printing waits for the editor; nobody who logs is to wait for it.
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
    let terminal = Terminal { texts, found };
    if let (Err(error), Some(file)) = (loaded, &file) {
        terminal.print(format!("cannot read the history {}: {error}\n", file.display()));
    }
    Ok((Editor { editor, file }, terminal))
}

impl Editor {
    /// Reads a line with a prompt.
    pub(super) fn read(&mut self) -> Input {
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

    /// Written after each line, so that no way to end loses any.
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

    /// For the log.
    pub(super) fn writer(&self) -> impl Write + Send + use<> {
        Writer(self.texts.clone())
    }

    /// Puts the terminal back as it was found.
    pub(super) fn restore(self) {
        if let Some(found) = self.found {
            // If this fails the terminal is gone.
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &found);
        }
    }
}

/// Prints whole lines as they are written.
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

/// Completes the names of commands.
struct Commands;

impl Completer for Commands {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(&line[..position]))
    }
}

impl Hinter for Commands {
    type Hint = String;
}

impl Highlighter for Commands {}
impl Validator for Commands {}
impl Helper for Commands {}

/// Where the word under the cursor begins, and what it may become.
fn complete(typed: &str) -> (usize, Vec<String>) {
    let trimmed = typed.trim_start();
    let begin = typed.len() - trimmed.len();
    if let Some(word) = trimmed.strip_prefix("!help ") {
        let bare = word.trim_start_matches('!');
        return (typed.len() - bare.len(), names(bare).map(String::from).collect());
    }
    match trimmed.strip_prefix('!') {
        Some(word) if !word.contains(' ') => (begin, typed_out(word)),
        None if trimmed.is_empty() => (begin, typed_out("")),
        _ => (typed.len(), Vec::new()),
    }
}

fn names(start: &str) -> impl Iterator<Item = &'static str> + use<'_> {
    COMMANDS.iter().map(|command| command.name).filter(move |name| name.starts_with(start))
}

/// The commands that begin so, ready for their arguments.
fn typed_out(start: &str) -> Vec<String> {
    let fits = COMMANDS.iter().filter(|command| command.name.starts_with(start));
    let space = |command: &Command| if command.takes_arguments() { " " } else { "" };
    fits.map(|command| format!("!{}{}", command.name, space(command))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_completed() {
        assert_eq!(complete("!jo"), (0, vec!["!join_cluster ".to_string()]));
        assert_eq!(complete("  !q"), (2, vec!["!quit".to_string()]));
        assert_eq!(complete("!help le"), (6, vec!["leave_cluster".to_string()]));
        assert_eq!(complete("!help !le"), (7, vec!["leave_cluster".to_string()]));
        assert_eq!(complete("").1.len(), COMMANDS.len());
        assert_eq!(complete("!join_cluster 127").1, Vec::<String>::new());
    }
}
