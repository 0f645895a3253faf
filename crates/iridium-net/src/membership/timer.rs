//! The timers of the membership core. A timer is never cancelled: it carries a
//! token, and when that is no longer current, it does nothing.

use std::collections::BTreeMap;

use iridium_proto::NodeAlias;

use crate::ids::{ConnId, JoinId};

use super::interface::Time;

/// What is due when a timer fires.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Timer {
    /// Ping every linked member.
    Heartbeat,
    /// Dial one of the members that are not linked.
    Heal,
    /// Ask a member whether its list is the same.
    Gossip,
    /// Dial one of the members that are down.
    Revive,
    /// Check how long this link has been silent.
    Silence(ConnId),
    /// Doubt this incarnation of a member, which others have named, unless it is linked.
    Unmet(NodeAlias, u64),
    /// Close this connection unless it has become a link.
    Greet(ConnId),
    /// Drop the incumbent of this alias unless it has answered.
    Incumbent(NodeAlias, u64),
    /// Dial this member again.
    Redial(NodeAlias, u64),
    /// Stop waiting for the nodes that were asked about this member.
    ProbeOver(NodeAlias, u64),
    /// Probe this suspect member again, or mark it down.
    SuspicionOver(NodeAlias, u64),
    /// Answer the node that asked this one to probe a member: it did not answer.
    RelayOver(ConnId, ConnId),
    /// Try the addresses of this join again.
    Join(JoinId, u64),
    /// Its name should have been looked up by now.
    LookUp(JoinId, u64),
    /// Stop waiting for the members that were named in answer to this join.
    JoinOver(JoinId),
    /// Forget a member that is down or left.
    Forget(NodeAlias),
}

/// All timers, by the time at which they are due.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeMap<(Time, u64), Timer>,
    sequence: u64,
}

impl Timers {
    pub(super) fn set(&mut self, at: Time, timer: Timer) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), timer);
    }

    /// All that are set.
    pub(super) fn all(&self) -> impl Iterator<Item = &Timer> {
        self.queue.values()
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// The earliest timer that is due.
    pub(super) fn pop(&mut self, now: Time) -> Option<Timer> {
        let entry = self.queue.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}
