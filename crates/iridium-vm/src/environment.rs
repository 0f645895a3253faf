//! Services that a process gets without leaving the engine.

use crate::effect::Effect;
use crate::message::{Message, Payload};
use crate::pid::Pid;

/// Where the output of programs goes.
pub trait Sink {
    /// Takes output. Text is UTF-8; a character is never split between two calls.
    fn write(&mut self, bytes: &[u8]);

    /// As [`Environment::takes_output`].
    fn takes_output(&mut self) -> bool {
        true
    }
}

impl Sink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Services that are available to a process without leaving the engine that runs it. What an
/// environment does not do at once becomes an [`Effect`](crate::Effect).
pub trait Environment {
    /// Takes output, as [`Sink::write`].
    fn write(&mut self, bytes: &[u8]);

    /// Whether it takes output at the moment. When not, a run stops with
    /// [`Stop::OutputFull`](crate::Stop::OutputFull) before the instruction that writes, or in the
    /// middle of one that writes much.
    fn takes_output(&mut self) -> bool {
        true
    }

    /// The process that runs, as host functions see it.
    fn pid(&self) -> Pid {
        Pid::NOBODY
    }

    /// Whether the process may take so many more bytes of memory, from now on.
    fn may_grow(&mut self, _bytes: u64) -> bool {
        true
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The payload, when the message cannot be sent at once.
    fn send(&mut self, _to: i64, _tag: i64, payload: Payload) -> Result<(), Payload> {
        Err(payload)
    }

    /// Takes a message with this tag, if it is there.
    fn receive(&mut self, _tag: i64) -> Option<Message> {
        None
    }

    /// Carries an effect out at once, if it is one that answers with a number or with nothing, takes no
    /// time and cannot fail: gives the number, or any.
    fn answer(&mut self, _effect: &Effect) -> Option<i64> {
        None
    }
}

/// An environment that has nothing but somewhere to write to.
pub(crate) struct OutputOnly<'s>(pub(crate) &'s mut dyn Sink);

impl Environment for OutputOnly<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn takes_output(&mut self) -> bool {
        self.0.takes_output()
    }
}
