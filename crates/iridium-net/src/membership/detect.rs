//! Who answers and who does not: heartbeats, silence, lost links, and the
//! questions put to others before a member is given up.

use iridium_proto::{ControlReply, IridiumMessage, NodeAlias, NodeId, PingAck, PingReq, Pong};

use crate::event::Event;
use crate::ids::ConnId;

use super::conn::{Conn, Stage};
use super::core::Membership;
use super::interface::{Action, DialFailure, Time};
use super::member::{Member, State};
use super::probe::{Doubt, Relay};
use super::timer::Timer;

impl Membership {
    pub(super) fn on_message(&mut self, conn: ConnId, message: IridiumMessage, now: Time) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        state.heard = now;
        match &state.stage {
            Stage::Linked { .. } => self.on_link_message(conn, message, now),
            Stage::Greeting(target) => {
                let target = target.clone();
                match message {
                    IridiumMessage::HelloAck(ack) => self.on_hello_ack(conn, ack, now),
                    IridiumMessage::Reject(reason) => {
                        self.close(conn, "it was refused");
                        self.on_rejected(&target, reason, now);
                    }
                    // It lets control clients in there, not nodes.
                    IridiumMessage::ControlReply(ControlReply::Failed(why)) => {
                        self.close(conn, "it takes no nodes there");
                        self.on_target_failed(&target, DialFailure::Handshake(why), now);
                    }
                    _ => self.protocol_error(conn, "no answer to the greeting", now),
                }
            }
            Stage::Candidate { .. } => {
                self.protocol_error(conn, "it spoke before it was admitted", now);
            }
        }
    }

    fn on_link_message(&mut self, conn: ConnId, message: IridiumMessage, now: Time) {
        let Some(alias) = self.heard(conn, now) else { return };
        match message {
            IridiumMessage::Ping(ping) => {
                let pong = Pong { token: ping.token, digest: self.digest() };
                self.send(conn, IridiumMessage::Pong(pong));
                self.compare_digest(conn, ping.digest, now);
            }
            IridiumMessage::Pong(pong) => self.on_pong(conn, &alias, pong, now),
            IridiumMessage::Members(members) => self.on_members(conn, members, now),
            IridiumMessage::PingReq(request) => self.on_ping_req(conn, &request, now),
            IridiumMessage::PingAck(ack) => self.on_ping_ack(ack, now),
            IridiumMessage::Features(theirs) => self.on_features(conn, theirs),
            IridiumMessage::Leave => self.on_left(&alias, now),
            IridiumMessage::NotDialable(info) => {
                log::error!(
                    "other nodes cannot dial this node at {}; tell them where with --advertise HOST:PORT",
                    info.addr()
                );
                self.push(Action::Emit(Event::NotDialable { info }));
            }
            _ => self.protocol_error(conn, "a message that has no place on a link", now),
        }
    }

    /// The member behind a link has said something. Returns its alias.
    fn heard(&mut self, conn: ConnId, now: Time) -> Option<NodeAlias> {
        let state = self.conns.get_mut(&conn)?;
        let Stage::Linked { alias, confirmed } = &mut state.stage else { return None };
        let first = !std::mem::replace(confirmed, true);
        let alias = alias.clone();
        if first {
            self.establish(conn, &alias, now);
        }
        let member = self.members.get_mut(&alias)?;
        member.heard = now;
        if member.state == State::Suspect {
            self.clear(&alias);
        }
        Some(alias)
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
        self.defend(alias, pong.token);
        let answered = |r: &Relay| r.target == conn && r.ping <= pong.token;
        let relays: Vec<u64> =
            self.relays.iter().filter(|(_, r)| answered(r)).map(|(token, _)| *token).collect();
        for token in relays {
            self.answer_relay(token, true);
        }
    }

    pub(super) fn on_heartbeat(&mut self, due: Time, now: Time) {
        if now > due + self.timing.starved_after {
            self.doubt_oneself(now - due, now);
        }
        let links: Vec<ConnId> = self.members.values().filter_map(|m| m.link).collect();
        for conn in links {
            self.ping(conn, now);
        }
        self.timers.set(now + self.timing.heartbeat, Timer::Heartbeat);
    }

    /// This node did not run for a while, so it cannot have heard anyone:
    /// everyone gets the benefit of the doubt, from now.
    fn doubt_oneself(&mut self, late: Time, now: Time) {
        log::warn!(
            "this node did not run for {:.1} s; it takes nobody's silence as theirs",
            late.as_secs_f64()
        );
        for conn in self.conns.values_mut() {
            conn.heard = now;
        }
        for member in self.members.values_mut().filter(|m| m.is_present()) {
            member.heard = now;
        }
    }

    /// Looks at how long a link has been silent, and when to look again.
    pub(super) fn on_silence(&mut self, conn: ConnId, now: Time) {
        let Some(Conn { stage: Stage::Linked { alias, .. }, heard, .. }) = self.conns.get(&conn)
        else {
            return;
        };
        let (alias, heard) = (alias.clone(), *heard);
        let suspect_at = heard + self.timing.suspect_after;
        let down_at = heard + self.timing.down_after;
        if now >= down_at {
            return self.drop_link(conn, "it has been silent for too long", now);
        }
        if now < suspect_at {
            return self.timers.set(suspect_at, Timer::Silence(conn));
        }
        self.timers.set(down_at, Timer::Silence(conn));
        if self.members.get(&alias).is_some_and(|m| m.doubt.is_none()) {
            self.suspect(&alias, now);
        }
    }

    /// Closes a link from this side.
    pub(super) fn drop_link(&mut self, conn: ConnId, why: &'static str, now: Time) {
        self.push(Action::Close { conn, why });
        self.link_lost(conn, now);
    }

    /// A link is gone and nobody said goodbye.
    pub(super) fn link_lost(&mut self, conn: ConnId, now: Time) {
        let Some(Conn { stage: Stage::Linked { alias, confirmed }, .. }) = self.conns.remove(&conn)
        else {
            return;
        };
        self.fail_relays(conn);
        let Some(member) = self.members.get_mut(&alias) else { return };
        if member.link != Some(conn) {
            return;
        }
        member.link = None;
        let id = member.id.clone();
        self.digest = None;
        if confirmed {
            self.push(Action::Unlink { id, conn });
        }
        if self.promote(&alias, now) {
            return;
        }
        if confirmed {
            self.suspect(&alias, now);
            self.dial_member(&alias, now);
        } else {
            self.schedule_redial(&alias, now);
        }
    }

    /// A member that was alive gives reason for doubt.
    fn suspect(&mut self, alias: &NodeAlias, now: Time) {
        let Some(member) = self.members.get_mut(alias) else { return };
        if member.state == State::Alive {
            member.state = State::Suspect;
            let id = member.id.clone();
            log::info!("suspect node={id}");
            self.push(Action::Emit(Event::Suspect { id }));
        }
        self.ask_others(alias, now);
    }

    /// A suspect member is there after all, on the link it had.
    fn clear(&mut self, alias: &NodeAlias) {
        let Some(member) = self.members.get_mut(alias) else { return };
        let Some(conn) = member.link else { return };
        member.state = State::Alive;
        member.doubt = None;
        let id = member.id.clone();
        log::info!("recovered node={id}");
        let link = conn.into();
        self.push(Action::Emit(Event::Recovered { id, reconnected: false, link }));
    }

    /// Asks a few members, chosen at random, whether they reach a suspect one.
    fn ask_others(&mut self, alias: &NodeAlias, now: Time) {
        let token = self.next_number();
        let Some(target) = self.members.get(alias).map(|m| m.id.clone()) else { return };
        let mut others: Vec<ConnId> = self
            .links()
            .filter(|(_, m)| m.id.alias != *alias && m.state == State::Alive)
            .map(|(conn, _)| conn)
            .collect();
        let asked = self.timing.probes.min(others.len());
        for _ in 0..asked {
            let conn = others.swap_remove(self.rng.below(others.len()));
            let request = PingReq { token, target: target.clone() };
            self.send(conn, IridiumMessage::PingReq(request));
        }
        let Some(member) = self.members.get_mut(alias) else { return };
        let refused = member.doubt.as_ref().is_some_and(|doubt| doubt.refused);
        member.doubt = Some(Doubt { token, unanswered: asked, refused });
        let end = (member.heard + self.timing.down_after).max(now);
        let again = (now + self.timing.suspect_after).min(end);
        self.timers.set(again, Timer::Doubt(alias.clone(), token));
        let over = now + self.timing.probe_timeout;
        self.timers.set(over, Timer::ProbeOver(alias.clone(), token));
    }

    pub(super) fn on_ping_req(&mut self, conn: ConnId, request: &PingReq, now: Time) {
        let link = self
            .members
            .get(&request.target.alias)
            .filter(|m| m.id.incarnation == request.target.incarnation)
            .and_then(|m| m.link);
        let Some(target) = link else {
            let ack = PingAck { token: request.token, reached: false };
            return self.send(conn, IridiumMessage::PingAck(ack));
        };
        let ping = self.ping(target, now);
        let token = self.next_number();
        self.relays.insert(token, Relay { conn, asked: request.token, target, ping });
        self.timers.set(now + self.timing.probe_timeout, Timer::RelayOver(token));
    }

    pub(super) fn answer_relay(&mut self, token: u64, reached: bool) {
        let Some(relay) = self.relays.remove(&token) else { return };
        if self.conns.contains_key(&relay.conn) {
            let ack = PingAck { token: relay.asked, reached };
            self.send(relay.conn, IridiumMessage::PingAck(ack));
        }
    }

    /// The link to a member is lost: whoever asked about it is told so.
    fn fail_relays(&mut self, target: ConnId) {
        let lost: Vec<u64> =
            self.relays.iter().filter(|(_, r)| r.target == target).map(|(t, _)| *t).collect();
        for token in lost {
            self.answer_relay(token, false);
        }
    }

    fn on_ping_ack(&mut self, ack: PingAck, now: Time) {
        let asked = |doubt: &Doubt| doubt.token == ack.token;
        let Some(member) = self.members.values_mut().find(|m| m.doubt.as_ref().is_some_and(asked))
        else {
            return;
        };
        let alias = member.id.alias.clone();
        let linked = member.link.is_some();
        let Some(doubt) = &mut member.doubt else { return };
        if !ack.reached {
            doubt.unanswered = doubt.unanswered.saturating_sub(1);
            return self.judge(&alias, now);
        }
        doubt.refused = false;
        member.heard = now;
        if linked {
            self.clear(&alias);
        }
    }

    pub(super) fn on_probe_over(&mut self, alias: &NodeAlias, token: u64, now: Time) {
        let Some(member) = self.members.get_mut(alias) else { return };
        if let Some(doubt) = member.doubt.as_mut().filter(|doubt| doubt.token == token) {
            doubt.unanswered = 0;
            self.judge(alias, now);
        }
    }

    /// The machine of a member answered that nobody listens at its port.
    pub(super) fn note_refused(&mut self, alias: &NodeAlias, now: Time) {
        if let Some(doubt) = self.members.get_mut(alias).and_then(|m| m.doubt.as_mut()) {
            doubt.refused = true;
            self.judge(alias, now);
        }
    }

    /// Gives a member up early when its machine refuses and nobody reaches it.
    fn judge(&mut self, alias: &NodeAlias, now: Time) {
        let Some(member) = self.members.get(alias) else { return };
        let hopeless = |doubt: &Doubt| doubt.refused && doubt.unanswered == 0;
        if member.link.is_none() && member.doubt.as_ref().is_some_and(hopeless) {
            self.give_up(alias, now);
        }
    }

    /// A suspect member has had some more time.
    pub(super) fn on_doubt(&mut self, alias: &NodeAlias, token: u64, now: Time) {
        let Some(member) = self.members.get(alias) else { return };
        if member.doubt.as_ref().is_none_or(|doubt| doubt.token != token) {
            return;
        }
        if now >= member.heard + self.timing.down_after {
            self.give_up(alias, now);
        } else {
            self.ask_others(alias, now);
        }
    }

    /// A member is down, as far as this node can tell.
    fn give_up(&mut self, alias: &NodeAlias, now: Time) {
        let Some(member) = self.members.get_mut(alias) else { return };
        log::warn!("down node={}: it does not answer, and nobody asked reaches it", member.id);
        let id = self.end_member(alias, State::Down, now);
        if let Some(id) = id {
            self.push(Action::Emit(Event::Down { id }));
        }
        self.schedule_redial(alias, now);
    }

    /// A member said goodbye, to this node or to one that tells of it.
    pub(super) fn on_left(&mut self, alias: &NodeAlias, now: Time) {
        if let Some(id) = self.end_member(alias, State::Left, now) {
            log::info!("left node={id}");
            self.push(Action::Emit(Event::Left { id }));
        }
        self.save_peers();
    }

    /// Takes a member out of the present ones. Returns its id when its coming
    /// had been told, so that its going is to be told too.
    pub(super) fn end_member(
        &mut self,
        alias: &NodeAlias,
        state: State,
        now: Time,
    ) -> Option<NodeId> {
        let member = self.members.get_mut(alias)?;
        member.state = state;
        member.ended = now;
        member.doubt = None;
        member.failures = 0;
        member.token = 0;
        let told = std::mem::take(&mut member.told_up);
        let id = member.id.clone();
        let link = member.link.take();
        self.digest = None;
        if let Some(conn) = link {
            if self.is_confirmed(conn) {
                self.push(Action::Unlink { id: id.clone(), conn });
            }
            self.fail_relays(conn);
            self.close(conn, "the member is gone");
        }
        self.timers.set(now + self.timing.forget_after, Timer::Forget(alias.clone()));
        self.promote(alias, now);
        told.then_some(id)
    }

    pub(super) fn on_forget(&mut self, alias: &NodeAlias, now: Time) {
        let forget_after = self.timing.forget_after;
        let gone = |m: &Member| !m.is_present() && now >= m.ended + forget_after;
        if self.members.get(alias).is_some_and(gone) {
            self.bury(alias);
        }
    }
}
