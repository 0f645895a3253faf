//! What a process has beside the state of its machine: pid, mailbox, relations, and what it waits for.

use serde::{Deserialize, Serialize};

use super::mailbox::{Mailbox, matches_tag, memory_of};
use super::reason::Reason;
use super::relations::{Relations, SignalEffect};
use super::request::RemoteRequest;
use super::signal::Signal;
use crate::clock::LAST_TIME;
use iridium_vm::codec::numbered;
use iridium_vm::{Message, Pid};

/// What a list takes for a process that waits to be told of something, in bytes.
const LIST_ENTRY: u64 = 40;

/// The part of a process that other processes act on, as plain data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ActorState {
    pub(crate) pid: Pid,
    pub(crate) mailbox: Mailbox,
    /// What it waits for, if it waits.
    pub(crate) wait: Option<Wait>,
    /// Most processes have none.
    relations: Option<Box<Relations>>,
}

numbered! {
    /// What a process waits for. Times are those of the scheduler's clock, in ns.
    #[derive(Debug, Clone, PartialEq)]
    pub(crate) enum Wait {
        /// A message, until a time if there is one.
        0 = Message { tag: i64, until: Option<u64> },
        /// A time.
        1 = Sleep { until: u64 },
        /// A reply from another node; the requests of a process are numbered.
        2 = Reply { number: u64, request: Box<RemoteRequest> },
        /// Credit for a message to another node.
        3 = Credit { to: Pid, message: Message },
        /// A blocking host function.
        4 = Host { import: u16, window: u8 },
        /// Room for its output.
        5 = Output,
    }
}

impl Wait {
    /// When the wait is over in any case.
    pub(crate) fn until(&self) -> Option<u64> {
        match self {
            Wait::Message { until, .. } => *until,
            Wait::Sleep { until } => Some(*until),
            Wait::Reply { .. } | Wait::Credit { .. } | Wait::Host { .. } | Wait::Output => None,
        }
    }

    /// The memory that it takes beyond its own size, in bytes.
    fn memory(&self) -> u64 {
        match self {
            Wait::Credit { message, .. } => memory_of(message) + LIST_ENTRY,
            Wait::Reply { request, .. } => request.memory(),
            Wait::Output => LIST_ENTRY,
            Wait::Message { .. } | Wait::Sleep { .. } | Wait::Host { .. } => 0,
        }
    }

    /// The wait on a clock that stands at `there` when the present one stands at `here`.
    fn rebased(mut self, here: u64, there: u64) -> Self {
        let time = match &mut self {
            Wait::Message { until: Some(until), .. } | Wait::Sleep { until } => until,
            _ => return self,
        };
        *time = time.saturating_sub(here).saturating_add(there).min(LAST_TIME);
        self
    }
}

impl ActorState {
    pub(crate) fn new(pid: Pid) -> Self {
        Self { pid, mailbox: Mailbox::default(), wait: None, relations: None }
    }

    /// Whether a message is one that it waits for.
    pub(crate) fn awaits(&self, message: &Message) -> bool {
        matches!(self.wait, Some(Wait::Message { tag, .. }) if matches_tag(tag, message))
    }

    /// Whether it waits for a message.
    pub(crate) fn waits_for_message(&self) -> bool {
        matches!(self.wait, Some(Wait::Message { .. }))
    }

    /// Whether it waits for a message that may be among those which no receive has looked at.
    pub(crate) fn is_searching(&self) -> bool {
        self.waits_for_message() && !self.mailbox.is_searched()
    }

    /// Whether it waits for the reply to this request.
    pub(crate) fn awaits_reply(&self, request: u64) -> bool {
        matches!(self.wait, Some(Wait::Reply { number, .. }) if number == request)
    }

    /// Whether it is to get a message: a reply only while it waits for one with that tag.
    pub(crate) fn takes(&self, message: &Message) -> bool {
        let awaits_reply = |relations: &Relations| relations.monitors.contains_key(&message.tag);
        !message.is_reply() || self.relations().is_some_and(awaits_reply)
    }

    /// Removes a monitor; gives the process that it was of.
    pub(crate) fn end_monitor(&mut self, reference: i64) -> Option<Pid> {
        self.relations.as_mut()?.monitors.remove(&reference)
    }

    /// Whether a reply comes from the one that was called, on this node: that has
    /// [forgotten](Self::forget_caller) the caller already.
    pub(crate) fn is_reply_of_local_call(&self, reply: &Message) -> bool {
        let Some(relations) = &self.relations else { return false };
        relations
            .monitors
            .get(&reply.tag)
            .is_some_and(|called| called.bits() == reply.sender && called.node() == self.pid.node())
    }

    /// Forgets a caller of this node that gets its reply, if the tag is one of a reply: it need not be
    /// told of an end any more, and need not say so.
    pub(crate) fn forget_caller(&mut self, caller: Pid, reply: i64) {
        if reply >= Message::REPLY
            && caller.node() == self.pid.node()
            && let Some(relations) = &mut self.relations
        {
            relations.monitored_by.remove(&(caller, reply));
        }
    }

    /// Whether a signal asks for a link or monitor with a process of another node while it has too many.
    pub(crate) fn refuses(&self, signal: &Signal) -> bool {
        match signal {
            Signal::Link { from } | Signal::Monitor { from, .. } => {
                from.node() != self.pid.node()
                    && self.relations().is_some_and(Relations::is_full_for_others)
            }
            _ => false,
        }
    }

    /// Applies a signal. `Some` when the process is to exit by it.
    pub(crate) fn on_signal(&mut self, signal: Signal) -> Option<Reason> {
        let node = match &signal {
            Signal::NodeLost { node } => Some(*node),
            _ => None,
        };
        let lost = node.zip(self.relations.as_ref()).map(|(node, relations)| {
            relations.lost_signals(|pid| pid.node() == node, Reason::NODE_LOST)
        });
        let ends = self.on_one_signal(signal);
        lost.into_iter().flatten().fold(ends, |ends, signal| ends.or(self.on_one_signal(signal)))
    }

    fn on_one_signal(&mut self, signal: Signal) -> Option<Reason> {
        // Only being linked or monitored gives a process relations; other signals need none.
        let effect = match (&mut self.relations, signal) {
            (_, Signal::Message(message)) => SignalEffect::Message(message),
            (Some(relations), signal) => relations.on_signal(signal),
            (None, signal @ (Signal::Link { .. } | Signal::Monitor { .. })) => {
                self.relations_mut().on_signal(signal)
            }
            (None, signal) => Relations::default().on_signal(signal),
        };
        match effect {
            SignalEffect::Absorbed => None,
            SignalEffect::Message(message) => {
                self.mailbox.push(message);
                None
            }
            SignalEffect::Exit(reason) => Some(reason),
        }
    }

    /// Its links and monitors, to be changed.
    pub(crate) fn relations_mut(&mut self) -> &mut Relations {
        self.relations.get_or_insert_default()
    }

    /// Its links and monitors, if it has any.
    pub(crate) fn relations(&self) -> Option<&Relations> {
        self.relations.as_deref()
    }

    /// The memory that it takes beyond its own size, in bytes, without what others
    /// [may have asked for](Self::imposed_memory).
    pub(crate) fn own_memory(&self) -> u64 {
        let wait = self.wait.as_ref().map_or(0, Wait::memory);
        self.mailbox.memory() + self.relations().map_or(0, Relations::own_memory) + wait
    }

    /// The memory in bytes of links and monitors that others may have asked for.
    pub(crate) fn imposed_memory(&self) -> u64 {
        self.relations().map_or(0, Relations::imposed_memory)
    }

    /// Moves its deadlines to a clock that stands at `there` when the present one stands at `here`.
    pub(crate) fn rebase(&mut self, here: u64, there: u64) {
        self.wait = self.wait.take().map(|wait| wait.rebased(here, there));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::signal::system_message;

    #[test]
    fn the_loss_of_a_node_is_reported_for_each_link_and_monitor() {
        let far = Pid::new(2, 1);
        let mut actor = ActorState::new(Pid::new(1, 1));
        actor.relations_mut().traps_exits = true;
        actor.relations_mut().links.insert(far);
        let reference = actor.relations_mut().monitor(far);
        for _ in 0..2 {
            assert_eq!(actor.on_signal(Signal::NodeLost { node: 2 }), None);
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
        let mut actor = ActorState::new(Pid::new(1, 1));
        actor.wait = Some(Wait::Message { tag: 1, until: Some(500) });
        actor.rebase(400, 10_000);
        assert_eq!(actor.wait, Some(Wait::Message { tag: 1, until: Some(10_100) }));
        actor.rebase(20_000, 0);
        assert_eq!(actor.wait, Some(Wait::Message { tag: 1, until: Some(0) }));
    }
}
