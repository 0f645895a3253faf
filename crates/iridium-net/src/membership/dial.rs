//! Whom this node dials, when, and what comes of it.

use std::collections::BTreeSet;
use std::time::Duration;

use iridium_proto::{
    Hello, IridiumMessage, Join, MAX_VERSION, NodeAlias, NodeInfo, NodeIp, RejectReason,
};

use crate::endpoint::Endpoint;
use crate::error::JoinError;
use crate::event::{Event, JoinReport};

use super::member::{Attempt, State};
use super::timer::Timer;
use super::{Action, Conn, ConnId, DialFailure, DialId, JoinId, Membership, Stage, Time};

/// What a dial is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A member that this node knows of.
    Member(NodeAlias),
    /// A seed, or a peer of an earlier life.
    Join(JoinId),
    /// The address under which a newcomer is seen, to find out whether others
    /// can dial it there; `ConnId` is its link.
    Check(ConnId, NodeInfo),
}

/// An address at which a member is thought to be.
#[derive(Debug)]
pub(super) struct JoinAttempt {
    endpoint: Endpoint,
    /// The alias behind the address, where this node remembers it.
    remembered: Option<NodeInfo>,
    /// Whether to go on until it works.
    persistent: bool,
    failures: u32,
    token: u64,
    /// The dial that is under way.
    dial: Option<DialId>,
    /// The seed, once it has answered.
    seed: Option<NodeAlias>,
    /// Members that the seed named and that are still being dialled.
    waiting: BTreeSet<NodeAlias>,
    unreachable: Vec<NodeAlias>,
}

impl Membership {
    /// Joins the cluster through the node at `endpoint`. A `persistent` join
    /// goes on until that node answers; any other reports its first failure.
    /// The end is told by [`Action::Joined`].
    pub fn join(&mut self, endpoint: Endpoint, persistent: bool, now: Time) -> JoinId {
        self.start_join(endpoint, None, persistent, now)
    }

    /// Dials a peer of an earlier life.
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
            return;
        }
        attempt.token = 0;
        attempt.dial = Some(dial);
        let to = attempt.endpoint.clone();
        self.dials.insert(dial, Target::Join(join));
        self.push(Action::Dial { dial, to });
    }

    pub(super) fn on_join_due(&mut self, join: JoinId, token: u64, now: Time) {
        if self.joins.get(&join).is_some_and(|attempt| attempt.token == token) {
            self.dial_join(join, now);
        }
    }

    /// Dials a member unless it is linked or being dialled.
    pub(super) fn dial_member(&mut self, alias: &NodeAlias, now: Time) {
        let dial = DialId(self.next_number());
        let Some(member) = self.members.get_mut(alias) else { return };
        if self.leaving || !member.is_wanted() || member.attempt.is_some() {
            return;
        }
        member.attempt = Some(Attempt::Connecting(dial));
        member.dialled = Some(now);
        member.token = 0;
        let to = Endpoint::Addr(member.info.addr());
        self.dials.insert(dial, Target::Member(alias.clone()));
        self.push(Action::Dial { dial, to });
    }

    pub(super) fn on_connected(&mut self, dial: DialId, conn: ConnId, remote: NodeIp, now: Time) {
        let Some(target) = self.dials.remove(&dial) else {
            return self.push(Action::Close { conn, why: "no longer wanted" });
        };
        let intro = self.me.clone();
        let (wanted, greeting) = match &target {
            Target::Member(alias) => {
                let member = self.members.get_mut(alias);
                let member = member.filter(|m| m.attempt == Some(Attempt::Connecting(dial)));
                let wanted = member.is_some_and(|m| {
                    m.attempt = m.is_wanted().then_some(Attempt::Greeting(conn));
                    m.attempt.is_some()
                });
                (wanted, IridiumMessage::Join(Join { intro }))
            }
            Target::Join(join) => {
                let wanted = self.joins.contains_key(join) && !self.is_joined(*join);
                (wanted, self.join_greeting(*join))
            }
            // That the connection came about is the answer.
            Target::Check(..) => return self.push(Action::Close { conn, why: "it was a check" }),
        };
        if !wanted {
            self.push(Action::Close { conn, why: "no longer wanted" });
            if let Target::Join(join) = target {
                self.finish_join(join);
            }
            return;
        }
        self.insert_conn(conn, Stage::Greeting(target.clone()), remote, now);
        if let Target::Join(join) = target {
            self.note_seed_attempt(join, conn);
        }
        self.send(conn, greeting);
        self.timers.set(now + self.timing.greet_timeout, Timer::Greet(conn));
    }

    /// Whether the node behind a join has been linked by other means.
    fn is_joined(&self, join: JoinId) -> bool {
        let Some(attempt) = self.joins.get(&join) else { return false };
        let alias = attempt.remembered.as_ref().map(|peer| &peer.alias);
        self.links().any(|(_, member)| {
            Some(&member.id.alias) == alias
                || Endpoint::Addr(member.info.addr()) == attempt.endpoint
        })
    }

    /// A seed is asked for its members; remembered peers, of which there may be
    /// many, only for their acquaintance.
    fn join_greeting(&self, join: JoinId) -> IridiumMessage {
        let intro = self.me.clone();
        let remembered = self.joins.get(&join).is_some_and(|a| a.remembered.is_some());
        if remembered {
            IridiumMessage::Join(Join { intro })
        } else {
            IridiumMessage::Hello(Hello { intro, version: MAX_VERSION, features: 0 })
        }
    }

    /// Where the member behind a seed's address is known, a crossing dial of
    /// that member is recognised by it.
    fn note_seed_attempt(&mut self, join: JoinId, conn: ConnId) {
        let Some(attempt) = self.joins.get(&join) else { return };
        let Endpoint::Addr(addr) = attempt.endpoint else { return };
        let member = self.members.values_mut().find(|m| m.info.addr() == addr);
        if let Some(member) = member.filter(|m| m.link.is_none() && m.attempt.is_none()) {
            member.attempt = Some(Attempt::Greeting(conn));
        }
    }

    pub(super) fn on_dial_failed(&mut self, dial: DialId, failure: DialFailure, now: Time) {
        if let Some(target) = self.dials.remove(&dial) {
            self.on_target_failed(&target, failure, now);
        }
    }

    /// A dial or a greeting came to nothing.
    pub(super) fn on_target_failed(&mut self, target: &Target, failure: DialFailure, now: Time) {
        match target {
            Target::Member(alias) => self.on_member_failed(alias, &failure, now),
            Target::Join(join) => self.on_join_failed(*join, failure, now),
            Target::Check(link, info) => {
                log::warn!("cannot dial {info} back: {failure:?}");
                if self.conns.contains_key(link) {
                    self.send(*link, IridiumMessage::NotDialable(info.clone()));
                }
            }
        }
    }

    /// Dials a newcomer at the address it is seen under, which it did not choose
    /// itself, so that it can be told when nobody reaches it there.
    pub(super) fn check_dialable(&mut self, link: ConnId, info: NodeInfo) {
        let dial = DialId(self.next_number());
        let to = Endpoint::Addr(info.addr());
        self.dials.insert(dial, Target::Check(link, info));
        self.push(Action::Dial { dial, to });
    }

    fn on_member_failed(&mut self, alias: &NodeAlias, failure: &DialFailure, now: Time) {
        let Some(member) = self.members.get_mut(alias) else { return };
        member.attempt = None;
        log::debug!("could not dial node={} addr={}: {failure:?}", member.id, member.info.addr());
        if self.promote(alias, now) {
            return;
        }
        self.give_up_waiting(alias);
        if *failure == DialFailure::Refused {
            self.note_refused(alias, now);
        }
        self.schedule_redial(alias, now);
    }

    fn on_join_failed(&mut self, join: JoinId, failure: DialFailure, now: Time) {
        self.clear_seed_attempts(now);
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        let to = attempt.endpoint.to_string();
        let error = match failure {
            DialFailure::Handshake(why) => JoinError::Handshake { to, why },
            DialFailure::Refused => {
                JoinError::Unreachable { to, why: "nobody listens there".into() }
            }
            DialFailure::Unreachable(why) => JoinError::Unreachable { to, why },
        };
        let remembered = attempt.remembered.is_some();
        let handshake = matches!(error, JoinError::Handshake { .. });
        if !attempt.persistent || (handshake && !remembered) {
            return self.end_join(join, Err(error));
        }
        attempt.failures += 1;
        let level = match (remembered, handshake, attempt.failures) {
            (_, true, _) => log::Level::Error,
            (false, false, 1) => log::Level::Warn,
            _ => log::Level::Debug,
        };
        log::log!(level, "{error}; trying again");
        self.schedule_join(join, now);
    }

    fn schedule_join(&mut self, join: JoinId, now: Time) {
        let token = self.next_number();
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        attempt.token = token;
        attempt.dial = None;
        let (failures, remembered) = (attempt.failures, attempt.remembered.is_some());
        // Of the remembered peers one is dialled every `heal` on average.
        let peers = if remembered { u32::try_from(self.joins.len()).unwrap_or(u32::MAX) } else { 1 };
        let cap = self.timing.heal.saturating_mul(peers).min(self.timing.redial_max);
        let delay = self.backoff(failures, cap);
        self.timers.set(now + delay, Timer::Join(join, token));
    }

    /// A greeting of a join ended without a link: the member it stood for can
    /// be dialled by others again.
    pub(super) fn clear_seed_attempts(&mut self, now: Time) {
        let stale = |m: &&mut super::Member| match m.attempt {
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
            if !self.promote(&alias, now) {
                self.schedule_redial(&alias, now);
            }
        }
    }

    /// A node answered a greeting with `Reject`.
    pub(super) fn on_rejected(&mut self, target: &Target, reason: RejectReason, now: Time) {
        if let Target::Member(alias) = target
            && let Some(member) = self.members.get_mut(alias)
        {
            member.attempt = None;
        }
        self.clear_seed_attempts(now);
        match reason {
            RejectReason::NumberTaken if self.may_renumber => self.be_reborn(0, now),
            RejectReason::Outdated { incarnation } => self.be_reborn(incarnation, now),
            RejectReason::AlreadyLinked => self.on_already_linked(target, now),
            RejectReason::Leaving => {
                let failure = DialFailure::Unreachable(reason.to_string());
                self.on_target_failed(target, failure, now);
            }
            RejectReason::Yourself => match target {
                Target::Member(alias) => self.bury(&alias.clone()),
                Target::Join(join) => self.end_self_join(*join),
                Target::Check(..) => {}
            },
            RejectReason::AliasTaken { .. } | RejectReason::NumberTaken => {
                self.on_refused(target, reason, now);
            }
        }
    }

    fn on_already_linked(&mut self, target: &Target, now: Time) {
        match target {
            Target::Member(alias) => {
                if !self.promote(alias, now) {
                    self.schedule_redial(alias, now);
                }
            }
            Target::Join(join) => self.finish_join(*join),
            Target::Check(..) => {}
        }
    }

    fn end_self_join(&mut self, join: JoinId) {
        let to = self.joins.get(&join).map(|a| a.endpoint.to_string()).unwrap_or_default();
        self.end_join(join, Err(JoinError::Yourself { to }));
    }

    fn on_refused(&mut self, target: &Target, reason: RejectReason, now: Time) {
        let alone = self.is_alone();
        let by = match target {
            Target::Member(alias) => {
                self.schedule_redial(alias, now);
                alias.to_string()
            }
            Target::Join(join) => {
                self.joins.get(join).map(|a| a.endpoint.to_string()).unwrap_or_default()
            }
            Target::Check(..) => return,
        };
        log::error!("refused by={by}: {reason}");
        self.push(Action::Emit(Event::Refused { by: by.clone(), reason: reason.clone(), alone }));
        if let Target::Join(join) = target {
            let remembered = self.joins.get(join).is_some_and(|a| a.remembered.is_some());
            if remembered && !alone {
                self.schedule_join(*join, now);
            } else {
                self.end_join(*join, Err(JoinError::Refused { by, reason }));
            }
        }
    }

    /// A greeting was answered by `alias`, which named others.
    pub(super) fn finish_greeting(
        &mut self,
        target: &Target,
        alias: &NodeAlias,
        named: Vec<NodeAlias>,
        now: Time,
    ) {
        match target {
            // Another node than expected may live at that address now.
            Target::Member(expected) if expected != alias => {
                if let Some(member) = self.members.get_mut(expected) {
                    member.attempt = None;
                }
                self.schedule_redial(expected, now);
            }
            Target::Member(_) | Target::Check(..) => {}
            Target::Join(join) => {
                let Some(attempt) = self.joins.get_mut(join) else { return };
                attempt.seed = Some(alias.clone());
                attempt.waiting = named.into_iter().collect();
                if attempt.waiting.is_empty() {
                    self.finish_join(*join);
                } else {
                    let most = self.timing.dial_timeout + self.timing.greet_timeout;
                    self.timers.set(now + most, Timer::JoinOver(*join));
                }
            }
        }
    }

    /// A member was linked: joins that waited for it, or were looking for it,
    /// have one thing less to wait for.
    pub(super) fn resolve_waiting(&mut self, alias: &NodeAlias) {
        self.joins.retain(|_, attempt| {
            let found = attempt.remembered.as_ref().is_some_and(|peer| peer.alias == *alias);
            !(found && attempt.dial.is_none())
        });
        self.stop_waiting(alias, true);
    }

    /// The first dial of a member failed: joins need not wait for it.
    fn give_up_waiting(&mut self, alias: &NodeAlias) {
        self.stop_waiting(alias, false);
    }

    fn stop_waiting(&mut self, alias: &NodeAlias, linked: bool) {
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

    /// A join has reached its seed; what is still missing is named.
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

    fn end_join(&mut self, join: JoinId, outcome: Result<JoinReport, JoinError>) {
        if let Some(attempt) = self.joins.remove(&join)
            && attempt.remembered.is_none()
        {
            self.push(Action::Joined { join, outcome });
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
        if !member.is_wanted() || member.attempt.is_some() {
            return;
        }
        member.failures = member.failures.saturating_add(1);
        member.token = token;
        let (failures, suspect) = (member.failures, member.state == State::Suspect);
        // Others may still reach a suspect; it is worth more effort.
        let cap = if suspect { self.timing.incumbent_probe } else { self.timing.redial_max };
        let delay = self.backoff(failures, cap);
        self.timers.set(now + delay, Timer::Redial(alias.clone(), token));
    }

    /// Dials the unreachable member that was dialled longest ago: however far
    /// the others' pauses have grown, two halves of a cluster meet again soon.
    pub(super) fn heal(&mut self, now: Time) {
        let wanted = self.members.values().filter(|m| m.is_wanted() && m.attempt.is_none());
        let alias = wanted.min_by_key(|m| m.dialled).map(|m| m.id.alias.clone());
        if let Some(alias) = alias {
            self.dial_member(&alias, now);
        }
        self.timers.set(now + self.timing.heal, Timer::Heal);
    }

    /// Exponential back-off: doubled at each failure up to `cap`, and between
    /// three quarters and the whole of that, so that nodes do not keep step.
    fn backoff(&mut self, failures: u32, cap: Duration) -> Duration {
        let exponent = failures.saturating_sub(1).min(20);
        let whole = self.timing.redial_min.saturating_mul(1 << exponent).min(cap);
        let jitter = u32::try_from(self.rng.below(256)).unwrap_or(0);
        whole * 3 / 4 + whole / 4 * jitter / 256
    }

    /// Tells the driver whom to remember for the next start.
    pub(super) fn save_peers(&mut self) {
        let members = self.members.values().filter(|m| m.state != State::Left);
        let mut peers: Vec<NodeInfo> = members.map(|m| m.info.clone()).collect();
        for peer in self.joins.values().filter_map(|join| join.remembered.as_ref()) {
            if !self.members.contains_key(&peer.alias) {
                peers.push(peer.clone());
            }
        }
        peers.sort();
        self.push(Action::SavePeers(peers));
    }

    pub(super) fn on_closed(&mut self, conn: ConnId, now: Time) {
        let Some(Conn { stage, .. }) = self.conns.get(&conn) else { return };
        match stage {
            Stage::Greeting(target) => {
                let target = target.clone();
                self.conns.remove(&conn);
                let failure = DialFailure::Unreachable("the connection was closed".into());
                self.on_target_failed(&target, failure, now);
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
