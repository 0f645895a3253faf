//! One member as this node sees it.

use std::time::Duration;

use iridium_proto::{
    Introduction, MemberRecord, MemberView, NodeId, NodeInfo, RecordState, ViewState,
};

use crate::ids::{ConnId, DialId};

use super::interface::Time;
use super::probe::Doubt;

/// Where a member stands. Hearsay alone never makes a member alive or down:
/// `Alive` takes a link of this node's own, and so does a `Down` that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Others speak of it; there has been no link yet.
    Known,
    /// There is a link and it answers.
    Alive,
    /// Its link is silent or gone.
    Suspect,
    /// Given up.
    Down,
    /// It said goodbye; final for this incarnation.
    Left,
}

/// A dial of this node's own that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// No connection yet.
    Connecting(DialId),
    /// `Join` or `Hello` was said and is not answered yet.
    Greeting(ConnId),
}

/// A connection that claims the place of one that may still be good.
#[derive(Debug)]
pub(super) struct Claim {
    /// The connection that waits.
    pub(super) candidate: ConnId,
    /// This heartbeat or a later one, answered by the incumbent link, defends the
    /// place; `None` where only this node's own dial can take it.
    pub(super) ping: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) info: NodeInfo,
    pub(super) id: NodeId,
    pub(super) refutation: u32,
    pub(super) state: State,
    /// `Up` was told, and neither `Down` nor `Left` since.
    pub(super) told_up: bool,
    pub(super) link: Option<ConnId>,
    pub(super) attempt: Option<Attempt>,
    pub(super) claim: Option<Claim>,
    pub(super) doubt: Option<Doubt>,
    /// When it was last known to be there, from itself or from one who was asked.
    pub(super) heard: Time,
    pub(super) rtt: Option<Duration>,
    /// Dials in a row that came to nothing.
    pub(super) failures: u32,
    /// When it was last dialled.
    pub(super) dialled: Option<Time>,
    /// Of the timer that is current for redialling.
    pub(super) token: u64,
    /// When it went down or left.
    pub(super) ended: Time,
}

impl Member {
    pub(super) fn new(info: NodeInfo, id: NodeId, refutation: u32, now: Time) -> Self {
        Self {
            info,
            id,
            refutation,
            state: State::Known,
            told_up: false,
            link: None,
            attempt: None,
            claim: None,
            doubt: None,
            heard: now,
            rtt: None,
            failures: 0,
            dialled: None,
            token: 0,
            ended: now,
        }
    }

    pub(super) fn introduced(intro: &Introduction, now: Time) -> Self {
        Self::new(intro.info.clone(), intro.id.clone(), intro.refutation, now)
    }

    /// Whether it counts as a member: neither down nor left.
    pub(super) fn is_present(&self) -> bool {
        !matches!(self.state, State::Down | State::Left)
    }

    /// Whether this node should go on dialling it.
    pub(super) fn is_wanted(&self) -> bool {
        self.state != State::Left && self.link.is_none()
    }

    pub(super) fn record(&self) -> MemberRecord {
        MemberRecord {
            info: self.info.clone(),
            id: self.id.clone(),
            refutation: self.refutation,
            state: match self.state {
                State::Alive => RecordState::Alive,
                State::Known | State::Suspect => RecordState::Suspect,
                State::Down => RecordState::Down,
                State::Left => RecordState::Left,
            },
        }
    }

    pub(super) fn view(&self) -> MemberView {
        MemberView {
            info: self.info.clone(),
            id: self.id.clone(),
            state: match self.state {
                State::Alive => ViewState::Alive,
                State::Known | State::Suspect => ViewState::Suspect,
                State::Down => ViewState::Down,
                State::Left => ViewState::Left,
            },
            rtt_us: self.link.and(self.rtt).map(|rtt| {
                // A round trip is never told as 0, which reads as "not measured".
                u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX).max(1)
            }),
        }
    }
}
