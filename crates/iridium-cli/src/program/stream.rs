//! The output of a program on its way to stdout.

use std::io::{self, IsTerminal as _, Write as _};

use iridium_vm::Sink;

/// Output that is passed on when this much has gathered.
const GATHERED: usize = 8 << 10;

/// Passes output on to stdout, and counts it.
///
/// A program cannot be told that nobody reads it any more, so an error is kept
/// until the one who runs the program asks with [`flush`](Self::flush).
#[derive(Debug)]
pub(crate) struct Stream {
    gathered: Vec<u8>,
    bytes: u64,
    in_line: bool,
    error: Option<io::Error>,
}

impl Stream {
    pub(crate) fn new() -> Self {
        Self { gathered: Vec::new(), bytes: 0, in_line: false, error: None }
    }

    /// How much the program has written.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Passes on what has gathered.
    ///
    /// # Errors
    /// The first error of writing since the last call.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.pass_on();
        self.error.take().map_or(Ok(()), Err)
    }

    /// Passes on what has gathered and ends the line, if one is open, so that
    /// what is said about the program stands on lines of its own.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub(crate) fn end_line(&mut self) -> io::Result<()> {
        if self.in_line {
            self.gathered.push(b'\n');
            self.in_line = false;
        }
        self.flush()
    }

    /// Somebody has pressed Ctrl-C, which a terminal shows within the line.
    pub(crate) fn note_interrupt(&mut self) {
        self.in_line |= io::stdout().is_terminal();
    }

    fn pass_on(&mut self) {
        if self.error.is_none() && !self.gathered.is_empty() {
            let mut stdout = io::stdout().lock();
            let written = stdout.write_all(&self.gathered).and_then(|()| stdout.flush());
            self.error = written.err();
        }
        self.gathered.clear();
    }
}

impl Sink for Stream {
    fn write(&mut self, bytes: &[u8]) {
        let Some(last) = bytes.last() else { return };
        self.bytes += bytes.len() as u64;
        self.in_line = *last != b'\n';
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= GATHERED {
            self.pass_on();
        }
    }
}
