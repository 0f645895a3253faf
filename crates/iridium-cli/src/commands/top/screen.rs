//! The terminal while it shows a live view.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};

use crossbeam_channel::Sender;
use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};
use terminal_size::terminal_size;

use crate::failure::Failure;

/// The size that is assumed for a terminal that does not report one.
const USUAL: (usize, usize) = (80, 24);

/// A terminal that shows a live view. Dropping it restores what was there before.
pub(super) struct Screen {
    /// The settings before.
    found: Termios,
    /// Columns and lines of the terminal when the view was made.
    size: (usize, usize),
    shown: Vec<String>,
}

impl Screen {
    /// Takes over the terminal: keys are read one by one and not echoed, and the view gets the
    /// alternate screen.
    pub(super) fn open() -> Result<Self, Failure> {
        let fail = |error| Failure::failed(format!("cannot use the terminal: {error}"));
        let found = tcgetattr(io::stdin()).map_err(fail)?;
        let mut raw = found.clone();
        raw.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        // Ctrl-C still makes a signal. Ctrl-Z must not: the shell would get the terminal as it
        // is now.
        if let Some(key) = raw.control_chars.get_mut(SpecialCharacterIndices::VSUSP as usize) {
            *key = 0;
        }
        tcsetattr(io::stdin(), SetArg::TCSADRAIN, &raw).map_err(fail)?;
        // From here on, dropping it restores the terminal.
        let screen = Self { found, size: (0, 0), shown: Vec::new() };
        // The alternate screen, without line wrapping and without a cursor.
        write("\x1b[?1049h\x1b[?7l\x1b[?25l")?;
        Ok(screen)
    }

    /// Whether the size has changed since the view was made.
    pub(super) fn is_resized(&self) -> bool {
        size() != self.size
    }

    /// The columns and lines of the terminal now.
    pub(super) fn measure(&mut self) -> (usize, usize) {
        let now = size();
        if now != self.size {
            self.size = now;
            self.shown.clear();
        }
        now
    }

    /// Shows these lines. Only those that have changed are sent.
    pub(super) fn draw(&mut self, lines: Vec<String>) -> Result<(), Failure> {
        let text = changes(&self.shown, &lines);
        self.shown = lines;
        if text.is_empty() { Ok(()) } else { write(&text) }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // If either fails the terminal is gone.
        let _ = write("\x1b[?25h\x1b[?7h\x1b[?1049l");
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.found);
    }
}

/// Passes keys on until there are no more.
pub(super) fn read_keys(pressed: &Sender<u8>) {
    let mut key = [0];
    while let Ok(1) = io::stdin().lock().read(&mut key) {
        if pressed.send(key[0]).is_err() {
            return;
        }
    }
}

fn size() -> (usize, usize) {
    terminal_size().map_or(USUAL, |(width, height)| (width.0.into(), height.0.into()))
}

fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// The text that turns a terminal that shows `old` into one that shows `new`. An empty `old`
/// clears the screen.
fn changes(old: &[String], new: &[String]) -> String {
    let mut text = String::new();
    if old.is_empty() {
        text.push_str("\x1b[2J");
    }
    for (at, line) in (0..).zip(new) {
        if old.get(at) != Some(line) {
            // Cleared before: behind a line that fills the terminal, the cursor stands
            // on its last character. Writing to a string cannot fail.
            let _ = write!(text, "\x1b[{};1H\x1b[K{line}", at + 1);
        }
    }
    if old.len() > new.len() {
        let _ = write!(text, "\x1b[{};1H\x1b[J", new.len() + 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_have_changed_are_sent() {
        let lines = |text: &str| text.lines().map(String::from).collect::<Vec<_>>();
        let (one, two) = (lines("a\nb\nc"), lines("a\nB"));
        assert_eq!(changes(&[], &two), "\x1b[2J\x1b[1;1H\x1b[Ka\x1b[2;1H\x1b[KB");
        assert_eq!(changes(&one, &two), "\x1b[2;1H\x1b[KB\x1b[3;1H\x1b[J");
        assert_eq!(changes(&two, &one), "\x1b[2;1H\x1b[Kb\x1b[3;1H\x1b[Kc");
        assert_eq!(changes(&one, &one), "");
    }
}
