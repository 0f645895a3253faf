//! The state of the membership core, and which part of it each input and each timer goes to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use iridium_proto::{
    Features, Introduction, IridiumMessage, MemberView, NodeAlias, NodeId, NodeInfo, NodeIp,
    NodeNumber, Ping, ViewState,
};

use crate::error::JoinError;
use crate::event::Event;
use crate::ids::{ConnId, DialId, JoinId};
use crate::log_limit::LogLimits;

use super::conn::{Conn, DialPurpose, Stage};
use super::interface::{Action, Input, Start, Time};
use super::join_attempt::JoinAttempt;
use super::member::{Member, State};
use super::probe::Relay;
use super::rng::Rng;
use super::timer::{Timer, Timers};
use super::timing::Timing;

/// The membership core; see the [module documentation](crate::membership).
#[derive(Debug)]
#[must_use]
pub struct Membership {
    pub(super) timing: Timing,
    pub(super) features: Features,
    pub(super) me: Introduction,
    /// The ip that others see, while this node publishes none of its own.
    pub(super) seen_as: Option<NodeIp>,
    pub(super) may_renumber: bool,
    pub(super) members: BTreeMap<NodeAlias, Member>,
    pub(super) conns: BTreeMap<ConnId, Conn>,
    pub(super) dials: BTreeMap<DialId, DialPurpose>,
    pub(super) joins: BTreeMap<JoinId, JoinAttempt>,
    /// Whether this node has ever found another of its cluster.
    pub(super) has_met: bool,
    /// The first refusal for good, until it is reported that there was nothing else.
    pub(super) refusal: Option<JoinError>,
    /// Whether it was said that no seed has answered yet.
    pub(super) said_alone: bool,
    /// By the link of the member that is asked about, and the one on which each was asked for.
    pub(super) relays: BTreeMap<(ConnId, ConnId), Relay>,
    /// When the next heartbeat is due.
    pub(super) heartbeat_at: Time,
    /// How late this node itself has been lately, beyond what is usual.
    pub(super) late: Time,
    pub(super) timers: Timers,
    pub(super) actions: VecDeque<Action>,
    pub(super) rng: Rng,
    /// The last number given to a dial, join, token or ping.
    pub(super) counter: u64,
    /// `None` when the member list has changed since it was computed.
    pub(super) digest: Option<u64>,
    /// When this node last sent its whole list because the digests differed.
    pub(super) exchanged: Option<Time>,
    /// A member is soon asked whether its list is the same.
    pub(super) gossips: bool,
    /// When one of the members that are down is dialled next, and when one was.
    pub(super) revive_at: Option<Time>,
    pub(super) revived: Time,
    /// How often this node has taken a new identity in a short time, and when it last did.
    pub(super) rebirths: u32,
    pub(super) reborn: Time,
    /// When this node has last contradicted a rumour of its end.
    pub(super) refuted: Option<Time>,
    /// Addresses of members that could not be dialled there although they are alive, of which
    /// this node has warned.
    pub(super) undialable: BTreeSet<SocketAddr>,
    /// The published address of this node at which others could not dial it, once it was told so,
    /// until one could.
    pub(super) own_undialable: Option<(SocketAddr, Time)>,
    pub(super) leaving: bool,
    /// The peers that are remembered for the next start have changed.
    pub(super) peers_changed: bool,
    /// When they were last saved.
    pub(super) saved: Option<Time>,
    pub(super) log_limits: LogLimits,
}

impl Membership {
    /// Starts a node. It dials the peers that it remembers.
    pub fn new(start: Start, now: Time) -> Self {
        let mut core = Self {
            timing: start.timing,
            features: start.features,
            me: start.intro,
            seen_as: None,
            may_renumber: start.may_renumber,
            members: BTreeMap::new(),
            conns: BTreeMap::new(),
            dials: BTreeMap::new(),
            joins: BTreeMap::new(),
            has_met: false,
            refusal: None,
            said_alone: false,
            relays: BTreeMap::new(),
            heartbeat_at: Time::ZERO,
            late: Time::ZERO,
            timers: Timers::default(),
            actions: VecDeque::new(),
            rng: Rng::new(start.seed),
            counter: 0,
            digest: None,
            exchanged: None,
            gossips: false,
            revive_at: None,
            revived: Time::ZERO,
            rebirths: 0,
            reborn: Time::ZERO,
            refuted: None,
            undialable: BTreeSet::new(),
            own_undialable: None,
            leaving: false,
            peers_changed: false,
            saved: None,
            log_limits: LogLimits::default(),
        };
        core.await_heartbeat(now);
        core.timers.set(now + core.timing.heal, Timer::Heal);
        for peer in start.remembered {
            core.rejoin(peer, now);
        }
        core
    }

    /// Handles something that happened outside.
    pub fn handle(&mut self, input: Input, now: Time) {
        match input {
            Input::Connected { dial, conn, remote } => self.on_connected(dial, conn, remote, now),
            Input::DialFailed { dial, failure } => self.on_dial_failed(dial, failure, now),
            Input::LookedUp { join, outcome } => self.on_looked_up(join, outcome, now),
            Input::Accepted { conn, remote, local, first } => {
                self.note_own_ip(local);
                self.on_accepted(conn, remote, first, now);
            }
            Input::Message { conn, message } => self.on_message(conn, message, now),
            Input::Closed { conn } => self.on_closed(conn, now),
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Time) {
        // First, so that no timer takes the time in which this node did not run for a silence of others.
        self.forgive_own_delay(now);
        while let Some(timer) = self.timers.pop(now) {
            match timer {
                Timer::Heartbeat => self.on_heartbeat(now),
                Timer::Heal => self.heal(now),
                Timer::Gossip => self.on_gossip(now),
                Timer::Revive => self.on_revive(now),
                Timer::Silence(conn) => self.on_silence(conn, now),
                Timer::Unmet(alias, incarnation) => self.on_unmet(&alias, incarnation, now),
                Timer::Greet(conn) => self.on_greet_over(conn, now),
                Timer::Incumbent(alias, token) => self.on_incumbent_over(&alias, token, now),
                Timer::Redial(alias, token) => self.on_redial(&alias, token, now),
                Timer::ProbeOver(alias, token) => self.on_probe_over(&alias, token, now),
                Timer::SuspicionOver(alias, token) => self.on_suspicion_over(&alias, token, now),
                Timer::RelayOver(asker, target) => self.end_relay(asker, target),
                Timer::Join(join, token) => self.on_join_due(join, token, now),
                Timer::LookUp(join, token) => self.on_look_up_late(join, token),
                Timer::JoinOver(join) => self.on_join_over(join, now),
                Timer::Forget(alias) => self.on_forget(&alias, now),
            }
        }
    }

    /// The next action for the driver, if any.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Says whether this node may still take another number.
    pub fn may_renumber(&mut self, may: bool) {
        self.may_renumber = may;
    }

    /// Sends `Leave` on every link and closes all connections. Afterwards the core
    /// does nothing any more.
    pub fn leave(&mut self) {
        self.leaving = true;
        self.drop_all_connections("this node leaves");
        if self.peers_changed {
            let peers = self.peers();
            self.push(Action::SavePeers(peers));
        }
        self.joins.clear();
        self.timers = Timers::default();
    }

    /// Who this node is, with the address that others use for it as far as known.
    #[must_use]
    pub fn me(&self) -> (NodeId, NodeInfo) {
        let intro = self.me.clone();
        let intro = self.seen_as.map_or(intro.clone(), |ip| intro.seen_from(ip));
        (intro.id, intro.info)
    }

    /// Another node has dialled this one at an address, or seen it come from it. A
    /// loopback address gives way to any other.
    pub(super) fn note_own_ip(&mut self, ip: NodeIp) {
        if self.seen_as.is_none_or(|known| known.0.is_loopback()) {
            self.seen_as = Some(ip);
        }
    }

    /// This node, then all others that it knows of and that are not forgotten, by alias.
    #[must_use]
    pub fn view(&self) -> Vec<MemberView> {
        let (id, info) = self.me();
        let myself = MemberView { info, id, state: ViewState::Myself, rtt_us: None };
        std::iter::once(myself).chain(self.members.values().filter_map(Member::view)).collect()
    }

    /// Takes a larger incarnation and, if it may, another number, and dials its peers
    /// anew: its number was taken, or a later incarnation of its alias is known. When that
    /// happens again and again, the pauses before the dials grow.
    pub(super) fn change_identity(&mut self, at_least: u64, now: Time) {
        self.drop_all_connections("this node takes a new identity");
        let rested = now >= self.reborn + self.timing.redial_max;
        self.rebirths = if rested { 1 } else { self.rebirths.saturating_add(1) };
        self.reborn = now;
        self.me.id.incarnation = self.me.id.incarnation.max(at_least).saturating_add(1);
        if self.may_renumber {
            self.me.id.number = NodeNumber::from_random(self.rng.next());
        }
        self.me.refutation = 0;
        self.digest = None;
        self.push(Action::IdentityChanged(self.me.id.clone()));
        let aliases: Vec<NodeAlias> = self.members.keys().cloned().collect();
        let earlier = self.rebirths - 1;
        for alias in aliases {
            if let Some(member) = self.members.get_mut(&alias) {
                member.failures = member.failures.max(earlier);
                member.last_heard = now;
            }
            self.await_link(&alias, now);
            self.schedule_redial(&alias, now);
        }
        let joins: Vec<JoinId> = self.joins.keys().copied().collect();
        for join in joins {
            if earlier == 0 {
                self.begin_round(join, now);
            } else {
                self.delay_round(join, now);
            }
        }
    }

    /// Sends `Leave` on every link and drops every connection and dial.
    pub(super) fn drop_all_connections(&mut self, why: &'static str) {
        self.dials.clear();
        for (conn, state) in std::mem::take(&mut self.conns) {
            if let Stage::Linked { alias, confirmed } = state.stage {
                self.push(Action::Send { conn, message: IridiumMessage::Leave });
                if let Some(member) = self.members.get(&alias).filter(|_| confirmed) {
                    let id = member.id.clone();
                    self.push(Action::Unlink { id, conn });
                }
            }
            self.push(Action::Close { conn, why });
        }
        let mut lost = Vec::new();
        for member in self.members.values_mut() {
            member.link = None;
            member.attempt = None;
            member.claim = None;
            member.suspicion = None;
            if member.is_present() {
                member.state = State::Known;
            }
            if std::mem::take(&mut member.announced) {
                lost.push(member.id.clone());
            }
        }
        for id in lost {
            self.push(Action::Emit(Event::Down { id }));
        }
    }

    pub(super) fn push(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    pub(super) fn send(&mut self, conn: ConnId, message: IridiumMessage) {
        self.push(Action::Send { conn, message });
    }

    /// Closes a connection, whatever its stage.
    pub(super) fn close(&mut self, conn: ConnId, why: &'static str) {
        if self.conns.remove(&conn).is_some() {
            self.push(Action::Close { conn, why });
        }
    }

    pub(super) fn ping(&mut self, conn: ConnId, now: Time) -> u64 {
        let token = self.next_number();
        let digest = self.digest();
        if let Some(state) = self.conns.get_mut(&conn) {
            // On a slow line several heartbeats are unanswered; the first is measured.
            state.pinged.get_or_insert((token, now));
            state.pinged_at = Some(now);
            // It may have been silent for long because nobody has asked.
            self.watch_silence(conn, now.saturating_sub(self.timing.heartbeat));
        }
        self.send(conn, IridiumMessage::Ping(Ping { token, digest }));
        token
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// The confirmed links, each with its member.
    pub(super) fn links(&self) -> impl Iterator<Item = (ConnId, &Member)> {
        self.members.values().filter_map(|member| {
            let conn = member.link?;
            self.is_confirmed(conn).then_some((conn, member))
        })
    }

    pub(super) fn is_confirmed(&self, conn: ConnId) -> bool {
        matches!(
            self.conns.get(&conn),
            Some(Conn { stage: Stage::Linked { confirmed: true, .. }, .. })
        )
    }

    pub(super) fn is_alone(&self) -> bool {
        self.links().next().is_none()
    }

    /// Whether this node has the smallest id of those that are linked, but for one.
    pub(super) fn is_first_of_all_but(&self, alias: &NodeAlias) -> bool {
        self.links().all(|(_, m)| m.id.alias == *alias || self.me.id < m.id)
    }

    /// Members linked, this node included.
    pub(super) fn linked_count(&self) -> usize {
        1 + self.links().count()
    }
}
