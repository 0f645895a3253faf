//! The timers of the membership core. A timer is never taken back: what it is
//! for carries a token, and a timer whose token is no longer current does nothing.

use std::collections::BTreeMap;

use iridium_proto::NodeAlias;

use crate::ids::{ConnId, JoinId};

use super::interface::Time;

/// What is to be looked at when its time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Timer {
    /// Say to every linked member that this node is there.
    Heartbeat,
    /// Dial one of those that cannot be reached.
    Heal,
    /// Has this link been silent for too long?
    Silence(ConnId),
    /// Has this connection become a link, or is it to be closed?
    Greet(ConnId),
    /// Did the holder of this alias show that it lives?
    Incumbent(NodeAlias, u64),
    /// Dial this member again.
    Redial(NodeAlias, u64),
    /// Those who were asked about this member have had their time.
    ProbeOver(NodeAlias, u64),
    /// Ask again about this member, or give it up.
    Doubt(NodeAlias, u64),
    /// Someone asked this node whether it reaches a member; time to answer no.
    RelayOver(u64),
    /// Dial this seed again.
    Join(JoinId, u64),
    /// Stop waiting for the members that this seed named.
    JoinOver(JoinId),
    /// Forget a member that is down or left.
    Forget(NodeAlias),
}

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

    pub(super) fn next(&self) -> Option<Time> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// The earliest timer that is due, and when it was.
    pub(super) fn pop(&mut self, now: Time) -> Option<(Time, Timer)> {
        let entry = self.queue.first_entry()?;
        let at = entry.key().0;
        (at <= now).then(|| (at, entry.remove()))
    }
}
