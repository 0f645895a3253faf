//! Introductions: who becomes a member, by which connection, under which alias.

use iridium_proto::{
    Features, HelloAck, Introduction, IridiumMessage, Members, NodeAlias, NodeId, NodeIp,
    RecordState, RejectReason,
};

use crate::event::Event;
use crate::ids::ConnId;

use super::conn::{Conn, DialPurpose, Stage};
use super::core::Membership;
use super::gossip::Teller;
use super::interface::{Action, DialFailure, Time};
use super::member::{Attempt, Claim, Member, State};
use super::timer::Timer;

/// A node that has introduced itself on a connection that it made.
struct Newcomer {
    conn: ConnId,
    /// The address it comes from.
    remote: NodeIp,
    intro: Introduction,
    /// Whether it sent `Hello`, not `Join`.
    wants_list: bool,
}

/// What to do with an introduction.
enum Verdict {
    Admit,
    Reject(RejectReason),
    /// Hold it until the link it would replace has been asked.
    AskIncumbent(ConnId),
    /// Hold it until this node's own dial to the same member has been answered.
    AwaitOwnDial,
}

impl Membership {
    pub(super) fn on_accepted(
        &mut self,
        conn: ConnId,
        remote: NodeIp,
        first: IridiumMessage,
        now: Time,
    ) {
        let (intro, wants_list) = match first {
            IridiumMessage::Hello(hello) => {
                self.on_features(conn, hello.features);
                (hello.intro, true)
            }
            IridiumMessage::Join(join) => (join.intro, false),
            _ => return self.push(Action::Close { conn, why: "it did not introduce itself" }),
        };
        self.own_undialable = None;
        let intro = intro.seen_from(remote);
        let info = intro.info.clone();
        // One answer is enough: that of the seed or, for a node that comes back without one, of
        // the first among the members.
        let checks = wants_list || self.is_first_of_all_but(&info.alias);
        self.decide(Newcomer { conn, remote, intro, wants_list }, now);
        if checks && self.conns.contains_key(&conn) {
            self.check_dialable(info, now);
        }
    }

    /// Decides on an introduction, for the first time or again after the incumbent was asked.
    fn decide(&mut self, newcomer: Newcomer, now: Time) {
        match self.judge_introduction(&newcomer.intro, now) {
            Verdict::Reject(reason) => self.refuse(newcomer.conn, &newcomer.intro, reason, now),
            Verdict::Admit => self.admit(newcomer, now),
            Verdict::AskIncumbent(link) => self.hold_claim(newcomer, Some(link), now),
            Verdict::AwaitOwnDial => self.hold_claim(newcomer, None, now),
        }
    }

    fn judge_introduction(&self, intro: &Introduction, now: Time) -> Verdict {
        let me = &self.me.id;
        if self.leaving {
            return Verdict::Reject(RejectReason::Leaving);
        }
        if intro.id.alias == me.alias {
            return Verdict::Reject(if intro.id.incarnation == me.incarnation {
                RejectReason::Yourself
            } else {
                self.alias_taken_by_me()
            });
        }
        if !self.is_plausible(intro.id.incarnation) {
            return Verdict::Reject(RejectReason::Outdated(u64::MAX));
        }
        if self.number_is_taken(intro) {
            return Verdict::Reject(RejectReason::NumberTaken);
        }
        let Some(member) = self.members.get(&intro.id.alias) else {
            return Verdict::Admit;
        };
        if let Some(incumbent) = member.link {
            return Verdict::AskIncumbent(incumbent);
        }
        let recent = now.saturating_sub(self.timing.down_after);
        if let Some(later) = member.outdates(&intro.id, recent) {
            return Verdict::Reject(RejectReason::Outdated(later));
        }
        // Both ends dialled: the connection of the smaller id survives.
        let greeting = matches!(member.attempt, Some(Attempt::Greeting(_)));
        if greeting && *me < intro.id {
            return Verdict::AwaitOwnDial;
        }
        Verdict::Admit
    }

    fn alias_taken_by_me(&self) -> RejectReason {
        RejectReason::AliasTaken(self.me().1)
    }

    /// Whether this node or another member has that number: one that was linked keeps it until it is down,
    /// since the pids of its processes begin with it.
    fn number_is_taken(&self, intro: &Introduction) -> bool {
        let NodeId { alias, number, .. } = &intro.id;
        let keeps = |m: &Member| m.link.is_some() || (m.met && m.is_present());
        let has_it = |m: &Member| m.id.number == *number && m.id.alias != *alias && keeps(m);
        *number == self.me.id.number || self.members.values().any(has_it)
    }

    fn refuse(&mut self, conn: ConnId, intro: &Introduction, reason: RejectReason, now: Time) {
        // A node that is among its own seeds tries that again now and then.
        let level = match reason {
            RejectReason::Yourself => log::Level::Debug,
            _ => log::Level::Info,
        };
        if let Some(left_out) = self.log_limits.admit("refused", now) {
            let (id, addr) = (&intro.id, intro.info.addr());
            log::log!(level, "refused node={id} addr={addr}: {reason}{left_out}");
        }
        self.send(conn, IridiumMessage::Reject(reason));
        self.conns.remove(&conn);
        self.push(Action::Close { conn, why: "refused" });
    }

    /// Lets a newcomer wait: until the incumbent link has been asked or, without
    /// one, for the answer to this node's own dial. Only the latest newcomer of an
    /// alias waits.
    fn hold_claim(&mut self, newcomer: Newcomer, incumbent: Option<ConnId>, now: Time) {
        let Newcomer { conn, remote, intro, wants_list } = newcomer;
        let ping = incumbent.map(|link| self.ping(link, now));
        let Some(member) = self.members.get_mut(&intro.id.alias) else { return };
        let same_incarnation = intro.id.incarnation == member.id.incarnation;
        let earlier = member.claim.replace(Claim { candidate: conn, ping });
        if let Some(earlier) = earlier {
            self.close(earlier.candidate, "a later connection of the same node waits");
        }
        if let Some(token) = ping {
            // A link of the same incarnation is only dropped when it has been silent
            // for so long that it would be suspect anyway.
            let timeout = if same_incarnation {
                self.timing.suspect_after
            } else {
                self.timing.incumbent_probe
            };
            self.timers.set(now + timeout, Timer::Incumbent(intro.id.alias.clone(), token));
        }
        self.insert_conn(conn, Stage::Candidate { intro, wants_list }, remote, now);
    }

    /// The incumbent of an alias has answered a heartbeat: the newcomer that claims
    /// its place is rejected.
    pub(super) fn reject_claim(&mut self, alias: &NodeAlias, answered: u64, now: Time) {
        let Some(member) = self.members.get_mut(alias) else { return };
        let Some(claim) =
            member.claim.take_if(|claim| claim.ping.is_some_and(|ping| ping <= answered))
        else {
            return;
        };
        let taken = RejectReason::AliasTaken(member.info.clone());
        let holder = member.id.incarnation;
        let Some(Conn { stage: Stage::Candidate { intro, .. }, .. }) =
            self.conns.remove(&claim.candidate)
        else {
            return;
        };
        let same_incarnation = intro.id.incarnation == holder;
        let reason = if same_incarnation { RejectReason::AlreadyLinked } else { taken };
        self.refuse(claim.candidate, &intro, reason, now);
    }

    /// The incumbent did not answer in time.
    pub(super) fn on_incumbent_over(&mut self, alias: &NodeAlias, token: u64, now: Time) {
        let Some(member) = self.members.get(alias) else { return };
        if member.claim.as_ref().is_none_or(|claim| claim.ping != Some(token)) {
            return;
        }
        if let Some(link) = member.link {
            self.drop_link(link, "it did not answer when another claimed its place", now);
        } else {
            self.reconsider_claim(alias, now);
        }
    }

    /// The place of an alias is free: decides again on the newcomer that waits for
    /// it. Returns whether one has it now, or waits on.
    pub(super) fn reconsider_claim(&mut self, alias: &NodeAlias, now: Time) -> bool {
        let Some(member) = self.members.get_mut(alias) else { return false };
        let Some(claim) = member.claim.take() else { return false };
        let Some(Conn { stage: Stage::Candidate { intro, wants_list }, remote, .. }) =
            self.conns.remove(&claim.candidate)
        else {
            return false;
        };
        self.decide(Newcomer { conn: claim.candidate, remote, intro, wants_list }, now);
        self.members.get(alias).is_some_and(|m| m.link.is_some() || m.claim.is_some())
    }

    /// Makes a newcomer a member and answers it. The link is confirmed by its next message.
    fn admit(&mut self, newcomer: Newcomer, now: Time) {
        let Newcomer { conn, remote, intro, wants_list } = newcomer;
        let alias = intro.id.alias.clone();
        self.has_met = true;
        let (nodes, others) =
            if wants_list { self.present_records(&alias) } else { Default::default() };
        match self.upsert_member(&intro, now).attempt.take() {
            Some(Attempt::Greeting(own)) => self.abandon_greeting(own, now),
            Some(Attempt::Connecting(dial)) => drop(self.dials.remove(&dial)),
            None => {}
        }
        let stage = Stage::Linked { alias: alias.clone(), confirmed: false };
        self.insert_conn(conn, stage, remote, now);
        if let Some(member) = self.members.get_mut(&alias) {
            member.link = Some(conn);
        }
        let ack = HelloAck { intro: self.me.clone(), seen: remote, nodes };
        self.send(conn, IridiumMessage::HelloAck(ack));
        if !others.is_empty() {
            self.send_list(conn, others, false);
        }
        self.timers.set(now + self.timing.greet_timeout, Timer::Greet(conn));
    }

    /// Gives up a greeting of this node's own in favour of the other end's. A join
    /// that it was for is finished by the other link.
    fn abandon_greeting(&mut self, own: ConnId, now: Time) {
        let purpose = match self.conns.get(&own) {
            Some(Conn { stage: Stage::Greeting(purpose), .. }) => purpose.clone(),
            _ => return,
        };
        self.close(own, "the other end's connection was chosen");
        if let DialPurpose::Join(join, addr) = purpose {
            self.on_join_answered(join, addr, None, Vec::new(), now);
        }
    }

    /// Inserts or updates the member that has introduced itself.
    pub(super) fn upsert_member(&mut self, intro: &Introduction, now: Time) -> &mut Member {
        let alias = &intro.id.alias;
        self.digest = None;
        let other = self.members.get(alias).filter(|m| m.id != intro.id);
        let left = other.map(|m| m.left.clone());
        if left.is_some() {
            self.remove_member(alias, now);
        }
        let left = left.flatten();
        let new = || Member { left, ..Member::introduced(intro, now) };
        let member = self.members.entry(alias.clone()).or_insert_with(new);
        member.info = intro.info.clone();
        member.refutation = member.refutation.max(intro.refutation);
        member
    }

    /// Removes a member, with its connections.
    pub(super) fn remove_member(&mut self, alias: &NodeAlias, now: Time) {
        let Some(member) = self.members.remove(alias) else { return };
        self.digest = None;
        if let Some(conn) = member.link {
            if self.is_confirmed(conn) {
                self.push(Action::Unlink { id: member.id.clone(), conn });
            }
            self.close(conn, "a later incarnation took its place");
        }
        if let Some(Attempt::Greeting(conn)) = member.attempt
            && let Some(Stage::Greeting(DialPurpose::Member(_))) =
                self.conns.get(&conn).map(|c| &c.stage)
        {
            // That of a join goes on: it is for an address, whoever listens there.
            self.close(conn, "a later incarnation took its place");
        }
        if let Some(claim) = member.claim {
            self.close(claim.candidate, "a later incarnation took its place");
        }
        if member.announced {
            if let Some(left_out) = self.log_limits.admit("replaced", now) {
                let id = &member.id;
                log::info!(
                    "replaced node={id}: there is a later incarnation of the alias{left_out}"
                );
            }
            self.push(Action::Emit(Event::Down { id: member.id }));
        }
    }

    pub(super) fn on_hello_ack(&mut self, conn: ConnId, ack: HelloAck, now: Time) {
        let Some(Conn { stage: Stage::Greeting(purpose), remote, .. }) = self.conns.get(&conn)
        else {
            return self.protocol_error(conn, "a HelloAck without a greeting", now);
        };
        let (purpose, remote) = (purpose.clone(), *remote);
        let intro = ack.intro.seen_from(remote);
        self.note_own_ip(ack.seen);
        if intro.id.alias == self.me.id.alias {
            // Dialled oneself, or another holder of one's own alias.
            let reason = if intro.id.incarnation == self.me.id.incarnation {
                RejectReason::Yourself
            } else {
                self.alias_taken_by_me()
            };
            self.close(conn, "it has this node's own alias");
            return self.on_rejected(&purpose, reason, now);
        }
        // What refuses those that introduce themselves refuses those that answer.
        if !self.is_plausible(intro.id.incarnation) || self.number_is_taken(&intro) {
            self.close(conn, "it has the number of another, or an incarnation that cannot be");
            let why =
                "the number of the node there is that of another, or its incarnation cannot be";
            return self.on_attempt_failed(&purpose, DialFailure::Unreachable(why.into()), now);
        }
        let alias = intro.id.alias.clone();
        if self.take_ack(conn, &purpose, &intro, now) {
            // Before anyone can send data on it: a control message confirms the link at
            // the other end, which holds data back until then.
            self.ping(conn, now);
            self.establish(conn, &alias, now);
        }
        let teller = Teller { alias: alias.clone(), ip: remote, is_seed: true };
        let named = self.merge_all(&teller, ack.nodes, now);
        if matches!(purpose, DialPurpose::Join(..)) {
            for alias in &named {
                if let Some(member) = self.members.get_mut(alias) {
                    member.named_by_seed = true;
                }
            }
        }
        self.finish_greeting(&purpose, &alias, named, now);
        self.clear_seed_attempts(now);
    }

    /// Makes an answered greeting the link to that member, unless the other
    /// end's own connection is the one to keep.
    fn take_ack(
        &mut self,
        conn: ConnId,
        purpose: &DialPurpose,
        intro: &Introduction,
        now: Time,
    ) -> bool {
        let alias = &intro.id.alias;
        let incumbent = self.members.get(alias).and_then(|m| Some((m.link?, m.id.clone())));
        if let Some((link, id)) = incumbent {
            if id != intro.id {
                self.close(conn, "another incarnation of the alias is linked");
                return false;
            }
            // Both ends dialled. Where nothing has been said on the other
            // connection, that of the smaller id survives; a confirmed one is
            // the choice of both, and this answer was under way when they made it.
            if self.is_confirmed(link) || self.me.id > intro.id {
                self.close(conn, "the other end's connection was chosen");
                return false;
            }
        }
        let recent = now.saturating_sub(self.timing.down_after);
        if self.members.get(alias).and_then(|m| m.outdates(&intro.id, recent)).is_some() {
            self.close(conn, "a later incarnation of the alias is known");
            return false;
        }
        // Taken out first: an earlier incarnation would be removed with its attempt, and this
        // attempt is not part of it.
        let attempt = self.members.get_mut(alias).and_then(|m| m.attempt.take());
        let earlier_link = self.upsert_member(intro, now).link.replace(conn);
        if let Some(earlier) = earlier_link {
            self.close(earlier, "this end's connection was chosen");
        }
        match attempt {
            Some(Attempt::Greeting(other)) if other != conn => self.abandon_greeting(other, now),
            _ => {}
        }
        if let Some(state) = self.conns.get_mut(&conn) {
            state.stage = Stage::Linked { alias: alias.clone(), confirmed: true };
        }
        log::debug!("linked node={} by {purpose:?}", intro.id);
        true
    }

    /// A link is confirmed: both ends have chosen it.
    pub(super) fn establish(&mut self, conn: ConnId, alias: &NodeAlias, now: Time) {
        let Some(member) = self.members.get_mut(alias) else { return };
        let before = member.record();
        let was_up = member.announced;
        member.state = State::Alive;
        member.last_heard = now;
        member.failures = 0;
        member.failure = None;
        member.suspicion = None;
        member.met = true;
        member.left = None;
        member.forgotten_here = false;
        member.elsewhere = None;
        member.announced = true;
        member.token = 0;
        let (id, info) = (member.id.clone(), member.info.clone());
        let claim = member.claim.take();
        self.digest = None;
        self.push(Action::Link { id: id.clone(), conn });
        if !self.features.is_empty() {
            self.send(conn, IridiumMessage::Features(self.features));
        }
        self.push(Action::Emit(if was_up {
            Event::Recovered { id, reconnected: true, link: conn.into() }
        } else {
            Event::Up { id, info, link: conn.into() }
        }));
        if let Some(claim) = claim {
            self.refuse_claim(claim.candidate, now);
        }
        if before.state == RecordState::Down || was_up {
            // It is told that it was suspect or down, so that it can refute that.
            let members = Members { nodes: vec![before], answer: false };
            self.send(conn, IridiumMessage::Members(members));
        }
        self.send_tombstones(conn);
        self.gossip_soon(now);
        self.resolve_waiting(alias, now);
        self.save_peers(now);
    }

    /// The other end of a connection has named the features that it knows.
    pub(super) fn on_features(&mut self, conn: ConnId, theirs: Features) {
        let features = self.features & theirs;
        self.push(Action::Features { conn, features });
    }

    fn refuse_claim(&mut self, candidate: ConnId, now: Time) {
        if let Some(Conn { stage: Stage::Candidate { intro, .. }, .. }) =
            self.conns.remove(&candidate)
        {
            self.refuse(candidate, &intro, RejectReason::AlreadyLinked, now);
        }
    }

    /// A greeting was not answered in time, or an accepted link not confirmed.
    pub(super) fn on_greet_over(&mut self, conn: ConnId, now: Time) {
        match self.conns.get(&conn).map(|c| &c.stage) {
            Some(Stage::Greeting(purpose)) => {
                let purpose = purpose.clone();
                self.close(conn, "it did not answer the greeting in time");
                let failure = DialFailure::Unreachable("no answer in time".into());
                self.on_attempt_failed(&purpose, failure, now);
            }
            Some(Stage::Linked { confirmed: false, .. }) => {
                self.drop_link(conn, "it sent nothing after its introduction", now);
            }
            _ => {}
        }
    }

    pub(super) fn insert_conn(&mut self, conn: ConnId, stage: Stage, remote: NodeIp, now: Time) {
        let state = Conn {
            stage,
            remote,
            last_heard: now,
            pinged_at: None,
            pinged: None,
            silent_since: None,
            silence_timed: false,
            silence_told: false,
            since: now,
            exchanged: None,
            answered: None,
        };
        self.conns.insert(conn, state);
    }

    /// Closes a connection whose other end broke the protocol.
    pub(super) fn protocol_error(&mut self, conn: ConnId, why: &'static str, now: Time) {
        if let Some(left_out) = self.log_limits.admit("protocol error", now) {
            log::warn!("closed conn={}: {why}{left_out}", conn.0);
        }
        self.push(Action::Close { conn, why });
        self.on_closed(conn, now);
    }
}
