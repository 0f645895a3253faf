//! Who is a member, as a state machine without I/O.
//!
//! [`Membership`] touches no socket, thread, clock or random source of its own.
//! The [`Manager`](crate::Manager) drives it with real connections, the tests
//! with simulated ones in virtual time. The driver's part of the contract:
//!
//! 1. Call [`handle`](Membership::handle) for each thing that happens,
//!    [`handle_timeout`](Membership::handle_timeout) when
//!    [`poll_timeout`](Membership::poll_timeout) has come, and
//!    [`join`](Membership::join) or [`leave`](Membership::leave) when asked to.
//! 2. After each of these take every [`Action`] from
//!    [`poll_action`](Membership::poll_action), in order, and carry it out.
//! 3. Then ask `poll_timeout` again.
//!
//! `now` never goes back. Connections and dials have numbers that are never
//! used twice. After [`Action::Close`] a connection is gone for the core: what
//! still comes from it is ignored.
//!
//! Two rules carry the protocol. *Hearsay makes a node dial or doubt, nothing
//! more*: a member is alive only through a link of one's own, so a rumour
//! cannot raise the dead. *A claim is held until the incumbent has been asked*:
//! a second connection, or a second holder of an alias, waits until the first
//! has shown that it lives or failed to, so that crossing dials, restarts and
//! duplicate names all come down to the same question. Failure detection with
//! suspicion, indirect probes and refutation follows SWIM (Das, Gupta,
//! Motivala, 2002); unlike SWIM each node watches every other itself, because
//! the mesh is full.

mod admission;
mod detect;
mod dial;
mod gossip;
mod join;
mod member;
mod rng;
mod timer;
mod timing;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use iridium_proto::{
    Features, Introduction, IridiumMessage, MemberView, NodeAlias, NodeId, NodeInfo, NodeIp, Ping,
    ViewState,
};

use crate::endpoint::Endpoint;
use crate::error::JoinError;
use crate::event::{Event, JoinReport};
use detect::Relay;
use dial::Target;
use join::JoinAttempt;
use member::{Member, State};
use rng::Rng;
use timer::{Timer, Timers};

pub use timing::Timing;

/// Time since the start of the node, from a clock that never goes back.
pub type Time = Duration;

/// A connection, numbered by the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// A dial, numbered by the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialId(pub u64);

/// A call of [`Membership::join`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JoinId(pub u64);

/// Why a dial came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialFailure {
    /// The machine answered that nobody listens there.
    Refused,
    /// No connection, for the reason given.
    Unreachable(String),
    /// Someone listens, but the handshake failed: another secret, another
    /// protocol, no Iridium node at all.
    Handshake(String),
}

/// Something that happened outside.
#[derive(Debug)]
pub enum Input {
    /// A dial became an authenticated connection to a node at `remote`.
    Connected {
        /// The dial.
        dial: DialId,
        /// Its connection from now on.
        conn: ConnId,
        /// The address of the other end.
        remote: NodeIp,
    },
    /// A dial came to nothing.
    DialFailed {
        /// The dial.
        dial: DialId,
        /// Why.
        failure: DialFailure,
    },
    /// Someone connected, is authenticated, and has said its first message.
    Accepted {
        /// The connection.
        conn: ConnId,
        /// The address it comes from.
        remote: NodeIp,
        /// The address under which it found this node.
        local: NodeIp,
        /// What it said.
        first: IridiumMessage,
    },
    /// A control message came in.
    Message {
        /// On this connection.
        conn: ConnId,
        /// The message.
        message: IridiumMessage,
    },
    /// A connection is gone.
    Closed {
        /// The connection.
        conn: ConnId,
    },
}

/// Something that the driver is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Connect and authenticate, then report `Connected` or `DialFailed`.
    Dial {
        /// The number to report with.
        dial: DialId,
        /// Whom to dial.
        to: Endpoint,
    },
    /// Send a message, in order with the others on that connection.
    Send {
        /// The connection.
        conn: ConnId,
        /// The message.
        message: IridiumMessage,
    },
    /// Close a connection after what was sent on it has gone out.
    Close {
        /// The connection.
        conn: ConnId,
        /// For the log.
        why: &'static str,
    },
    /// Process messages to this node go through this connection now. `Up` or
    /// `Recovered` with this connection is emitted next; those that come from it
    /// may be let through as soon as that has been told.
    Link {
        /// The node.
        id: NodeId,
        /// The connection.
        conn: ConnId,
    },
    /// They no longer do.
    Unlink {
        /// The node.
        id: NodeId,
        /// The connection.
        conn: ConnId,
    },
    /// Tell those who listen.
    Emit(Event),
    /// A join has come to its end.
    Joined {
        /// Which one.
        join: JoinId,
        /// How it ended.
        outcome: Result<JoinReport, JoinError>,
    },
    /// A connection has these features: both ends know them.
    Features {
        /// The connection.
        conn: ConnId,
        /// What it has from now on.
        features: Features,
    },
    /// Remember these peers for the next start.
    SavePeers(Vec<NodeInfo>),
    /// This node goes on under a new identity; remember its incarnation.
    Reborn(NodeId),
}

/// What the core is told at its start.
#[derive(Debug, Clone)]
pub struct Start {
    /// Who this node is. An unspecified ip is filled in by those who see it.
    pub intro: Introduction,
    /// The time spans of the protocol.
    pub timing: Timing,
    /// The features that this node knows.
    pub features: Features,
    /// Peers of an earlier life, to be joined again.
    pub remembered: Vec<NodeInfo>,
    /// Whether another node number may be drawn when this one is taken: only
    /// as long as no process runs.
    pub may_renumber: bool,
    /// The seed of all random choices.
    pub seed: u64,
}

/// What a connection is to the core.
#[derive(Debug)]
enum Stage {
    /// This node dialled and said `Hello` or `Join`.
    Greeting(Target),
    /// The other end introduced itself and waits while the incumbent is asked.
    Candidate { intro: Introduction, wants_list: bool },
    /// A link. An accepted one counts only when the dialler has said more than
    /// its introduction: until then the dialler may have chosen another.
    Linked { alias: NodeAlias, confirmed: bool },
}

#[derive(Debug)]
struct Conn {
    stage: Stage,
    remote: NodeIp,
    heard: Time,
    /// The heartbeat whose round trip is being measured.
    pinged: Option<(u64, Time)>,
    exchanged: Option<Time>,
}

/// The membership core; see the [module documentation](self).
#[derive(Debug)]
pub struct Membership {
    timing: Timing,
    features: Features,
    me: Introduction,
    /// The ip that others see, while this node publishes none of its own.
    seen_as: Option<NodeIp>,
    may_renumber: bool,
    members: BTreeMap<NodeAlias, Member>,
    conns: BTreeMap<ConnId, Conn>,
    dials: BTreeMap<DialId, Target>,
    joins: BTreeMap<JoinId, JoinAttempt>,
    relays: BTreeMap<u64, Relay>,
    timers: Timers,
    actions: VecDeque<Action>,
    rng: Rng,
    /// The last number given to a dial, join, token or ping.
    counter: u64,
    /// `None` when the member list has changed since it was computed.
    digest: Option<u64>,
    leaving: bool,
}

impl Membership {
    /// Starts a node. It dials the peers that it remembers.
    #[must_use]
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
            relays: BTreeMap::new(),
            timers: Timers::default(),
            actions: VecDeque::new(),
            rng: Rng::new(start.seed),
            counter: 0,
            digest: None,
            leaving: false,
        };
        core.timers.set(now + core.timing.heartbeat, Timer::Heartbeat);
        core.timers.set(now + core.timing.heal, Timer::Heal);
        for peer in start.remembered {
            core.rejoin(peer, now);
        }
        core
    }

    /// Takes in something that happened.
    pub fn handle(&mut self, input: Input, now: Time) {
        match input {
            Input::Connected { dial, conn, remote } => self.on_connected(dial, conn, remote, now),
            Input::DialFailed { dial, failure } => self.on_dial_failed(dial, failure, now),
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
        while let Some((due, timer)) = self.timers.pop(now) {
            match timer {
                Timer::Heartbeat => self.on_heartbeat(due, now),
                Timer::Heal => self.heal(now),
                Timer::Silence(conn) => self.on_silence(conn, now),
                Timer::Greet(conn) => self.on_greet_over(conn, now),
                Timer::Incumbent(alias, token) => self.on_incumbent_over(&alias, token, now),
                Timer::Redial(alias, token) => self.on_redial(&alias, token, now),
                Timer::ProbeOver(alias, token) => self.on_probe_over(&alias, token, now),
                Timer::Doubt(alias, token) => self.on_doubt(&alias, token, now),
                Timer::RelayOver(token) => self.answer_relay(token, false),
                Timer::Join(join, token) => self.on_join_due(join, token, now),
                Timer::JoinOver(join) => self.finish_join(join),
                Timer::Forget(alias) => self.on_forget(&alias, now),
            }
        }
    }

    /// What the driver is to do next, if anything.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When `handle_timeout` wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Says whether this node may still take another number.
    pub fn may_renumber(&mut self, may: bool) {
        self.may_renumber = may;
    }

    /// Says goodbye to everyone. The connections close once that has gone out;
    /// afterwards the core does nothing any more.
    pub fn leave(&mut self) {
        self.leaving = true;
        self.drop_all_connections("this node leaves");
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

    /// Another node has found this one under an address, or seen it come from it.
    /// One that only this machine can use gives way to any other.
    fn note_own_ip(&mut self, ip: NodeIp) {
        if self.seen_as.is_none_or(|known| known.0.is_loopback()) {
            self.seen_as = Some(ip);
        }
    }

    /// This node first, then everyone it knows of, by alias.
    #[must_use]
    pub fn view(&self) -> Vec<MemberView> {
        let (id, info) = self.me();
        let myself = MemberView { info, id, state: ViewState::Myself, rtt_us: None };
        std::iter::once(myself).chain(self.members.values().map(Member::view)).collect()
    }

    /// Draws another identity and starts over with the peers it has: its number
    /// was taken, or a later life of its alias is known.
    fn be_reborn(&mut self, at_least: u64, now: Time) {
        self.drop_all_connections("this node takes a new identity");
        self.me.id.incarnation = self.me.id.incarnation.max(at_least).saturating_add(1);
        if self.may_renumber {
            self.me.id.number = iridium_proto::NodeNumber::from_random(self.rng.next());
        }
        self.me.refutation = 0;
        self.digest = None;
        self.push(Action::Reborn(self.me.id.clone()));
        let aliases: Vec<NodeAlias> = self.members.keys().cloned().collect();
        for alias in aliases {
            self.schedule_redial(&alias, now);
        }
        let joins: Vec<JoinId> = self.joins.keys().copied().collect();
        for join in joins {
            self.dial_join(join, now);
        }
    }

    /// Says `Leave` on every link and forgets every connection and dial.
    fn drop_all_connections(&mut self, why: &'static str) {
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
            member.doubt = None;
            if member.is_present() {
                member.state = State::Known;
            }
            if std::mem::take(&mut member.told_up) {
                lost.push(member.id.clone());
            }
        }
        for id in lost {
            self.push(Action::Emit(Event::Down { id }));
        }
    }

    fn push(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    fn send(&mut self, conn: ConnId, message: IridiumMessage) {
        self.push(Action::Send { conn, message });
    }

    /// Closes a connection without asking what it was for.
    fn close(&mut self, conn: ConnId, why: &'static str) {
        if self.conns.remove(&conn).is_some() {
            self.push(Action::Close { conn, why });
        }
    }

    fn ping(&mut self, conn: ConnId, now: Time) -> u64 {
        let token = self.next_number();
        let digest = self.digest();
        if let Some(state) = self.conns.get_mut(&conn) {
            // On a slow line several are under way; the first is measured.
            state.pinged.get_or_insert((token, now));
        }
        self.send(conn, IridiumMessage::Ping(Ping { token, digest }));
        token
    }

    fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// The confirmed links: the connection and whose it is.
    fn links(&self) -> impl Iterator<Item = (ConnId, &Member)> {
        self.members.values().filter_map(|member| {
            let conn = member.link?;
            self.is_confirmed(conn).then_some((conn, member))
        })
    }

    fn is_confirmed(&self, conn: ConnId) -> bool {
        matches!(
            self.conns.get(&conn),
            Some(Conn { stage: Stage::Linked { confirmed: true, .. }, .. })
        )
    }

    fn is_alone(&self) -> bool {
        self.links().next().is_none()
    }

    /// Members linked, this node included.
    fn linked_count(&self) -> usize {
        1 + self.links().count()
    }
}
