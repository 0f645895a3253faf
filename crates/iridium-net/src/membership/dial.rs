//! Which members this node dials, when, and what the outcome means.

use std::time::Duration;

use iridium_proto::{IridiumMessage, Join, NodeAlias, NodeInfo, NodeIp, RejectReason};

use crate::error::HandshakeError;
use crate::event::Event;
use crate::ids::{ConnId, DialId};

use super::conn::{Conn, DialPurpose, Stage};
use super::core::Membership;
use super::interface::{Action, DialFailure, Time};
use super::member::{Attempt, Member, State};
use super::timer::Timer;

/// One of the members that are down is dialled each so many of the shortest pauses before a dial, at
/// most.
const REVIVE_EVERY: u32 = 2;

impl Membership {
    /// Dials a member unless it is linked or being dialled.
    pub(super) fn dial_member(&mut self, alias: &NodeAlias, now: Time) {
        let dial = DialId(self.next_number());
        let Some(member) = self.members.get_mut(alias) else { return };
        if self.leaving || !member.should_dial() || member.attempt.is_some() {
            return;
        }
        member.attempt = Some(Attempt::Connecting(dial));
        member.dialled = Some(now);
        member.token = 0;
        let elsewhere = if member.was_elsewhere { None } else { member.elsewhere.take() };
        member.was_elsewhere = elsewhere.is_some();
        let to = elsewhere.unwrap_or(member.info.addr());
        self.dials.insert(dial, DialPurpose::Member(alias.clone()));
        self.push(Action::Dial { dial, to });
    }

    /// Whether the outcome of a dial still matters. One that has not begun yet need not begin when the
    /// other end was quicker.
    #[must_use]
    pub fn wants(&self, dial: DialId) -> bool {
        self.dials.contains_key(&dial)
    }

    pub(super) fn on_connected(&mut self, dial: DialId, conn: ConnId, remote: NodeIp, now: Time) {
        let Some(purpose) = self.dials.remove(&dial) else {
            return self.push(Action::Close { conn, why: "no longer wanted" });
        };
        let intro = self.me.clone();
        let (wanted, greeting) = match &purpose {
            DialPurpose::Member(alias) => {
                let member = self.members.get_mut(alias);
                let member = member.filter(|m| m.attempt == Some(Attempt::Connecting(dial)));
                let wanted = member.is_some_and(|m| {
                    if !m.was_elsewhere {
                        self.undialable.remove(&m.info.addr());
                    }
                    m.attempt = m.should_dial().then_some(Attempt::Greeting(conn));
                    m.attempt.is_some()
                });
                (wanted, IridiumMessage::Join(Join { intro }))
            }
            DialPurpose::Join(join, addr) => {
                let wanted = self.joins.contains_key(join) && !self.is_joined(*join, *addr);
                (wanted, self.join_greeting(*join))
            }
            // The connection itself is the answer.
            DialPurpose::Check(info) => {
                self.undialable.remove(&info.addr());
                return self.push(Action::Close { conn, why: "it was a check" });
            }
        };
        if !wanted {
            self.push(Action::Close { conn, why: "no longer wanted" });
            if let DialPurpose::Join(join, addr) = purpose {
                self.on_join_answered(join, addr, None, Vec::new(), now);
            }
            return;
        }
        self.insert_conn(conn, Stage::Greeting(purpose.clone()), remote, now);
        if let DialPurpose::Join(_, addr) = purpose {
            self.note_seed_attempt(addr, conn);
        }
        self.send(conn, greeting);
        self.timers.set(now + self.timing.greet_timeout, Timer::Greet(conn));
    }

    pub(super) fn on_dial_failed(&mut self, dial: DialId, failure: DialFailure, now: Time) {
        let Some(purpose) = self.dials.remove(&dial) else { return };
        if let DialPurpose::Member(alias) = &purpose {
            // It may have been for an earlier incarnation of the alias.
            let attempt = self.members.get(alias).and_then(|m| m.attempt);
            if attempt != Some(Attempt::Connecting(dial)) {
                return;
            }
        }
        self.on_attempt_failed(&purpose, failure, now);
    }

    /// A dial or a greeting has failed.
    pub(super) fn on_attempt_failed(
        &mut self,
        purpose: &DialPurpose,
        failure: DialFailure,
        now: Time,
    ) {
        match purpose {
            DialPurpose::Member(alias) => self.on_member_failed(alias, &failure, now),
            DialPurpose::Join(join, addr) => self.on_join_failed(*join, *addr, failure, now),
            DialPurpose::Check(info) => self.on_check_failed(info, &failure, now),
        }
    }

    fn on_member_failed(&mut self, alias: &NodeAlias, failure: &DialFailure, now: Time) {
        let Some(member) = self.members.get_mut(alias) else { return };
        member.attempt = None;
        let was_elsewhere = member.was_elsewhere;
        if !was_elsewhere {
            member.failure = Some(failure.clone());
        }
        log::debug!("could not dial node={} addr={}: {failure}", member.id, member.info.addr());
        if self.reconsider_claim(alias, now) {
            return;
        }
        self.stop_waiting(alias, false, now);
        if *failure == DialFailure::Refused && !was_elsewhere {
            self.note_refused(alias, now);
        }
        self.schedule_redial(alias, now);
    }

    /// A node answered a greeting with `Reject`.
    pub(super) fn on_rejected(&mut self, purpose: &DialPurpose, reason: RejectReason, now: Time) {
        if let DialPurpose::Member(alias) = purpose
            && let Some(member) = self.members.get_mut(alias)
        {
            member.attempt = None;
        }
        self.clear_seed_attempts(now);
        match reason {
            RejectReason::NumberTaken if self.may_renumber && !self.believes(purpose, now) => {
                self.on_disbelieved(purpose, &reason, now);
            }
            RejectReason::NumberTaken if self.may_renumber => self.change_identity(0, now),
            RejectReason::Outdated(incarnation) if self.is_plausible(incarnation) => {
                if self.believes(purpose, now) {
                    self.change_identity(incarnation, now);
                } else {
                    self.on_disbelieved(purpose, &reason, now);
                }
            }
            // The last of all incarnations cannot be replaced by a larger one, and others are lies.
            RejectReason::Outdated(_) => self.on_refused(purpose, reason, now),
            RejectReason::AlreadyLinked => self.on_already_linked(purpose, now),
            RejectReason::Leaving => {
                let failure = DialFailure::Unreachable(reason.to_string().into());
                self.on_attempt_failed(purpose, failure, now);
            }
            RejectReason::Yourself => match purpose {
                DialPurpose::Member(alias) => {
                    let other = HandshakeError::OtherNode(self.me.id.alias.clone());
                    self.on_member_failed(alias, &DialFailure::Handshake(other), now);
                }
                DialPurpose::Join(join, addr) => self.on_join_own(*join, *addr, now),
                DialPurpose::Check(..) => {}
            },
            RejectReason::AliasTaken(_) | RejectReason::NumberTaken | RejectReason::Unknown(_) => {
                self.on_refused(purpose, reason, now);
            }
        }
    }

    /// A node that refuses this one is not believed why. It may be reached later.
    fn on_disbelieved(&mut self, purpose: &DialPurpose, reason: &RejectReason, now: Time) {
        if let Some(left_out) = self.log_limits.admit("disbelieved", now) {
            log::warn!("refused, which this node does not believe: {reason}{left_out}");
        }
        let failure = DialFailure::Unreachable(reason.to_string().into());
        self.on_attempt_failed(purpose, failure, now);
    }

    fn on_already_linked(&mut self, purpose: &DialPurpose, now: Time) {
        match purpose {
            DialPurpose::Member(alias) => {
                if !self.reconsider_claim(alias, now) {
                    self.schedule_redial(alias, now);
                }
            }
            DialPurpose::Join(join, addr) => {
                self.on_join_answered(*join, *addr, None, Vec::new(), now);
            }
            DialPurpose::Check(..) => {}
        }
    }

    fn on_refused(&mut self, purpose: &DialPurpose, reason: RejectReason, now: Time) {
        match purpose {
            DialPurpose::Member(alias) => {
                if !self.reconsider_claim(alias, now) {
                    self.schedule_redial(alias, now);
                }
                let by = alias.to_string();
                // Others may take it, so it goes on, and an operator must know.
                if let Some(left_out) = self.log_limits.admit("refused by", now) {
                    log::error!("refused by={by}: {reason}{left_out}");
                    self.push(Action::Emit(Event::Refused { by, reason }));
                }
            }
            DialPurpose::Join(join, addr) => self.on_join_refused(*join, *addr, reason, now),
            DialPurpose::Check(..) => {}
        }
    }

    /// A greeting was answered by `alias`, which named others.
    pub(super) fn finish_greeting(
        &mut self,
        purpose: &DialPurpose,
        alias: &NodeAlias,
        named: Vec<NodeAlias>,
        now: Time,
    ) {
        match purpose {
            // Another node may listen at that address now.
            DialPurpose::Member(expected) if expected != alias => {
                let other = HandshakeError::OtherNode(alias.clone());
                self.on_member_failed(expected, &DialFailure::Handshake(other), now);
            }
            DialPurpose::Member(_) | DialPurpose::Check(..) => {}
            DialPurpose::Join(join, addr) => {
                self.on_join_answered(*join, *addr, Some(alias), named, now);
            }
        }
    }

    pub(super) fn on_redial(&mut self, alias: &NodeAlias, token: u64, now: Time) {
        if self.members.get(alias).is_some_and(|member| member.token == token) {
            self.dial_member(alias, now);
        }
    }

    /// Dials a member again after a pause that grows with its failures.
    pub(super) fn schedule_redial(&mut self, alias: &NodeAlias, now: Time) {
        let token = self.next_number();
        let Some(member) = self.members.get_mut(alias) else { return };
        if !member.should_dial() || member.attempt.is_some() {
            return;
        }
        member.failures = member.failures.saturating_add(1);
        member.token = token;
        let (failures, state) = (member.failures, member.state);
        // A suspect may still be reached by others, so it is dialled more often.
        let suspect = state == State::Suspect;
        let cap = if suspect { self.timing.incumbent_probe } else { self.timing.redial_max };
        let dial_at = now + self.backoff(failures, cap);
        if matches!(state, State::Down | State::Left | State::Forgotten) {
            self.await_revival(alias, dial_at);
        } else {
            self.timers.set(dial_at, Timer::Redial(alias.clone(), token));
        }
    }

    /// Those that are down are dialled one after the other at a pace, however many they are.
    fn await_revival(&mut self, alias: &NodeAlias, dial_at: Time) {
        if let Some(member) = self.members.get_mut(alias) {
            member.dial_at = dial_at;
        }
        let at = dial_at.max(self.revived + self.timing.redial_min * REVIVE_EVERY);
        if self.revive_at.is_none_or(|set| at < set) {
            self.revive_at = Some(at);
            self.timers.set(at, Timer::Revive);
        }
    }

    /// Dials one of those that are down: of whom the pause is over the one that was dialled least
    /// often, so that those that were lost recently come first, and all in turn.
    pub(super) fn on_revive(&mut self, now: Time) {
        if self.revive_at.is_none_or(|at| now < at) {
            return;
        }
        self.revive_at = None;
        let waits =
            |m: &&Member| !m.is_present() && m.should_dial() && m.attempt.is_none() && m.token != 0;
        let due = self.members.values().filter(waits).filter(|m| m.dial_at <= now);
        let alias = due.min_by_key(|m| (m.failures, m.dial_at)).map(|m| m.id.alias.clone());
        if let Some(alias) = alias {
            self.revived = now;
            self.dial_member(&alias, now);
        }
        let next = self.members.values().filter(waits).min_by_key(|m| m.dial_at);
        if let Some((alias, dial_at)) = next.map(|m| (m.id.alias.clone(), m.dial_at)) {
            self.await_revival(&alias, dial_at);
        }
    }

    /// Dials the unreachable member that was dialled longest ago, so that two halves of
    /// a cluster find each other soon, however long the pauses between dials have grown.
    pub(super) fn heal(&mut self, now: Time) {
        let wanted = self.members.values().filter(|m| m.should_dial() && m.attempt.is_none());
        let alias = wanted.min_by_key(|m| m.dialled).map(|m| m.id.alias.clone());
        if let Some(alias) = alias {
            self.dial_member(&alias, now);
        }
        self.timers.set(now + self.timing.heal, Timer::Heal);
    }

    /// Exponential back-off with jitter: doubled at each failure up to `cap`, and
    /// between three quarters and the whole of that.
    pub(super) fn backoff(&mut self, failures: u32, cap: Duration) -> Duration {
        let exponent = failures.saturating_sub(1).min(20);
        let whole = self.timing.redial_min.saturating_mul(1 << exponent).min(cap);
        let jitter = u32::try_from(self.rng.below(256)).unwrap_or(0);
        whole * 3 / 4 + whole / 4 * jitter / 256
    }

    /// Has the driver remember the peers for the next start: at once or, when it just has, at the next
    /// heartbeat, since the whole list is not to be written for each when many come or go.
    pub(super) fn save_peers(&mut self, now: Time) {
        self.peers_changed = true;
        if self.saved.is_none_or(|at| now >= at + self.timing.heartbeat) {
            self.save_changed_peers(now);
        }
    }

    /// Has the driver remember the peers if they have changed.
    pub(super) fn save_changed_peers(&mut self, now: Time) {
        if std::mem::take(&mut self.peers_changed) {
            self.saved = Some(now);
            let peers = self.peers();
            self.push(Action::SavePeers(peers));
        }
    }

    /// The peers to be remembered.
    pub(super) fn peers(&self) -> Vec<NodeInfo> {
        let members = self.members.values().filter(|m| m.is_worth_remembering());
        let mut peers: Vec<NodeInfo> = members.map(|m| m.info.clone()).collect();
        for peer in self.joins.values().filter_map(|join| join.remembered()) {
            if !self.members.contains_key(&peer.alias) {
                peers.push(peer.clone());
            }
        }
        peers.sort();
        peers
    }

    pub(super) fn on_closed(&mut self, conn: ConnId, now: Time) {
        let Some(Conn { stage, .. }) = self.conns.get(&conn) else { return };
        match stage {
            Stage::Greeting(purpose) => {
                let purpose = purpose.clone();
                self.conns.remove(&conn);
                let failure = DialFailure::Unreachable("the connection was closed".into());
                self.on_attempt_failed(&purpose, failure, now);
            }
            Stage::Candidate { intro, .. } => {
                let alias = intro.id.alias.clone();
                self.conns.remove(&conn);
                if let Some(member) = self.members.get_mut(&alias) {
                    member.claim.take_if(|claim| claim.candidate == conn);
                }
            }
            Stage::Linked { .. } => self.link_lost(conn, now),
        }
    }
}
