//! Joins: dials of addresses, of which only the address is known, until a node
//! there has answered. They are given by the operator, or remembered from an
//! earlier run. What they come to is in `join_end`.

use std::net::SocketAddr;

use iridium_proto::{Hello, IridiumMessage, Join, MAX_VERSION, NodeAlias, NodeInfo};

use crate::cause::Cause;
use crate::endpoint::Endpoint;
use crate::error::JoinError;
use crate::ids::{ConnId, DialId, JoinId};

use super::conn::{Conn, DialPurpose, Stage};
use super::core::Membership;
use super::interface::{Action, Time};
use super::join_attempt::{JoinAttempt, JoinKind};
use super::member::{Attempt, Member};
use super::timer::Timer;

/// Dials for joins that may be under way before another join has to wait. Whoever names a few
/// dozen seeds has all of them tried at once; a node that remembers a thousand peers does not need
/// a thousand threads for it.
const MAX_DIALS: usize = 64;

impl Membership {
    /// Joins the cluster of the node at `endpoint`. A `persistent` join is repeated
    /// until that node answers; any other fails with its first round. The outcome is
    /// reported by [`Action::Joined`].
    pub fn join(&mut self, endpoint: Endpoint, persistent: bool, now: Time) -> JoinId {
        let kind = if persistent { JoinKind::Seed } else { JoinKind::Asked };
        self.start_join(endpoint, kind, now)
    }

    /// Dials a peer that is remembered from an earlier run.
    pub(super) fn rejoin(&mut self, peer: NodeInfo, now: Time) {
        if peer.alias != self.me.id.alias {
            let endpoint = Endpoint::Addr(peer.addr());
            self.start_join(endpoint, JoinKind::Remembered(peer), now);
        }
    }

    fn start_join(&mut self, endpoint: Endpoint, kind: JoinKind, now: Time) -> JoinId {
        let join = JoinId(self.next_number());
        self.joins.insert(join, JoinAttempt::new(endpoint, kind));
        if self.leaving {
            self.end_join(join, Err(JoinError::Stopped));
        } else {
            self.begin_round(join, now);
        }
        join
    }

    /// Tries every address of a join once. A name is looked up anew in each round.
    pub(super) fn begin_round(&mut self, join: JoinId, now: Time) {
        let token = self.next_number();
        let dials = self.dials.values().filter(|dial| matches!(dial, DialPurpose::Join(..)));
        let has_room = dials.count() < MAX_DIALS;
        // What is looked up already goes on as it is.
        let Some(attempt) = self.joins.get_mut(&join).filter(|attempt| !attempt.looking_up) else {
            return;
        };
        if attempt.remembered().is_some() && now >= self.timing.forget_after {
            self.joins.remove(&join);
            return self.save_peers(now);
        }
        attempt.begin_round();
        if !has_room {
            attempt.token = token;
            return self.timers.set(now + self.timing.redial_min, Timer::Join(join, token));
        }
        match attempt.endpoint.clone() {
            Endpoint::Addr(addr) => self.dial_addresses(join, vec![addr], now),
            Endpoint::Name { host, port } => {
                attempt.token = token;
                attempt.looking_up = true;
                self.timers.set(now + self.timing.dial_timeout, Timer::LookUp(join, token));
                self.push(Action::LookUp { join, host, port });
            }
        }
    }

    pub(super) fn on_join_due(&mut self, join: JoinId, token: u64, now: Time) {
        if self.joins.get(&join).is_some_and(|attempt| attempt.token == token) {
            self.begin_round(join, now);
        }
    }

    /// The system has looked up the name of a join.
    pub(super) fn on_looked_up(
        &mut self,
        join: JoinId,
        outcome: Result<Vec<SocketAddr>, Cause>,
        now: Time,
    ) {
        let Some(attempt) = self.joins.get_mut(&join).filter(|attempt| attempt.looking_up) else {
            return;
        };
        attempt.looking_up = false;
        attempt.token = 0;
        let why = match outcome {
            Ok(addrs) if addrs.is_empty() => "the name has no address".into(),
            Ok(addrs) => return self.dial_addresses(join, addrs, now),
            Err(why) => why,
        };
        attempt.failure = Some(JoinError::Unreachable { to: attempt.endpoint.to_string(), why });
        self.advance_join(join, now);
    }

    /// The system takes long to look up the name of a join. It cannot be interrupted, so no other
    /// round begins before it has answered.
    pub(super) fn on_look_up_late(&mut self, join: JoinId, token: u64) {
        let within = self.timing.dial_timeout.as_secs_f32();
        let Some(attempt) = self.joins.get_mut(&join).filter(|a| a.looking_up && a.token == token)
        else {
            return;
        };
        let why = format!("the name was not looked up within {within} s").into();
        let error = JoinError::Unreachable { to: attempt.endpoint.to_string(), why };
        if !attempt.is_seed() {
            return self.end_join(join, Err(error));
        }
        if !std::mem::replace(&mut attempt.tried, true) {
            log::warn!("{error}; waiting for it");
        }
        self.note_seeds();
    }

    fn dial_addresses(&mut self, join: JoinId, addrs: Vec<SocketAddr>, now: Time) {
        for addr in addrs {
            let joined = self.is_joined(join, addr);
            let Some(attempt) = self.joins.get_mut(&join) else { return };
            if attempt.refused.contains_key(&addr) {
                continue;
            }
            if joined {
                self.note_answer(join, addr, None);
                continue;
            }
            attempt.open.insert(addr);
            let dial = DialId(self.next_number());
            self.dials.insert(dial, DialPurpose::Join(join, addr));
            self.push(Action::Dial { dial, to: addr });
        }
        self.advance_join(join, now);
    }

    /// Whether the node that a join would find at the address is linked already.
    pub(super) fn is_joined(&self, join: JoinId, addr: SocketAddr) -> bool {
        let Some(attempt) = self.joins.get(&join) else { return false };
        let alias = attempt.remembered().map(|peer| &peer.alias);
        self.links()
            .any(|(_, member)| Some(&member.id.alias) == alias || member.info.addr() == addr)
    }

    /// A seed is asked for its members. Remembered peers are not: there may be many,
    /// and one list is enough.
    pub(super) fn join_greeting(&self, join: JoinId) -> IridiumMessage {
        let intro = self.me.clone();
        let remembered = self.joins.get(&join).is_some_and(|a| a.remembered().is_some());
        if remembered {
            IridiumMessage::Join(Join { intro })
        } else {
            IridiumMessage::Hello(Hello { intro, version: MAX_VERSION, features: self.features })
        }
    }

    /// Notes the greeting as an attempt of the member with the seed's address, if one
    /// is known, so that a crossing dial of that member is recognised.
    pub(super) fn note_seed_attempt(&mut self, addr: SocketAddr, conn: ConnId) {
        let member = self.members.values_mut().find(|m| m.info.addr() == addr);
        if let Some(member) = member.filter(|m| m.link.is_none() && m.attempt.is_none()) {
            member.attempt = Some(Attempt::Greeting(conn));
        }
    }

    /// Lets a join wait, as this node has taken a new identity again and again.
    pub(super) fn delay_round(&mut self, join: JoinId, now: Time) {
        // What is looked up goes on as it is.
        let Some(attempt) = self.joins.get_mut(&join).filter(|attempt| !attempt.looking_up) else {
            return;
        };
        attempt.begin_round();
        attempt.failures = attempt.failures.max(self.rebirths);
        self.schedule_round(join, now);
    }

    /// Sets the time of the next round.
    pub(super) fn schedule_round(&mut self, join: JoinId, now: Time) {
        let token = self.next_number();
        let Some(attempt) = self.joins.get_mut(&join) else { return };
        attempt.token = token;
        attempt.failures = attempt.failures.saturating_add(1);
        let (failures, remembered) = (attempt.failures, attempt.remembered().is_some());
        // With many remembered peers, one of them is dialled every `heal` on average.
        let peers =
            if remembered { u32::try_from(self.joins.len()).unwrap_or(u32::MAX) } else { 1 };
        let cap = self.timing.heal.saturating_mul(peers).min(self.timing.redial_max);
        let cap = cap.max(self.timing.redial_min.saturating_mul(peers));
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
}
