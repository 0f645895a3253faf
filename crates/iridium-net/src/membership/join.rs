//! Joins: dials of addresses, of which only the address is known, until the node
//! there has answered. They are given by the operator, or remembered from an
//! earlier run.

use std::collections::BTreeSet;

use iridium_proto::{Hello, IridiumMessage, Join, MAX_VERSION, NodeAlias, NodeInfo};

use crate::cause::Cause;
use crate::endpoint::Endpoint;
use crate::error::JoinError;
use crate::event::JoinReport;
use crate::ids::{ConnId, DialId, JoinId};

use super::conn::{Conn, DialPurpose, Stage};
use super::core::Membership;
use super::interface::{Action, DialFailure, Time};
use super::join_attempt::JoinAttempt;
use super::member::{Attempt, Member};
use super::timer::Timer;

impl Membership {
    /// Joins the cluster of the node at `endpoint`. A `persistent` join is repeated
    /// until that node answers; any other fails with its first dial. The outcome is
    /// reported by [`Action::Joined`].
    pub fn join(&mut self, endpoint: Endpoint, persistent: bool, now: Time) -> JoinId {
        self.start_join(endpoint, None, persistent, now)
    }

    /// Dials a peer that is remembered from an earlier run.
    pub(super) fn rejoin(&mut self, peer: NodeInfo, now: Time) {
        if peer.alias != self.me.id.alias {
            self.start_join(Endpoint::Addr(peer.addr()), Some(peer), true, now);
        }
    }

    fn start_join(
        &mut self,
        endpoint: Endpoint,
        remembered: Option<NodeInfo>,
        persistent: bool,
        now: Time,
    ) -> JoinId {
        let join = JoinId(self.next_number());
        let attempt = JoinAttempt {
            endpoint,
            remembered,
            persistent,
            failures: 0,
            token: 0,
            dial: None,
            seed: None,
            waiting: BTreeSet::new(),
            unreachable: Vec::new(),
        };
        self.joins.insert(join, attempt);
        if self.leaving {
            self.end_join(join, Err(JoinError::Stopped));
        } else {
            self.dial_join(join, now);
        }
        join
    }

    pub(super) fn dial_join(&mut self, join: JoinId, now: Time) {
        let dial = DialId(self.next_number());
        if self.is_joined(join) {
            return self.finish_join(join);
        }
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        if attempt.remembered.is_some() && now >= self.timing.forget_after {
            self.joins.remove(&join);
            return self.save_peers();
        }
        attempt.token = 0;
        attempt.dial = Some(dial);
        let to = attempt.endpoint.clone();
        self.dials.insert(dial, DialPurpose::Join(join));
        self.push(Action::Dial { dial, to });
    }

    pub(super) fn on_join_due(&mut self, join: JoinId, token: u64, now: Time) {
        if self.joins.get(&join).is_some_and(|attempt| attempt.token == token) {
            self.dial_join(join, now);
        }
    }

    /// Whether the node that a join is for is linked already.
    pub(super) fn is_joined(&self, join: JoinId) -> bool {
        let Some(attempt) = self.joins.get(&join) else { return false };
        let alias = attempt.remembered.as_ref().map(|peer| &peer.alias);
        self.links().any(|(_, member)| {
            Some(&member.id.alias) == alias
                || Endpoint::Addr(member.info.addr()) == attempt.endpoint
        })
    }

    /// A seed is asked for its members. Remembered peers are not: there may be many,
    /// and one list is enough.
    pub(super) fn join_greeting(&self, join: JoinId) -> IridiumMessage {
        let intro = self.me.clone();
        let remembered = self.joins.get(&join).is_some_and(|a| a.remembered.is_some());
        if remembered {
            IridiumMessage::Join(Join { intro })
        } else {
            IridiumMessage::Hello(Hello { intro, version: MAX_VERSION, features: self.features })
        }
    }

    /// Notes the greeting as an attempt of the member with the seed's address, if one
    /// is known, so that a crossing dial of that member is recognised.
    pub(super) fn note_seed_attempt(&mut self, join: JoinId, conn: ConnId) {
        let Some(attempt) = self.joins.get(&join) else { return };
        let Endpoint::Addr(addr) = attempt.endpoint else { return };
        let member = self.members.values_mut().find(|m| m.info.addr() == addr);
        if let Some(member) = member.filter(|m| m.link.is_none() && m.attempt.is_none()) {
            member.attempt = Some(Attempt::Greeting(conn));
        }
    }

    pub(super) fn on_join_failed(&mut self, join: JoinId, failure: DialFailure, now: Time) {
        self.clear_seed_attempts(now);
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        let to = attempt.endpoint.to_string();
        let error = match failure {
            DialFailure::Handshake(why) => JoinError::Handshake { to, why },
            DialFailure::Refused => JoinError::Unreachable { to, why: Cause::new(failure) },
            DialFailure::Unreachable(why) => JoinError::Unreachable { to, why },
        };
        let remembered = attempt.remembered.is_some();
        let handshake = matches!(error, JoinError::Handshake { .. });
        if !attempt.persistent || (handshake && !remembered) {
            return self.end_join(join, Err(error));
        }
        attempt.failures = attempt.failures.saturating_add(1);
        let level = match (remembered, handshake, attempt.failures) {
            (_, true, _) => log::Level::Error,
            (false, false, 1) => log::Level::Warn,
            _ => log::Level::Debug,
        };
        log::log!(level, "{error}; trying again");
        self.schedule_join(join, now);
    }

    pub(super) fn schedule_join(&mut self, join: JoinId, now: Time) {
        let token = self.next_number();
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        attempt.token = token;
        attempt.dial = None;
        let (failures, remembered) = (attempt.failures, attempt.remembered.is_some());
        // With many remembered peers, one of them is dialled every `heal` on average.
        let peers =
            if remembered { u32::try_from(self.joins.len()).unwrap_or(u32::MAX) } else { 1 };
        let cap = self.timing.heal.saturating_mul(peers).min(self.timing.redial_max);
        let delay = self.backoff(failures, cap);
        self.timers.set(now + delay, Timer::Join(join, token));
    }

    /// Clears the attempts of members whose greeting, sent for a join, ended without
    /// a link, so that they are dialled again.
    pub(super) fn clear_seed_attempts(&mut self, now: Time) {
        let stale = |m: &&mut Member| match m.attempt {
            Some(Attempt::Greeting(conn)) => {
                !matches!(self.conns.get(&conn), Some(Conn { stage: Stage::Greeting(_), .. }))
            }
            _ => false,
        };
        let aliases: Vec<NodeAlias> = self
            .members
            .values_mut()
            .filter(stale)
            .map(|m| {
                m.attempt = None;
                m.id.alias.clone()
            })
            .collect();
        for alias in aliases {
            if !self.reconsider_claim(&alias, now) {
                self.schedule_redial(&alias, now);
            }
        }
    }

    pub(super) fn end_self_join(&mut self, join: JoinId) {
        let to = self.joins.get(&join).map(|a| a.endpoint.to_string()).unwrap_or_default();
        self.end_join(join, Err(JoinError::Yourself { to }));
    }

    /// The seed has answered and named members: the join waits for their first dials.
    pub(super) fn wait_for_named(
        &mut self,
        join: JoinId,
        seed: &NodeAlias,
        named: Vec<NodeAlias>,
        now: Time,
    ) {
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        attempt.seed = Some(seed.clone());
        attempt.waiting = named.into_iter().collect();
        if attempt.waiting.is_empty() {
            self.finish_join(join);
        } else {
            let most = self.timing.dial_timeout + self.timing.greet_timeout;
            self.timers.set(now + most, Timer::JoinOver(join));
        }
    }

    /// A member was linked: joins need not wait for it or look for it any more.
    pub(super) fn resolve_waiting(&mut self, alias: &NodeAlias) {
        self.joins.retain(|_, attempt| {
            let found = attempt.remembered.as_ref().is_some_and(|peer| peer.alias == *alias);
            !(found && attempt.dial.is_none())
        });
        self.stop_waiting(alias, true);
    }

    /// Joins need not wait for a member any more: it was linked, or its first dial
    /// has failed.
    pub(super) fn stop_waiting(&mut self, alias: &NodeAlias, linked: bool) {
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
            self.finish_join(join);
        }
    }

    /// Ends a join that has reached its seed. Members that are not linked yet are
    /// reported as unreachable.
    pub(super) fn finish_join(&mut self, join: JoinId) {
        let members = self.linked_count();
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        let mut unreachable = std::mem::take(&mut attempt.unreachable);
        unreachable.extend(std::mem::take(&mut attempt.waiting));
        let seed = attempt.seed.take().or_else(|| {
            let Endpoint::Addr(addr) = attempt.endpoint else { return None };
            let member = self.members.values().find(|m| m.info.addr() == addr);
            member.map(|m| m.id.alias.clone())
        });
        let seed = seed.unwrap_or_else(|| self.me.id.alias.clone());
        self.end_join(join, Ok(JoinReport { seed, members, unreachable }));
    }

    pub(super) fn end_join(&mut self, join: JoinId, outcome: Result<JoinReport, JoinError>) {
        if let Some(attempt) = self.joins.remove(&join)
            && attempt.remembered.is_none()
        {
            self.push(Action::Joined { join, outcome });
        }
    }
}
