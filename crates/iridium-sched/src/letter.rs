//! What a process finds in its slot.

use std::fmt;

use crossbeam_channel::Sender;

use super::follow::Token;
use super::slot::Weigh;
use super::task::Task;
use crate::Signal;
use crate::mailbox::weight;
use iridium_vm::Completion;

/// Wakes somebody who drives a process from outside.
pub(crate) type Wake = Sender<()>;

/// Something for a process, or for the one who runs it.
pub(crate) enum Letter {
    /// From another process.
    Signal(Signal),
    /// The deadline that was set for this time has come.
    Time(u64),
    /// The answer to the question with this number.
    Answer(u64, Completion),
    /// There is room again on the way to another node.
    Room,
    /// There were more messages than there may be.
    Overflow,
    /// Somebody waits for its end, and for that of those it is linked to then.
    Follow(Token),
    /// Somebody wants to see the process, also one that is busy.
    Look(Box<dyn FnOnce(&mut Task) + Send>),
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Letter::Signal(signal) => signal.fmt(f),
            Letter::Time(time) => write!(f, "Time({time})"),
            Letter::Answer(number, answer) => write!(f, "Answer({number}, {answer:?})"),
            Letter::Room => f.write_str("Room"),
            Letter::Overflow => f.write_str("Overflow"),
            Letter::Follow(_) => f.write_str("Follow"),
            Letter::Look(_) => f.write_str("Look"),
        }
    }
}

impl Weigh for Letter {
    fn weight(&self) -> u64 {
        match self {
            Letter::Signal(Signal::Message(message)) => weight(message),
            _ => 0,
        }
    }

    fn overflow() -> Self {
        Letter::Overflow
    }
}
