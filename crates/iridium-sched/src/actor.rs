//! A process among others: what it has beside the state of its machine.

use serde::{Deserialize, Serialize};

use super::mailbox::Mailbox;
use super::mailbox::wanted;
use super::reason::Reason;
use super::signal::Signal;
use super::ties::{Taken, Ties};
use iridium_isa::ModuleId;
use iridium_vm::{Limits, Message, Pid, Start};

/// The side of a process that others see, as plain data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Actor {
    pub(crate) pid: Pid,
    pub(crate) mailbox: Mailbox,
    /// What it waits for, if it waits.
    pub(crate) wait: Option<Wait>,
    /// `None` stands for no ties at all.
    ties: Option<Box<Ties>>,
}

/// The last time that anybody waits for, 146 years after the clock has started. A clock that jumps
/// from wait to wait gets no further, so that programs, whose integers are signed, see it go on, and
/// what was saved with it can be restored.
pub(crate) const LAST_TIME: u64 = 1 << 62;

/// What a process waits for. Times are those of the scheduler's clock, in ns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Wait {
    /// A message, until a time if there is one.
    Message { tag: i64, until: Option<u64> },
    /// A time.
    Time { until: u64 },
    /// An answer from another node; questions of a process are numbered.
    Answer { number: u64, question: Box<RemoteRequest> },
    /// Room for a message on its way to another node.
    Room { to: Pid, message: Message },
    /// A host function that takes its time.
    Host { import: u16, window: u8 },
}

/// What another node is asked on behalf of a process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RemoteRequest {
    /// A new process there: [`Completion::Value`](iridium_vm::Completion::Value) with its pid, or 0.
    Spawn {
        /// The number of the node.
        node: u32,
        /// The module of the process.
        module: ModuleId,
        /// Where it starts and with what.
        start: Start,
        /// What it may use.
        limits: Limits,
    },
    /// The pid behind a name there: [`Completion::Found`](iridium_vm::Completion::Found).
    WhereIs {
        /// The name.
        name: String,
        /// The alias of the node.
        alias: String,
    },
}

impl Wait {
    /// When the wait is over in any case.
    pub(crate) fn until(&self) -> Option<u64> {
        match self {
            Wait::Message { until, .. } => *until,
            Wait::Time { until } => Some(*until),
            Wait::Answer { .. } | Wait::Room { .. } | Wait::Host { .. } => None,
        }
    }

    /// The wait as it is where the clock stands at `there` when here it stands at `here`.
    fn moved(mut self, here: u64, there: u64) -> Self {
        let time = match &mut self {
            Wait::Message { until: Some(until), .. } | Wait::Time { until } => until,
            _ => return self,
        };
        *time = time.saturating_sub(here).saturating_add(there).min(LAST_TIME);
        self
    }
}

impl Actor {
    pub(crate) fn new(pid: Pid) -> Self {
        Self { pid, mailbox: Mailbox::default(), wait: None, ties: None }
    }

    /// Whether a message is one that it waits for.
    pub(crate) fn awaits(&self, message: &Message) -> bool {
        matches!(self.wait, Some(Wait::Message { tag, .. }) if wanted(tag, message))
    }

    /// Whether it waits for the answer to this question.
    pub(crate) fn awaits_answer(&self, question: u64) -> bool {
        matches!(self.wait, Some(Wait::Answer { number, .. }) if number == question)
    }

    /// Takes in a signal. `Some` when the process is to end by it.
    pub(crate) fn take_in(&mut self, signal: Signal) -> Option<Reason> {
        let node = match &signal {
            Signal::NodeLost { node } => Some(*node),
            _ => None,
        };
        let lost = node
            .zip(self.ties.as_ref())
            .map(|(node, ties)| ties.lost_with(|pid| pid.node() == node, Reason::NODE_LOST));
        let ends = self.take_in_one(signal);
        lost.into_iter().flatten().fold(ends, |ends, signal| ends.or(self.take_in_one(signal)))
    }

    fn take_in_one(&mut self, signal: Signal) -> Option<Reason> {
        // A process without ties does not get them by being told things.
        let taken = match (&mut self.ties, signal) {
            (_, Signal::Message(message)) => Taken::Told(message),
            (Some(ties), signal) => ties.take_in(signal),
            (None, signal @ (Signal::Link { .. } | Signal::Monitor { .. })) => {
                self.ties().take_in(signal)
            }
            (None, signal) => Ties::default().take_in(signal),
        };
        match taken {
            Taken::In => None,
            Taken::Told(message) => {
                self.mailbox.push(message);
                None
            }
            Taken::End(reason) => Some(reason),
        }
    }

    /// Its ties, to be changed.
    pub(crate) fn ties(&mut self) -> &mut Ties {
        self.ties.get_or_insert_default()
    }

    /// Its ties, if it has any.
    pub(crate) fn has_ties(&self) -> Option<&Ties> {
        self.ties.as_deref()
    }

    /// Moves its deadlines to where the clock stands at `there` when here it stands at `here`.
    pub(crate) fn move_to(&mut self, here: u64, there: u64) {
        self.wait = self.wait.take().map(|wait| wait.moved(here, there));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::system_message;

    #[test]
    fn the_loss_of_a_node_is_told_for_each_tie() {
        let far = Pid::new(2, 1);
        let mut actor = Actor::new(Pid::new(1, 1));
        actor.ties().traps_exits = true;
        actor.ties().links.insert(far);
        let reference = actor.ties().monitor(far);
        for _ in 0..2 {
            assert_eq!(actor.take_in(Signal::NodeLost { node: 2 }), None);
        }
        let lost = Reason::NODE_LOST.0;
        let exit = system_message(Message::EXIT, far.bits(), &[lost]);
        assert_eq!(actor.mailbox.take(-1), Some(exit));
        let down = system_message(Message::DOWN, far.bits(), &[reference, lost]);
        assert_eq!(actor.mailbox.take(-1), Some(down));
        assert_eq!(actor.mailbox.take(-1), None, "each once");
    }

    #[test]
    fn deadlines_are_kept_as_time_left() {
        let mut actor = Actor::new(Pid::new(1, 1));
        actor.wait = Some(Wait::Message { tag: 1, until: Some(500) });
        actor.move_to(400, 10_000);
        assert_eq!(actor.wait, Some(Wait::Message { tag: 1, until: Some(10_100) }));
        actor.move_to(20_000, 0);
        assert_eq!(actor.wait, Some(Wait::Message { tag: 1, until: Some(0) }));
    }
}
