//! A terminal without a line editor: it echoes what is typed by itself, and gets nothing but
//! text.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::completion::Offer;
use super::input::{Input, PROMPT, Terminal, read_line};

/// Writes to a terminal that takes text only. Clones write to the same.
#[derive(Clone, Default)]
pub(super) struct PlainTerminal {
    /// Whether the cursor stands behind a prompt.
    typing: Arc<AtomicBool>,
}

impl PlainTerminal {
    /// Prompts for a line and reads it.
    pub(super) fn read(&self, offer: &Offer) -> Input {
        let mut stdout = io::stdout().lock();
        // If it cannot be shown the terminal is gone, which reading will tell.
        let _ = stdout.write_all(offer.prompt().as_bytes()).and_then(|()| stdout.flush());
        self.typing.store(true, Ordering::SeqCst);
        drop(stdout);
        let input = read_line();
        self.typing.store(false, Ordering::SeqCst);
        input
    }
}

impl Terminal for PlainTerminal {
    /// It knows that itself.
    fn note_typing(&self, _: bool) {}

    fn output(&mut self) -> Box<dyn Write + Send> {
        Box::new(self.clone())
    }

    fn printer(&self) -> Box<dyn Fn(String) + Send> {
        let terminal = self.clone();
        // If that fails the terminal is gone.
        Box::new(move |text| drop(terminal.clone().write_all(text.as_bytes())))
    }

    fn restore(self: Box<Self>) {}
}

/// While a line is being typed, text goes on lines of its own and is followed by the prompt.
impl Write for PlainTerminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stdout = io::stdout().lock();
        if self.typing.load(Ordering::SeqCst) {
            let end = if bytes.ends_with(b"\n") { "" } else { "\n" };
            stdout.write_all(&[b"\n", bytes, end.as_bytes(), PROMPT.as_bytes()].concat())?;
        } else {
            stdout.write_all(bytes)?;
        }
        stdout.flush()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
