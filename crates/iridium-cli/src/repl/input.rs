//! What a terminal or a pipe gives when a line is read from it, and what a terminal has to be
//! able to beside that.

use std::io::{self, BufRead as _, Write};

/// How many lines are remembered.
pub(super) const HISTORY: usize = 1000;
/// What asks for a line.
pub(super) const PROMPT: &str = ">>> ";
/// What asks for the next line of an entry.
pub(super) const MORE: &str = "... ";

/// What reading a line came to.
pub(super) enum Input {
    Line(String),
    /// Ctrl-C behind [`MORE`].
    GivenUp,
    End,
    Failed(String),
}

/// Prints to the terminal that lines are typed on.
pub(super) trait Terminal {
    /// Notes whether a line is being typed.
    fn note_typing(&self, typing: bool);

    /// A writer for the output of programs: as it is while one runs in the foreground, and
    /// above the line that is being typed otherwise. It is asked for once.
    fn output(&mut self) -> Box<dyn Write + Send>;

    /// Prints texts of whole lines above the line being typed.
    fn printer(&self) -> Box<dyn Fn(String) + Send>;

    /// Restores the settings of the terminal.
    fn restore(self: Box<Self>);
}

/// Reads a line of stdin, without its end. Bytes that are no UTF-8 are replaced, so that the
/// line can be reported.
pub(super) fn read_line() -> Input {
    let mut line = Vec::new();
    match io::stdin().lock().read_until(b'\n', &mut line) {
        Ok(0) => Input::End,
        Ok(_) => {
            let text = String::from_utf8_lossy(&line);
            Input::Line(text.trim_end_matches(['\n', '\r']).to_string())
        }
        Err(error) => Input::Failed(format!("cannot read the input: {error}")),
    }
}
