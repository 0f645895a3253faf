//! Where lines come from, and how to print beside them: a terminal with an editor, one that
//! takes text only, or a pipe without a prompt.

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use iridium_isa::escape::escape_lines;

use super::completion::{CommandWord, Offer};
use super::editor;
use super::history::History;
use super::input::{HISTORY, Input, Terminal, read_line};
use super::plain_terminal::PlainTerminal;
use crate::failure::Failure;
use crate::output;
use crate::program::file::without_mark;

/// Reads a line.
type Read = Box<dyn FnMut(Offer) -> Input + Send>;

/// The lines that are typed or come through a pipe.
pub(super) struct Lines {
    /// The result of each [`request`](Self::request).
    pub(super) input: Receiver<Input>,
    wanted: Sender<Offer>,
    terminal: Option<Box<dyn Terminal>>,
    history: Vec<String>,
}

impl Lines {
    /// Starts the thread that reads. `data` is the folder that the history of a
    /// terminal is kept in, and `commands` are completed there; a pipe needs neither.
    pub(super) fn open(data: Option<&Path>, commands: Vec<CommandWord>) -> Result<Self, Failure> {
        let (wanted, requests) = unbounded();
        let (answers, input) = bounded(1);
        let mut lines = Self { input, wanted, terminal: None, history: Vec::new() };
        let read: Read = if io::stdin().is_terminal() && io::stdout().is_terminal() {
            lines.read_terminal(data, commands)?
        } else {
            Box::new(|_| read_line())
        };
        thread::Builder::new()
            .name("lines".into())
            .spawn(move || serve(&requests, &answers, read))
            .map_err(|error| Failure::failed(format!("cannot start a thread: {error}")))?;
        Ok(lines)
    }

    fn read_terminal(
        &mut self,
        data: Option<&Path>,
        commands: Vec<CommandWord>,
    ) -> Result<Read, Failure> {
        let (mut history, entries) = History::load(data);
        let complaint = entries.as_ref().err().cloned();
        self.history = entries.unwrap_or_default();
        let mut read: Read = if output::takes_text_only() {
            let terminal = PlainTerminal::default();
            self.terminal = Some(Box::new(terminal.clone()));
            Box::new(move |offer| terminal.read(&offer))
        } else {
            let (mut editor, terminal) = editor::open(&self.history, commands)?;
            self.terminal = Some(Box::new(terminal));
            Box::new(move |offer| editor.read(offer))
        };
        if let Some(complaint) = complaint {
            self.print_notice(&complaint);
        }
        Ok(Box::new(move |offer| {
            let input = read(offer);
            if let Input::Line(line) = &input {
                history.append(line);
            }
            input
        }))
    }

    /// Requests the next line. On a terminal that shows a prompt.
    pub(super) fn request(&self, offer: Offer) {
        self.note_typing(true);
        // If the thread has ended, `input` is closed, which whoever waits for it sees.
        let _ = self.wanted.send(offer);
    }

    /// Whether a person types the lines.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal.is_some()
    }

    /// Lines typed before, the oldest first.
    pub(super) fn history(&self) -> &[String] {
        &self.history
    }

    /// Adds a line to the history.
    pub(super) fn remember(&mut self, line: &str) {
        if line.trim().is_empty() || self.history.last().is_some_and(|last| last == line) {
            return;
        }
        if self.history.len() == HISTORY {
            self.history.remove(0);
        }
        self.history.push(line.to_string());
    }

    /// Prints a line if the lines are typed on a terminal.
    pub(super) fn print_to_terminal(&self, text: &str) -> io::Result<()> {
        if self.terminal.is_some() { output::print_line(text) } else { Ok(()) }
    }

    fn note_typing(&self, typing: bool) {
        if let Some(terminal) = &self.terminal {
            terminal.note_typing(typing);
        }
    }

    /// Notes that the line is complete: output need not go above it any more.
    pub(super) fn note_typed(&self) {
        self.note_typing(false);
    }

    /// Where programs write to.
    pub(super) fn output(&mut self) -> Box<dyn Write + Send> {
        match &mut self.terminal {
            Some(terminal) => terminal.output(),
            None => Box::new(io::stdout()),
        }
    }

    /// Prints what happens to processes: above the line being typed, or on stderr.
    pub(super) fn notice_printer(&self) -> Box<dyn Fn(&str)> {
        match &self.terminal {
            Some(terminal) => {
                let print = terminal.printer();
                Box::new(move |text| print(format!("{}\n", escape_lines(text))))
            }
            None => Box::new(|text| output::print_stderr(&format!("{text}\n"))),
        }
    }

    /// Prints a notice above the line being typed, if there is a terminal.
    pub(super) fn print_notice(&self, text: &str) {
        if let Some(terminal) = &self.terminal {
            terminal.printer()(format!("{}\n", escape_lines(text)));
        }
    }

    /// A writer for the log that leaves the line being typed intact; none when
    /// the input is a pipe.
    pub(super) fn log_writer(&self) -> Option<Box<dyn Write + Send>> {
        self.terminal.as_ref().map(|terminal| Box::new(LogWriter(terminal.printer())) as _)
    }

    /// Restores the terminal, also while a line is being typed.
    pub(super) fn close(self) {
        if let Some(terminal) = self.terminal {
            terminal.restore();
        }
    }
}

/// Prints what is written above the line being typed.
struct LogWriter(Box<dyn Fn(String) + Send>);

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Splits a pasted block into what is run one after the other: each command by itself, and
/// what is between two commands as one piece, since a line may use what is defined further
/// down.
pub(super) fn split_commands(text: &str) -> impl Iterator<Item = &str> {
    let text = without_mark(text);
    let mut rest = text;
    std::iter::from_fn(move || {
        let is_command = |line: &str| line.trim_start().starts_with('!');
        let mut lines = rest.split_inclusive('\n');
        let first = lines.next()?;
        let more = lines.take_while(|line| !is_command(first) && !is_command(line));
        let (part, left) = rest.split_at(first.len() + more.map(str::len).sum::<usize>());
        rest = left;
        Some(part.trim_end_matches(['\n', '\r']))
    })
    .chain(text.is_empty().then_some(text))
}

fn serve(requests: &Receiver<Offer>, answers: &Sender<Input>, mut read: Read) {
    for offer in requests {
        if answers.send(read(offer)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split_commands;

    #[test]
    fn a_block_is_split_at_its_commands() {
        for (text, wanted) in [
            ("", &[""][..]),
            ("inc $0", &["inc $0"]),
            ("!a", &["!a"]),
            ("x\ny\n", &["x\ny"]),
            ("\u{feff}!a", &["!a"]),
            ("x\ny\n!a\n  !b 1\r\nz\n\nw", &["x\ny", "!a", "  !b 1", "z\n\nw"]),
        ] {
            assert_eq!(split_commands(text).collect::<Vec<_>>(), wanted, "{text:?}");
        }
    }
}
