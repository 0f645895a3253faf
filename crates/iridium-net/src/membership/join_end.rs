//! What joins come to: an answer, a failure after which the next round may help, a refusal for
//! good, or this node itself; and what that means for the node when no seed is left.

use std::net::SocketAddr;

use iridium_proto::{NodeAlias, RejectReason};

use crate::cause::Cause;
use crate::error::JoinError;
use crate::event::{Event, JoinReport};
use crate::ids::JoinId;

use super::core::Membership;
use super::interface::{Action, DialFailure, Time};
use super::join_attempt::{JoinKind, RoundEnd};
use super::timer::Timer;

impl Membership {
    /// The node at an address of a join is linked. It has named members: the join waits for their
    /// first dials.
    pub(super) fn on_join_answered(
        &mut self,
        join: JoinId,
        addr: SocketAddr,
        seed: Option<&NodeAlias>,
        named: Vec<NodeAlias>,
        now: Time,
    ) {
        self.note_answer(join, addr, seed);
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        if !attempt.reported && !named.is_empty() {
            attempt.waiting.extend(named);
            let most = self.timing.dial_timeout + self.timing.greet_timeout;
            self.timers.set(now + most, Timer::JoinOver(join));
        }
        self.advance_join(join, now);
    }

    pub(super) fn note_answer(&mut self, join: JoinId, addr: SocketAddr, seed: Option<&NodeAlias>) {
        let at_addr = || self.members.values().find(|m| m.info.addr() == addr).map(|m| &m.id.alias);
        let seed = seed.or_else(at_addr).unwrap_or(&self.me.id.alias).clone();
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        attempt.open.remove(&addr);
        attempt.seed.get_or_insert(seed);
        self.has_met = true;
    }

    /// A dial or a greeting for a join has failed.
    pub(super) fn on_join_failed(
        &mut self,
        join: JoinId,
        addr: SocketAddr,
        failure: DialFailure,
        now: Time,
    ) {
        self.clear_seed_attempts(now);
        let Some(attempt) = self.joins.get(&join) else { return };
        let to = attempt.shown(addr);
        let error = match failure {
            DialFailure::Handshake(why) => JoinError::Handshake { to, why },
            DialFailure::Refused => JoinError::Unreachable { to, why: Cause::new(failure) },
            DialFailure::Unreachable(why) => JoinError::Unreachable { to, why },
        };
        self.on_join_error(join, addr, error, now);
    }

    /// The node at an address of a join has refused this one.
    pub(super) fn on_join_refused(
        &mut self,
        join: JoinId,
        addr: SocketAddr,
        reason: RejectReason,
        now: Time,
    ) {
        let Some(attempt) = self.joins.get(&join) else { return };
        let error = JoinError::Refused { by: attempt.shown(addr), reason };
        if attempt.remembered().is_some() {
            self.refusal.get_or_insert(error.clone());
        }
        self.on_join_error(join, addr, error, now);
    }

    fn on_join_error(&mut self, join: JoinId, addr: SocketAddr, error: JoinError, now: Time) {
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        attempt.open.remove(&addr);
        // The cluster of a remembered peer was this node's own, so it may take it again.
        if !error.is_for_good() || attempt.remembered().is_some() {
            attempt.failure.get_or_insert(error);
        } else if attempt.refused.insert(addr, error.clone()).is_none() && attempt.seed.is_some() {
            // Otherwise it is reported if nobody else answers.
            log::warn!("{error}");
        }
        self.advance_join(join, now);
    }

    /// An address of a join has led to this node itself.
    pub(super) fn on_join_own(&mut self, join: JoinId, addr: SocketAddr, now: Time) {
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        attempt.open.remove(&addr);
        attempt.is_own = true;
        self.advance_join(join, now);
    }

    /// A member was linked: joins need not wait for it or look for it any more.
    pub(super) fn resolve_waiting(&mut self, alias: &NodeAlias, now: Time) {
        self.joins.retain(|_, attempt| {
            let found = attempt.remembered().is_some_and(|peer| peer.alias == *alias);
            !(found && attempt.open.is_empty())
        });
        self.stop_waiting(alias, true, now);
    }

    /// Joins need not wait for a member any more: it was linked, or its first dial
    /// has failed.
    pub(super) fn stop_waiting(&mut self, alias: &NodeAlias, linked: bool, now: Time) {
        let mut complete = Vec::new();
        for (join, attempt) in &mut self.joins {
            if attempt.waiting.remove(alias) {
                if !linked {
                    attempt.unreachable.push(alias.clone());
                }
                if attempt.waiting.is_empty() {
                    complete.push(*join);
                }
            }
        }
        for join in complete {
            self.advance_join(join, now);
        }
    }

    /// The members that were named have had their time. Those that are not linked yet are
    /// reported as unreachable.
    pub(super) fn on_join_over(&mut self, join: JoinId, now: Time) {
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        attempt.unreachable.extend(std::mem::take(&mut attempt.waiting));
        self.advance_join(join, now);
    }

    /// Reports a join once a node has answered, whatever the other addresses do, and ends the round
    /// when all have.
    pub(super) fn advance_join(&mut self, join: JoinId, now: Time) {
        let members = self.linked_count();
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        if let Some(seed) = attempt.seed.clone()
            && attempt.waiting.is_empty()
            && !std::mem::replace(&mut attempt.reported, true)
        {
            let unreachable = std::mem::take(&mut attempt.unreachable);
            let report = JoinReport { seed, members, unreachable };
            match attempt.kind {
                JoinKind::Asked => return self.end_join(join, Ok(report)),
                JoinKind::Seed => self.push(Action::Joined { join, outcome: Ok(report) }),
                JoinKind::Remembered(_) => {}
            }
        }
        if self.joins.get(&join).is_some_and(|attempt| !attempt.is_under_way()) {
            self.end_round(join, now);
            self.note_seeds();
        }
    }

    fn end_round(&mut self, join: JoinId, now: Time) {
        let alone = self.is_alone();
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        attempt.tried = true;
        match (&attempt.kind, attempt.round_end()) {
            (JoinKind::Asked, RoundEnd::Failed(error) | RoundEnd::Refused(error)) => {
                // A refusal tells more than a failure.
                let error = attempt.refused.values().next().cloned().unwrap_or(error);
                self.end_join(join, Err(error));
            }
            (JoinKind::Asked, RoundEnd::Own) => {
                let to = attempt.endpoint.to_string();
                self.end_join(join, Err(JoinError::Yourself { to }));
            }
            (_, RoundEnd::Failed(error)) => {
                let first = attempt.failures == 0 && attempt.seed.is_none();
                let level = match (&attempt.kind, error.is_for_good()) {
                    _ if !first => log::Level::Debug,
                    (JoinKind::Seed, _) | (_, true) => log::Level::Warn,
                    _ => log::Level::Debug,
                };
                log::log!(level, "{error}; trying again");
                self.schedule_round(join, now);
            }
            (JoinKind::Seed, RoundEnd::Refused(error)) => {
                self.refusal.get_or_insert(error.clone());
                self.end_join(join, Err(error));
            }
            (JoinKind::Seed, RoundEnd::Own) if alone => {
                if attempt.failures == 0 {
                    log::info!("the seed {} is this node itself; skipped", attempt.endpoint);
                }
                // Behind the same address or name there may be another node later.
                self.schedule_round(join, now);
            }
            (_, RoundEnd::Own | RoundEnd::Joined | RoundEnd::Refused(_)) => {
                self.joins.remove(&join);
            }
        }
    }

    /// Says so when every seed was tried and none has answered: once while that may change, and as
    /// [`Event::Excluded`] when it cannot.
    pub(super) fn note_seeds(&mut self) {
        if self.has_met || !self.is_alone() {
            return;
        }
        if !self.has_hope()
            && let Some(error) = self.refusal.take()
        {
            return self.push(Action::Emit(Event::Excluded(error)));
        }
        let mut seeds = self.joins.values().filter(|join| join.is_seed()).peekable();
        if seeds.peek().is_some() && seeds.all(|seed| seed.tried) && !self.said_alone {
            self.said_alone = true;
            log::warn!(
                "found no other node yet; this node goes on alone, and tries its seeds again"
            );
        }
    }

    /// Whether a seed may still take this node, or a peer of an earlier run that has not been
    /// tried. This node itself is none.
    pub(super) fn has_hope(&self) -> bool {
        self.joins.values().any(|join| match join.kind {
            JoinKind::Seed => !join.is_only_own(),
            JoinKind::Remembered(_) => !join.tried,
            JoinKind::Asked => false,
        })
    }

    pub(super) fn end_join(&mut self, join: JoinId, outcome: Result<JoinReport, JoinError>) {
        if let Some(attempt) = self.joins.remove(&join)
            && attempt.remembered().is_none()
        {
            self.push(Action::Joined { join, outcome });
        }
    }
}
