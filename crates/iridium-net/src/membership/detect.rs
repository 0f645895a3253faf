//! Failure detection: heartbeats, silent and lost links, and the indirect probes
//! before a member is marked down.

use std::collections::BTreeSet;
use std::time::Duration;

use iridium_proto::{ControlReply, IridiumMessage, NodeAlias, NodeId, PingAck, PingReq, Pong};

use crate::error::HandshakeError;
use crate::event::Event;
use crate::ids::ConnId;

use super::conn::{Conn, Stage};
use super::core::Membership;
use super::interface::{Action, DialFailure, Time};
use super::member::{Member, State};
use super::probe::{Relay, Suspicion};
use super::timer::Timer;

/// One that was never met is remembered, once it is down, for so many times
/// [`suspect_after`](super::timing::Timing::suspect_after): anybody can make up names.
const UNMET_KEPT: u32 = 60;
/// So many that have ended are remembered: anybody that holds the secret can come and go under ever
/// other names.
const MOST_ENDED: usize = 4096;

impl Membership {
    pub(super) fn on_message(&mut self, conn: ConnId, message: IridiumMessage, now: Time) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        state.last_heard = now;
        state.silent_since = None;
        state.silence_told = false;
        match &state.stage {
            Stage::Linked { .. } => self.on_link_message(conn, message, now),
            Stage::Greeting(purpose) => {
                let purpose = purpose.clone();
                match message {
                    IridiumMessage::HelloAck(ack) => self.on_hello_ack(conn, ack, now),
                    IridiumMessage::Reject(reason) => {
                        self.close(conn, "it was refused");
                        self.on_rejected(&purpose, reason, now);
                    }
                    // The address is for control clients alone.
                    IridiumMessage::ControlReply(ControlReply::Failed(why)) => {
                        self.close(conn, "its address is for control clients alone");
                        let failure = DialFailure::Handshake(HandshakeError::ControlOnly(why));
                        self.on_attempt_failed(&purpose, failure, now);
                    }
                    _ => self.protocol_error(conn, "no answer to the greeting", now),
                }
            }
            Stage::Candidate { .. } => {
                self.protocol_error(conn, "it sent a message before it was admitted", now);
            }
        }
    }

    fn on_link_message(&mut self, conn: ConnId, message: IridiumMessage, now: Time) {
        let Some(alias) = self.note_activity(conn, now) else { return };
        match message {
            IridiumMessage::Ping(ping) => {
                let pong = Pong { token: ping.token, digest: self.digest() };
                self.send(conn, IridiumMessage::Pong(pong));
                self.compare_digest(conn, ping.digest, now);
            }
            IridiumMessage::Pong(pong) => self.on_pong(conn, &alias, pong, now),
            IridiumMessage::Members(members) => self.on_members(conn, members, now),
            IridiumMessage::PingReq(request) => self.on_ping_req(conn, &request, now),
            IridiumMessage::PingAck(ack) => self.on_ping_ack(conn, ack, now),
            IridiumMessage::Features(theirs) => self.on_features(conn, theirs),
            IridiumMessage::Leave => self.on_left(&alias, true, now),
            IridiumMessage::NotDialable(info) => self.on_not_dialable(info, now),
            _ => self.protocol_error(conn, "a message that is not for a link", now),
        }
    }

    /// The member at the other end of a link has sent a message. Returns its alias.
    fn note_activity(&mut self, conn: ConnId, now: Time) -> Option<NodeAlias> {
        let state = self.conns.get_mut(&conn)?;
        let Stage::Linked { alias, confirmed } = &mut state.stage else { return None };
        let first = !std::mem::replace(confirmed, true);
        let alias = alias.clone();
        if first {
            let failed = self.members.get(&alias).filter(|m| m.failure.is_some());
            let doubtful = failed.map(|m| m.info.clone());
            self.establish(conn, &alias, now);
            self.note_round_trip(conn, &alias, now);
            if let Some(info) = doubtful {
                self.check_dialable(info, now);
            }
        }
        let member = self.members.get_mut(&alias)?;
        member.last_heard = now;
        if member.state == State::Suspect {
            self.clear_suspicion(&alias, now);
        }
        Some(alias)
    }

    /// The other end has answered the introduction, which measures the round trip as a heartbeat does.
    fn note_round_trip(&mut self, conn: ConnId, alias: &NodeAlias, now: Time) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        state.pinged_at = Some(now);
        let rtt = now.saturating_sub(state.since);
        if let Some(member) = self.members.get_mut(alias) {
            member.rtt = Some(rtt);
        }
    }

    fn on_pong(&mut self, conn: ConnId, alias: &NodeAlias, pong: Pong, now: Time) {
        let measured = self
            .conns
            .get_mut(&conn)
            .and_then(|state| state.pinged.take_if(|(token, _)| *token == pong.token));
        if let Some((_, sent)) = measured
            && let Some(member) = self.members.get_mut(alias)
        {
            member.rtt = Some(now.saturating_sub(sent));
        }
        self.reject_claim(alias, pong.token, now);
        self.settle_relays(conn, Some(pong.token));
    }

    /// This node did not run for a while, so it cannot have received anything. Of those that are silent
    /// already so much is forgiven; the silence of all others is counted from now.
    pub(super) fn on_starved(&mut self, delay: Time, forgiven: Time, now: Time) {
        log::warn!(
            "this node did not run for {:.1} s; it suspects nobody for the silence meanwhile",
            delay.as_secs_f64()
        );
        for conn in self.conns.values_mut().filter(|conn| conn.silent_since.is_none()) {
            conn.last_heard = now;
        }
        for member in self.members.values_mut().filter(|m| m.is_present()) {
            member.last_heard = match member.suspicion {
                Some(_) => now.min(member.last_heard + forgiven),
                None => now,
            };
        }
    }

    /// Checks how long a link has been silent, and sets the time of the next check.
    pub(super) fn on_silence(&mut self, conn: ConnId, now: Time) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        let Stage::Linked { alias, .. } = &state.stage else { return };
        let Some(since) = state.silent_since else {
            state.silence_timed = false;
            return;
        };
        let alias = alias.clone();
        let suspect_at = since + self.suspect_after();
        let down_at = since + self.timing.down_after;
        if now >= down_at {
            return self.drop_link(conn, "it has been silent for too long", now);
        }
        if now < suspect_at {
            return self.timers.set(suspect_at, Timer::Silence(conn));
        }
        self.timers.set(down_at, Timer::Silence(conn));
        if let Some(member) = self.members.get_mut(&alias).filter(|m| m.suspicion.is_none()) {
            member.last_heard = member.last_heard.max(since);
            self.suspect(&alias, now);
        }
    }

    /// Closes a link from this side.
    pub(super) fn drop_link(&mut self, conn: ConnId, why: &'static str, now: Time) {
        self.push(Action::Close { conn, why });
        self.link_lost(conn, now);
    }

    /// A link has ended without `Leave`.
    pub(super) fn link_lost(&mut self, conn: ConnId, now: Time) {
        let Some(Conn { stage: Stage::Linked { alias, confirmed }, silent_since, .. }) =
            self.conns.remove(&conn)
        else {
            return;
        };
        self.settle_relays(conn, None);
        let Some(member) = self.members.get_mut(&alias) else { return };
        if member.link != Some(conn) {
            return;
        }
        member.link = None;
        // Perhaps it was not asked for long.
        let asked = silent_since.unwrap_or(now.saturating_sub(self.timing.heartbeat));
        member.last_heard = member.last_heard.max(asked);
        let id = member.id.clone();
        // Also by an unconfirmed link that took the place of one which was.
        let was_alive = confirmed || member.state == State::Alive;
        self.digest = None;
        if confirmed {
            self.push(Action::Unlink { id, conn });
        }
        if self.reconsider_claim(&alias, now) {
            return;
        }
        if was_alive {
            self.suspect(&alias, now);
            self.dial_member(&alias, now);
        } else {
            self.await_link(&alias, now);
            self.schedule_redial(&alias, now);
        }
    }

    /// A member that is not linked is doubted after a while, so that one which ended while it was
    /// being introduced does not stay for ever.
    pub(super) fn await_link(&mut self, alias: &NodeAlias, now: Time) {
        let Some(member) = self.members.get(alias) else { return };
        if member.is_present() && member.suspicion.is_none() {
            let timer = Timer::Unmet(alias.clone(), member.id.incarnation);
            self.timers.set(now + self.timing.suspect_after, timer);
        }
    }

    pub(super) fn on_unmet(&mut self, alias: &NodeAlias, incarnation: u64, now: Time) {
        let waits = |m: &Member| {
            m.id.incarnation == incarnation
                && m.is_present()
                && m.link.is_none()
                && m.suspicion.is_none()
        };
        let Some(member) = self.members.get(alias).filter(|m| waits(m)) else { return };
        let began = member.dialled.unwrap_or_default();
        let lasts = member.failures == 0 || began + self.timing.suspect_after <= now;
        if member.attempt.is_some() && lasts {
            // It is not known yet whether it answers: this node may be busy. A dial that has followed
            // another one says nothing: there is nearly always one on its way to who does not answer.
            self.await_link(alias, now);
        } else {
            self.suspect(alias, now);
        }
    }

    /// Makes a member suspect.
    fn suspect(&mut self, alias: &NodeAlias, now: Time) {
        let Some(member) = self.members.get_mut(alias) else { return };
        if member.state == State::Alive {
            member.state = State::Suspect;
            let id = member.id.clone();
            if let Some(left_out) = self.log_limits.admit("suspect", now) {
                log::info!("suspect node={id}{left_out}");
            }
            self.push(Action::Emit(Event::Suspect { id }));
        }
        self.probe_indirectly(alias, now);
    }

    /// A suspect member answers again, on the link that it had.
    fn clear_suspicion(&mut self, alias: &NodeAlias, now: Time) {
        let Some(member) = self.members.get_mut(alias) else { return };
        let Some(conn) = member.link else { return };
        member.state = State::Alive;
        member.suspicion = None;
        let id = member.id.clone();
        if let Some(left_out) = self.log_limits.admit("recovered", now) {
            log::info!("recovered node={id}{left_out}");
        }
        let link = conn.into();
        self.push(Action::Emit(Event::Recovered { id, reconnected: false, link }));
    }

    /// Asks a few members, chosen at random, whether they reach a suspect one.
    fn probe_indirectly(&mut self, alias: &NodeAlias, now: Time) {
        let token = self.next_number();
        let Some(target) = self.members.get(alias).map(|m| m.id.clone()) else { return };
        let mut others: Vec<ConnId> = self
            .links()
            .filter(|(_, m)| m.id.alias != *alias && m.state == State::Alive)
            .map(|(conn, _)| conn)
            .collect();
        let mut asked = BTreeSet::new();
        for _ in 0..self.timing.probes.min(others.len()) {
            let conn = others.swap_remove(self.rng.below(others.len()));
            asked.insert(conn);
            let request = PingReq { token, target: target.clone() };
            self.send(conn, IridiumMessage::PingReq(request));
        }
        let Some(member) = self.members.get_mut(alias) else { return };
        let refused = member.suspicion.as_ref().is_some_and(|suspicion| suspicion.refused);
        let (reached, unreached) = (0, 0);
        member.suspicion = Some(Suspicion { token, asked, reached, unreached, refused });
        let end = (member.last_heard + self.timing.down_after).max(now);
        let again = (now + self.timing.probe_round()).min(end);
        self.timers.set(again, Timer::SuspicionOver(alias.clone(), token));
        let over = now + self.timing.probe_timeout;
        self.timers.set(over, Timer::ProbeOver(alias.clone(), token));
    }

    pub(super) fn on_ping_req(&mut self, conn: ConnId, request: &PingReq, now: Time) {
        let token = request.token;
        let link = self
            .members
            .get(&request.target.alias)
            .filter(|m| m.id.incarnation == request.target.incarnation)
            .and_then(|m| m.link);
        let Some(target) = link else {
            let ack = PingAck { token, reached: false };
            return self.send(conn, IridiumMessage::PingAck(ack));
        };
        if let Some(relay) = self.relays.get_mut(&(target, conn)) {
            relay.asked = token;
            return self.answer_relay(conn, target);
        }
        let ping = self.ping(target, now);
        self.relays.insert((target, conn), Relay { asked: token, ping, reached: None });
        self.timers.set(now + self.timing.probe_timeout, Timer::RelayOver(conn, target));
    }

    /// Answers the node that has asked, if it is known what to.
    fn answer_relay(&mut self, asker: ConnId, target: ConnId) {
        let Some(relay) = self.relays.get(&(target, asker)) else { return };
        if let Some(reached) = relay.reached
            && self.conns.contains_key(&asker)
        {
            let ack = PingAck { token: relay.asked, reached };
            self.send(asker, IridiumMessage::PingAck(ack));
        }
    }

    /// A member has answered pings up to that token, or its link is lost: those that have asked about
    /// it are told.
    fn settle_relays(&mut self, target: ConnId, answered: Option<u64>) {
        let mut settled = Vec::new();
        // Only those: where hundreds ask about hundreds, there is an answer for each.
        let its = (target, ConnId(u64::MIN))..=(target, ConnId(u64::MAX));
        for (&(_, asker), relay) in self.relays.range_mut(its) {
            let is_answered = answered.is_none_or(|token| relay.ping <= token);
            if relay.reached.is_none() && is_answered {
                relay.reached = Some(answered.is_some());
                settled.push(asker);
            }
        }
        for asker in settled {
            self.answer_relay(asker, target);
        }
    }

    /// The time of a probe for another is over: without an answer, the member was not reached.
    pub(super) fn end_relay(&mut self, asker: ConnId, target: ConnId) {
        if let Some(relay) = self.relays.get_mut(&(target, asker))
            && relay.reached.is_none()
        {
            relay.reached = Some(false);
            self.answer_relay(asker, target);
        }
        self.relays.remove(&(target, asker));
    }

    fn on_ping_ack(&mut self, conn: ConnId, ack: PingAck, now: Time) {
        let asked = |s: &Suspicion| s.token == ack.token && s.asked.contains(&conn);
        let Some(member) =
            self.members.values_mut().find(|m| m.suspicion.as_ref().is_some_and(asked))
        else {
            return;
        };
        let alias = member.id.alias.clone();
        let Some(suspicion) = &mut member.suspicion else { return };
        suspicion.asked.remove(&conn);
        match ack.reached {
            true => suspicion.reached += 1,
            false => suspicion.unreached += 1,
        }
        self.weigh_answers(&alias, now);
    }

    /// More is known of whether others reach a suspect member.
    fn weigh_answers(&mut self, alias: &NodeAlias, now: Time) {
        let Some(member) = self.members.get_mut(alias) else { return };
        if !member.suspicion.as_ref().is_some_and(Suspicion::is_reached) {
            return self.check_suspicion(alias, now);
        }
        member.last_heard = now;
        let link = member.link;
        match link {
            Some(conn) if self.is_confirmed(conn) => self.clear_suspicion(alias, now),
            // Its next message says whether it is a link.
            Some(_) => {}
            None => self.warn_of_address(alias, now),
        }
    }

    pub(super) fn on_probe_over(&mut self, alias: &NodeAlias, token: u64, now: Time) {
        let Some(member) = self.members.get_mut(alias) else { return };
        let waits =
            |suspicion: &&mut Suspicion| suspicion.token == token && !suspicion.asked.is_empty();
        if let Some(suspicion) = member.suspicion.as_mut().filter(waits) {
            suspicion.asked.clear();
            self.weigh_answers(alias, now);
        }
    }

    /// The machine of a member answered that nobody listens at its port.
    pub(super) fn note_refused(&mut self, alias: &NodeAlias, now: Time) {
        let undoubted =
            |m: &Member| m.state == State::Known && m.link.is_none() && m.suspicion.is_none();
        if self.members.get(alias).is_some_and(undoubted) {
            self.suspect(alias, now);
        }
        if let Some(suspicion) = self.members.get_mut(alias).and_then(|m| m.suspicion.as_mut()) {
            suspicion.refused = true;
            self.check_suspicion(alias, now);
        }
    }

    /// Marks a member down early when its machine refuses connections and nobody
    /// reaches it.
    fn check_suspicion(&mut self, alias: &NodeAlias, now: Time) {
        let Some(member) = self.members.get(alias) else { return };
        let is_down = |s: &Suspicion| s.refused && s.asked.is_empty() && !s.is_reached();
        if member.link.is_none() && member.suspicion.as_ref().is_some_and(is_down) {
            self.mark_down(alias, now);
        }
    }

    /// A round of probes of a suspect member is over.
    pub(super) fn on_suspicion_over(&mut self, alias: &NodeAlias, token: u64, now: Time) {
        let Some(member) = self.members.get(alias) else { return };
        if member.suspicion.as_ref().is_none_or(|suspicion| suspicion.token != token) {
            return;
        }
        if now >= member.last_heard + self.timing.down_after {
            self.mark_down(alias, now);
        } else {
            self.probe_indirectly(alias, now);
        }
    }

    /// Marks a member down.
    fn mark_down(&mut self, alias: &NodeAlias, now: Time) {
        let Some(member) = self.members.get(alias) else { return };
        if !member.met {
            log::debug!("gave up node={}: it was never linked, and does not answer", member.id);
        } else if let Some(left_out) = self.log_limits.admit("down", now) {
            log::warn!(
                "down node={}: it does not answer, and none of those asked reaches it{left_out}",
                member.id
            );
        }
        let id = self.retire_member(alias, State::Down, now);
        if let Some(id) = id {
            self.push(Action::Emit(Event::Down { id }));
        }
        self.schedule_redial(alias, now);
        self.save_peers(now);
    }

    /// A member has left: it sent `Leave`, here or to a node that reports it. One of which that is only
    /// reported is dialled now and then, as one that is down.
    pub(super) fn on_left(&mut self, alias: &NodeAlias, said_so: bool, now: Time) {
        let ended = self.retire_member(alias, State::Left, now);
        if let Some(member) = self.members.get_mut(alias) {
            let left = said_so.then(|| (member.id.clone(), now));
            member.left = left.or(member.left.take());
        }
        self.schedule_redial(alias, now);
        if let Some(id) = ended {
            if let Some(left_out) = self.log_limits.admit("left", now) {
                log::info!("left node={id}{left_out}");
            }
            // It may come back if it has not said so itself.
            let event = if said_so { Event::Left { id } } else { Event::Down { id } };
            self.push(Action::Emit(event));
        }
        self.save_peers(now);
    }

    /// Makes a member down, left or forgotten. Returns its id if it was announced as up, so that
    /// its end is to be announced too.
    pub(super) fn retire_member(
        &mut self,
        alias: &NodeAlias,
        state: State,
        now: Time,
    ) -> Option<NodeId> {
        let member = self.members.get_mut(alias)?;
        member.state = state;
        member.ended = now;
        member.suspicion = None;
        member.failures = 0;
        member.token = 0;
        let announced = std::mem::take(&mut member.announced);
        let id = member.id.clone();
        let link = member.link.take();
        self.digest = None;
        if let Some(conn) = link {
            if self.is_confirmed(conn) {
                self.push(Action::Unlink { id: id.clone(), conn });
            }
            self.settle_relays(conn, None);
            self.close(conn, "the member is gone");
        }
        let kept = self.kept_for(alias);
        self.timers.set(now + kept, Timer::Forget(alias.clone()));
        self.make_room_for_ended(now);
        self.reconsider_claim(alias, now);
        announced.then_some(id)
    }

    /// How long one that has ended is remembered: not long, if it was only heard of.
    fn kept_for(&self, alias: &NodeAlias) -> Duration {
        match self.members.get(alias) {
            Some(member) if !member.met => {
                self.timing.suspect_after.saturating_mul(UNMET_KEPT).min(self.timing.forget_after)
            }
            _ => self.timing.forget_after,
        }
    }

    /// Drops the one that ended first, when there are too many, and of those rather one that was only
    /// heard of.
    fn make_room_for_ended(&mut self, now: Time) {
        if self.members.len() <= MOST_ENDED {
            return;
        }
        let ended = || self.members.values().filter(|m| !m.is_present());
        let first = ended().min_by_key(|m| (m.met, m.ended)).map(|m| m.id.alias.clone());
        if let Some(first) = first.filter(|_| ended().count() > MOST_ENDED) {
            self.remove_member(&first, now);
        }
    }

    pub(super) fn on_forget(&mut self, alias: &NodeAlias, now: Time) {
        let kept = self.kept_for(alias);
        let gone = |m: &&Member| !m.is_present() && now >= m.ended + kept;
        if let Some(met) = self.members.get(alias).filter(gone).map(|m| m.met) {
            self.remove_member(alias, now);
            self.peers_changed |= met;
        }
    }
}
