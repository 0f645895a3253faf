//! What is put into the slot of a process, to be handled by whoever runs it.

use std::fmt;
use std::sync::Arc;

use super::entry::{ProcessEntry, SLOT};
use super::group::GroupToken;
use super::mailbox::memory_of;
use super::signal::Signal;
use super::slot::{Kind, Locked, Slot, Weigh};
use iridium_vm::{Answer, Completion};

/// The slot of a process.
pub(crate) type ProcessSlot = Slot<ProcessEntry, SlotMessage, Wake>;
/// The same, locked.
pub(crate) type LockedSlot<'s> = Locked<'s, ProcessEntry, SlotMessage, Wake>;

const _: () = assert!(size_of::<ProcessSlot>() <= SLOT);

/// Wakes whoever drives a native process.
#[derive(Clone)]
pub(crate) struct Wake(Arc<dyn Fn() + Send + Sync>);

impl Wake {
    /// What is called then, by whoever sends to the process. It must not wait.
    pub(crate) fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(wake))
    }

    pub(crate) fn wake(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wake")
    }
}

/// Something for a process, or for whoever runs it.
pub(crate) enum SlotMessage {
    /// From another process.
    Signal(Signal),
    /// The timer that was set for this time has fired.
    TimerFired(u64),
    /// The reply to the remote request with this number.
    Reply(u64, Completion),
    /// The answer to the host call with this number.
    HostAnswer(u64, Answer),
    /// What it waits for may be there: credit for messages to another node, or room for its output.
    PollWait,
    /// Messages were dropped, because those that wait took too much memory.
    Overflow,
    /// A message was dropped, because the node had no memory for it.
    OutOfMemory,
    /// A subscriber waits for the end of the process, and of those it is linked to then.
    JoinGroup(GroupToken),
    /// To be called with the process by whoever has it.
    Inspect(Box<dyn FnOnce(&mut ProcessEntry) + Send>),
    /// The process is to be removed, without a word to anybody, if the removal still holds.
    Remove(Box<dyn Removal>),
}

/// Whoever removes a process.
pub(crate) trait Removal: Send {
    /// Whether it still holds. From then on it is carried out.
    fn claim(&self) -> bool;

    /// Takes the process, and the messages in its slot that it has not handled.
    fn take(self: Box<Self>, entry: &ProcessEntry, messages: &[SlotMessage]);
}

impl SlotMessage {
    /// The signal in it, if it is one.
    pub(crate) fn into_signal(self) -> Option<Signal> {
        match self {
            SlotMessage::Signal(signal) => Some(signal),
            _ => None,
        }
    }
}

impl fmt::Debug for SlotMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SlotMessage::Signal(signal) => signal.fmt(f),
            SlotMessage::TimerFired(time) => write!(f, "TimerFired({time})"),
            SlotMessage::Reply(number, reply) => write!(f, "Reply({number}, {reply:?})"),
            SlotMessage::HostAnswer(number, _) => write!(f, "HostAnswer({number})"),
            SlotMessage::PollWait => f.write_str("PollWait"),
            SlotMessage::Overflow => f.write_str("Overflow"),
            SlotMessage::OutOfMemory => f.write_str("OutOfMemory"),
            SlotMessage::JoinGroup(_) => f.write_str("JoinGroup"),
            SlotMessage::Inspect(_) => f.write_str("Inspect"),
            SlotMessage::Remove(_) => f.write_str("Remove"),
        }
    }
}

impl Weigh for SlotMessage {
    fn kind(&self) -> Kind {
        match self {
            SlotMessage::Signal(signal) => match signal {
                Signal::Message(_) => Kind::Mail,
                Signal::Kill { .. } => Kind::Order,
                Signal::Link { .. }
                | Signal::Unlink { .. }
                | Signal::Monitor { .. }
                | Signal::Demonitor { .. } => Kind::Request,
                _ => Kind::Vital,
            },
            _ => Kind::Vital,
        }
    }

    fn weight(&self) -> u64 {
        match self {
            SlotMessage::Signal(Signal::Message(message)) => memory_of(message),
            // The slot keeps them in a vector, which doubles.
            SlotMessage::Signal(_) => 2 * size_of::<SlotMessage>() as u64,
            _ => 0,
        }
    }

    fn overflow() -> Self {
        SlotMessage::Overflow
    }

    fn out_of_memory() -> Self {
        SlotMessage::OutOfMemory
    }
}
