//! A simulated network in virtual time: machines with addresses, processes that
//! come and go, connections that behave as TCP does. Everything random comes
//! from one seed, so a run can be replayed.
//!
//! A connection delivers in order and loses nothing; loss and reordering on the
//! line show as delay. A partition holds back what is on its way; a process
//! that dies closes its connections as far as its machine can still say so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use iridium_net::membership::{
    Action, ConnId, DialFailure, DialId, Input, Membership, Start, Time, Timing,
};
use iridium_net::{Endpoint, Event, JoinError, JoinReport};
use iridium_proto::{
    Introduction, IridiumMessage, MemberView, NodeAlias, NodeId, NodeInfo, NodeIp, NodeNumber,
    NodePort, ViewState,
};

use crate::observer::Observer;

/// Small and good enough to choose schedules with (xorshift64*, Vigna 2016).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.roll() >> 16) as usize % bound.max(1)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let span = (high - low).as_micros() as usize;
        low + Duration::from_micros(self.below(span + 1) as u64)
    }
}

/// How the lines behave.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub slowest: Duration,
    /// Of a hundred segments, so many are lost and sent again later.
    pub loss: usize,
}

pub const MS: Duration = Duration::from_millis(1);

/// A number of a machine; its processes come and go.
pub type Machine = usize;

pub struct Node {
    pub alias: NodeAlias,
    pub addr: SocketAddr,
    /// Whether others are to find out the address by themselves.
    pub hides_ip: bool,
    pub core: Option<Membership>,
    pub observer: Observer,
    pub joined: Vec<Result<JoinReport, JoinError>>,
    pub paused: bool,
    /// On disk.
    pub incarnation: u64,
    pub peers: Vec<NodeInfo>,
    /// Which process runs on the machine; those before it are dead.
    life: u64,
    /// Set when the incarnation on disk is not to grow by itself.
    pub fixed_number: Option<u32>,
    /// The highest counter with which it has contradicted rumours of its end.
    pub refutation: u32,
    wake_at: Option<Time>,
    links: BTreeMap<NodeAlias, ConnId>,
    sent: BTreeMap<NodeAlias, (u64, u64)>,
}

enum Item {
    Message(IridiumMessage),
    Data { from: NodeId, epoch: u64, number: u64 },
    Fin,
}

struct End {
    machine: Machine,
    life: u64,
    open: bool,
    /// An accepted connection is told to the core with its first message.
    told: bool,
    linked: bool,
    held: Vec<(NodeId, u64, u64)>,
}

struct Wire {
    ends: [End; 2],
    /// What is on its way to each end.
    lanes: [VecDeque<(Time, Item)>; 2],
    pumped: [bool; 2],
}

enum Happening {
    Wake(Machine, u64),
    Arrive { machine: Machine, life: u64, dial: DialId, to: SocketAddr, until: Time },
    Pump { conn: u64, end: usize },
    Data,
}

pub struct World {
    pub now: Time,
    pub dice: Dice,
    pub nodes: Vec<Node>,
    pub line: Line,
    pub timing: Timing,
    /// Pairs (from, to) between which nothing gets through.
    pub blocked: BTreeSet<(Machine, Machine)>,
    /// Pairs (from, to) of which the first cannot dial the second.
    pub walled: BTreeSet<(Machine, Machine)>,
    wires: BTreeMap<u64, Wire>,
    queue: BTreeMap<(Time, u64), Happening>,
    counter: u64,
    pub trace: bool,
}

impl World {
    pub fn new(seed: u64, machines: usize) -> Self {
        let dice = Dice::new(seed);
        let nodes = (0..machines).map(|m| Node::new(m, &format!("node{m}"))).collect();
        let mut world = Self {
            now: Duration::ZERO,
            dice,
            nodes,
            line: Line { slowest: 2 * MS, loss: 0 },
            timing: Timing::lan(),
            blocked: BTreeSet::new(),
            walled: BTreeSet::new(),
            wires: BTreeMap::new(),
            queue: BTreeMap::new(),
            counter: 0,
            trace: std::env::var_os("SIMULATION_TRACE").is_some(),
        };
        world.at(world.now + 150 * MS, Happening::Data);
        world
    }

    /// Starts a process on a machine; it dials the given machines until they answer.
    pub fn start(&mut self, machine: Machine, seeds: &[Machine]) {
        let seeds: Vec<SocketAddr> = seeds.iter().map(|&m| self.nodes[m].addr).collect();
        let (seed, timing, now) = (self.dice.roll(), self.timing.clone(), self.now);
        let node = &mut self.nodes[machine];
        assert!(node.core.is_none(), "one process a machine");
        node.life += 1;
        node.paused = false;
        node.incarnation += 1;
        node.observer.restart();
        node.links.clear();
        node.sent.clear();
        node.wake_at = None;
        let number = node.fixed_number.unwrap_or((seed >> 40) as u32 % NodeNumber::MAX + 1);
        let id = NodeId {
            alias: node.alias.clone(),
            incarnation: node.incarnation,
            number: NodeNumber::new(number).unwrap(),
        };
        let mut info = node.info();
        if node.hides_ip {
            info.ip = NodeIp(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        }
        let intro = Introduction { info, id, refutation: 0 };
        let remembered = node.peers.clone();
        let start = Start { intro, timing, remembered, may_renumber: true, seed };
        let mut core = Membership::new(start, now);
        for seed in seeds {
            core.join(Endpoint::Addr(seed), true, now);
        }
        node.core = Some(core);
        self.say(machine, "starts");
        self.act(machine);
    }

    /// A one-shot join, as from the REPL.
    pub fn join(&mut self, machine: Machine, to: Machine) {
        let (to, now) = (Endpoint::Addr(self.nodes[to].addr), self.now);
        if let Some(core) = &mut self.nodes[machine].core {
            core.join(to, false, now);
        }
        self.act(machine);
    }

    /// Ends a process without a word, as `kill -9` does.
    pub fn kill(&mut self, machine: Machine) {
        self.say(machine, "is killed");
        self.nodes[machine].core = None;
        self.close_all(machine);
    }

    pub fn leave(&mut self, machine: Machine) {
        self.say(machine, "leaves");
        if let Some(core) = &mut self.nodes[machine].core {
            core.leave();
        }
        self.act(machine);
        self.nodes[machine].core = None;
        self.nodes[machine].peers.clear();
        self.close_all(machine);
    }

    fn close_all(&mut self, machine: Machine) {
        let life = self.nodes[machine].life;
        let conns: Vec<(u64, usize)> = self
            .wires
            .iter()
            .flat_map(|(&conn, wire)| (0..2).map(move |end| (conn, end, &wire.ends[end])))
            .filter(|(_, _, e)| e.machine == machine && e.life == life && e.open)
            .map(|(conn, end, _)| (conn, end))
            .collect();
        for (conn, end) in conns {
            self.close_end(conn, end);
        }
    }

    pub fn is_up(&self, machine: Machine) -> bool {
        self.nodes[machine].core.is_some()
    }

    pub fn up(&self) -> Vec<Machine> {
        (0..self.nodes.len()).filter(|&m| self.is_up(m)).collect()
    }

    /// Cuts the machines into two groups that do not hear each other.
    pub fn partition(&mut self, group: &[Machine]) {
        for a in 0..self.nodes.len() {
            for b in 0..self.nodes.len() {
                if group.contains(&a) != group.contains(&b) {
                    self.blocked.insert((a, b));
                }
            }
        }
    }

    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.now + span, |_| false);
    }

    /// Runs until the condition holds; answers whether it did in time.
    pub fn run_until(&mut self, end: Time, done: impl Fn(&World) -> bool) -> bool {
        let mut look = self.now;
        while let Some((&(at, _), _)) = self.queue.first_key_value() {
            if at > end {
                break;
            }
            if at >= look {
                if done(self) {
                    return true;
                }
                look = at + 10 * MS;
            }
            let Some(((at, _), happening)) = self.queue.pop_first() else { break };
            self.now = at;
            self.happen(happening);
        }
        self.now = end;
        done(self)
    }

    fn at(&mut self, at: Time, happening: Happening) {
        self.counter += 1;
        self.queue.insert((at, self.counter), happening);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Wake(machine, life) => self.wake(machine, life),
            Happening::Arrive { machine, life, dial, to, until } => {
                self.arrive(machine, life, dial, to, until);
            }
            Happening::Pump { conn, end } => self.pump(conn, end),
            Happening::Data => self.send_data(),
        }
    }

    fn wake(&mut self, machine: Machine, life: u64) {
        let now = self.now;
        let node = &mut self.nodes[machine];
        if node.life != life || node.core.is_none() {
            return;
        }
        if node.paused {
            return self.at(now + 50 * MS, Happening::Wake(machine, life));
        }
        if node.wake_at.is_none_or(|at| at > now) {
            return;
        }
        node.wake_at = None;
        if let Some(core) = &mut node.core {
            core.handle_timeout(now);
        }
        self.act(machine);
    }

    fn input(&mut self, machine: Machine, input: Input) {
        if !matches!(
            input,
            Input::Message { message: IridiumMessage::Ping(_) | IridiumMessage::Pong(_), .. }
        ) {
            self.say(machine, &format!("gets {input:?}"));
        }
        let now = self.now;
        if let Some(core) = &mut self.nodes[machine].core {
            core.handle(input, now);
        }
        self.act(machine);
    }

    /// Carries out what a core asks for, and makes sure that it is woken.
    fn act(&mut self, machine: Machine) {
        while let Some(action) = self.nodes[machine].core.as_mut().and_then(Membership::poll_action)
        {
            self.carry_out(machine, action);
        }
        let node = &mut self.nodes[machine];
        let Some(at) = node.core.as_ref().and_then(Membership::poll_timeout) else { return };
        let (at, life) = (at.max(self.now), node.life);
        if node.wake_at.is_none_or(|set| set > at) {
            node.wake_at = Some(at);
            self.at(at, Happening::Wake(machine, life));
        }
    }

    fn carry_out(&mut self, machine: Machine, action: Action) {
        match action {
            Action::Dial { dial, to } => {
                let Endpoint::Addr(to) = to else { panic!("the simulation has no names") };
                self.say(machine, &format!("dials {to}"));
                let (life, until) = (self.nodes[machine].life, self.now + self.timing.dial_timeout);
                let at = self.now + self.delay() + self.delay();
                self.at(at, Happening::Arrive { machine, life, dial, to, until });
            }
            Action::Send { conn, message } => {
                self.nodes[machine].note_refutation(&message);
                self.push(conn, machine, Item::Message(message));
            }
            Action::Close { conn, why } => {
                self.say(machine, &format!("closes {}: {why}", conn.0));
                if let Some((conn, end)) = self.end_of(conn, machine) {
                    self.close_end(conn, end);
                }
            }
            Action::Link { id, conn } => {
                self.say(machine, &format!("links {id} on {}", conn.0));
                self.nodes[machine].links.insert(id.alias, conn);
                self.link(conn, machine);
            }
            Action::Unlink { id, conn } => {
                let node = &mut self.nodes[machine];
                if node.links.get(&id.alias) == Some(&conn) {
                    node.links.remove(&id.alias);
                }
                let sent = node.sent.entry(id.alias).or_default();
                *sent = (sent.0 + 1, 0);
            }
            Action::Emit(event) => {
                self.say(machine, &format!("reports {event:?}"));
                self.nodes[machine].observer.take(self.now, event);
            }
            Action::Joined { outcome, .. } => {
                self.say(machine, &format!("joined: {outcome:?}"));
                self.nodes[machine].joined.push(outcome);
            }
            Action::SavePeers(peers) => self.nodes[machine].peers = peers,
            Action::Reborn(id) => self.nodes[machine].incarnation = id.incarnation,
        }
    }

    /// A dial has reached the other machine, if it can.
    fn arrive(&mut self, machine: Machine, life: u64, dial: DialId, to: SocketAddr, until: Time) {
        if self.nodes[machine].life != life || !self.is_up(machine) {
            return;
        }
        let target = self.nodes.iter().position(|node| node.addr.ip() == to.ip());
        // A process that is stopped does not finish the handshake.
        let reachable = target.is_some_and(|t| {
            !self.blocked.contains(&(machine, t))
                && !self.blocked.contains(&(t, machine))
                && !self.walled.contains(&(machine, t))
                && !self.nodes[t].paused
        });
        let Some(target) = target.filter(|_| reachable) else {
            // The first segment is sent again after a second, as TCP does.
            let again = self.now + 1000 * MS;
            if again < until {
                return self.at(again, Happening::Arrive { machine, life, dial, to, until });
            }
            let failure = DialFailure::Unreachable("no answer".into());
            return self.input(machine, Input::DialFailed { dial, failure });
        };
        if !self.is_up(target) || self.nodes[target].addr != to {
            let failure = DialFailure::Refused;
            return self.input(machine, Input::DialFailed { dial, failure });
        }
        self.counter += 1;
        let conn = self.counter;
        let end = |machine, life, told| End {
            machine,
            life,
            open: true,
            told,
            linked: false,
            held: Vec::new(),
        };
        let wire = Wire {
            ends: [end(machine, life, true), end(target, self.nodes[target].life, false)],
            lanes: [VecDeque::new(), VecDeque::new()],
            pumped: [false; 2],
        };
        self.wires.insert(conn, wire);
        let remote = NodeIp(to.ip());
        self.input(machine, Input::Connected { dial, conn: number_of(conn, 0), remote });
    }

    /// The wire and the end of it that a process knows by this number.
    fn end_of(&self, conn: ConnId, machine: Machine) -> Option<(u64, usize)> {
        let (wire, end) = (conn.0 / 2, (conn.0 % 2) as usize);
        let e = &self.wires.get(&wire)?.ends[end];
        let mine = e.machine == machine && e.life == self.nodes[machine].life && e.open;
        mine.then_some((wire, end))
    }

    fn push(&mut self, conn: ConnId, machine: Machine, item: Item) {
        let Some((wire, end)) = self.end_of(conn, machine) else { return };
        self.push_to(wire, 1 - end, item);
    }

    fn push_to(&mut self, conn: u64, end: usize, item: Item) {
        let ready = self.now + self.delay();
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        let after = wire.lanes[end].back().map_or(ready, |(at, _)| ready.max(*at));
        wire.lanes[end].push_back((after, item));
        if !std::mem::replace(&mut wire.pumped[end], true) {
            self.at(after, Happening::Pump { conn, end });
        }
    }

    /// Delivers the next item to one end of a connection.
    fn pump(&mut self, conn: u64, end: usize) {
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        let (from, to) = (wire.ends[1 - end].machine, wire.ends[end].machine);
        let blocked = self.blocked.contains(&(from, to));
        if blocked || self.nodes[to].paused {
            let again = self.now + 200 * MS;
            return self.at(again, Happening::Pump { conn, end });
        }
        let item = wire.lanes[end].pop_front();
        match wire.lanes[end].front() {
            Some((at, _)) => {
                let at = (*at).max(self.now);
                self.at(at, Happening::Pump { conn, end });
            }
            None => wire.pumped[end] = false,
        }
        if let Some((_, item)) = item {
            self.deliver(conn, end, item);
        }
    }

    fn deliver(&mut self, conn: u64, end: usize, item: Item) {
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        let e = &mut wire.ends[end];
        let machine = e.machine;
        if e.life != self.nodes[machine].life || !e.open {
            return self.drop_wire_if_over(conn);
        }
        let told = std::mem::replace(&mut e.told, true);
        let id = number_of(conn, end);
        match item {
            Item::Message(message) if told => {
                self.input(machine, Input::Message { conn: id, message })
            }
            Item::Message(first) => {
                let from = self.wires[&conn].ends[1 - end].machine;
                let remote = NodeIp(self.nodes[from].addr.ip());
                self.input(machine, Input::Accepted { conn: id, remote, first });
            }
            Item::Data { from, epoch, number } => {
                let e = &mut wire.ends[end];
                if e.linked {
                    self.nodes[machine].observer.data(&from, epoch, number);
                } else {
                    e.held.push((from, epoch, number));
                }
            }
            Item::Fin => {
                wire.ends[end].open = false;
                if told {
                    self.input(machine, Input::Closed { conn: id });
                }
                self.drop_wire_if_over(conn);
            }
        }
    }

    fn close_end(&mut self, conn: u64, end: usize) {
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        if std::mem::replace(&mut wire.ends[end].open, false) {
            self.push_to(conn, 1 - end, Item::Fin);
        }
    }

    fn drop_wire_if_over(&mut self, conn: u64) {
        if self.wires[&conn].ends.iter().all(|e| !e.open) {
            self.wires.remove(&conn);
        }
    }

    fn link(&mut self, conn: ConnId, machine: Machine) {
        let Some((conn, end)) = self.end_of(conn, machine) else { return };
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        wire.ends[end].linked = true;
        for (from, epoch, number) in std::mem::take(&mut wire.ends[end].held) {
            self.nodes[machine].observer.data(&from, epoch, number);
        }
    }

    /// Every node sends a numbered message on each of its links.
    fn send_data(&mut self) {
        self.at(self.now + 150 * MS, Happening::Data);
        for machine in self.up() {
            if self.nodes[machine].paused {
                continue;
            }
            let node = &mut self.nodes[machine];
            let Some(from) = node.core.as_ref().map(|core| core.me().0) else { continue };
            let mut items = Vec::new();
            for (alias, conn) in &node.links {
                let (epoch, number) = node.sent.entry(alias.clone()).or_default();
                let item = Item::Data { from: from.clone(), epoch: *epoch, number: *number };
                *number += 1;
                items.push((*conn, item));
            }
            for (conn, item) in items {
                self.push(conn, machine, item);
            }
        }
    }

    fn delay(&mut self) -> Duration {
        let (slowest, loss) = (self.line.slowest, self.line.loss);
        let delay = self.dice.between(slowest / 10, slowest);
        if self.dice.chance(loss) { delay + self.dice.between(200 * MS, 600 * MS) } else { delay }
    }

    pub fn say(&self, machine: Machine, what: &str) {
        if self.trace {
            eprintln!("{:>9.3} {} {what}", self.now.as_secs_f64(), self.nodes[machine].alias);
        }
    }

    pub fn view(&self, machine: Machine) -> Vec<MemberView> {
        self.nodes[machine].core.as_ref().map(Membership::view).unwrap_or_default()
    }

    /// How a machine's node sees the node of that alias.
    pub fn sees(&self, machine: Machine, other: Machine) -> Option<ViewState> {
        let alias = &self.nodes[other].alias;
        let view = self.view(machine).into_iter().find(|m| m.info.alias == *alias);
        view.map(|m| m.state)
    }

    pub fn id(&self, machine: Machine) -> NodeId {
        self.nodes[machine].core.as_ref().unwrap().me().0
    }

    /// Why the running nodes are not one mesh, if they are not: each sees exactly
    /// the others alive, in their present lives, over one connection a pair that
    /// both ends agree on, and no other connection is left.
    pub fn flaw(&self) -> Option<String> {
        let up = self.up();
        for &a in &up {
            let alive: Vec<NodeId> = self
                .view(a)
                .into_iter()
                .filter(|m| m.state == ViewState::Alive)
                .map(|m| m.id)
                .collect();
            let mut others: Vec<NodeId> =
                up.iter().filter(|&&b| b != a).map(|&b| self.id(b)).collect();
            others.sort();
            if alive != others {
                return Some(format!("{} sees {alive:?}, not {others:?}", self.nodes[a].alias));
            }
            if self.nodes[a].observer.present() != others {
                return Some(format!("{} has reported otherwise", self.nodes[a].alias));
            }
            for &b in up.iter().filter(|&&b| b > a) {
                let there = self.nodes[a].links.get(&self.nodes[b].alias);
                let back = self.nodes[b].links.get(&self.nodes[a].alias);
                let wire = |conn: Option<&ConnId>| conn.map(|conn| conn.0 / 2);
                if there.is_none() || wire(there) != wire(back) {
                    return Some(format!("{a} and {b} use {there:?} and {back:?}"));
                }
            }
        }
        let pairs = up.len() * up.len().saturating_sub(1) / 2;
        let open = self.wires.values().filter(|w| w.ends.iter().any(|e| e.open)).count();
        (open != pairs).then(|| format!("{open} connections for {pairs} pairs"))
    }

    /// Which connection each running node uses for each other.
    pub fn links(&self) -> Vec<BTreeMap<NodeAlias, ConnId>> {
        self.up().into_iter().map(|machine| self.nodes[machine].links.clone()).collect()
    }

    pub fn is_one_mesh(&self) -> bool {
        self.flaw().is_none()
    }
}

/// The number by which the process at one end knows a connection; those of the
/// two ends differ, as a node may dial itself.
fn number_of(wire: u64, end: usize) -> ConnId {
    ConnId(2 * wire + end as u64)
}

impl Node {
    fn new(machine: Machine, alias: &str) -> Self {
        Self {
            alias: NodeAlias::new(alias).unwrap(),
            addr: SocketAddr::from((
                [10, 0, (machine / 250) as u8, (machine % 250) as u8 + 1],
                2254,
            )),
            hides_ip: machine % 3 == 1,
            core: None,
            observer: Observer::default(),
            joined: Vec::new(),
            paused: false,
            incarnation: 0,
            peers: Vec::new(),
            life: 0,
            fixed_number: None,
            refutation: 0,
            wake_at: None,
            links: BTreeMap::new(),
            sent: BTreeMap::new(),
        }
    }

    pub fn info(&self) -> NodeInfo {
        NodeInfo {
            alias: self.alias.clone(),
            ip: NodeIp(self.addr.ip()),
            port: NodePort::new(self.addr.port()).unwrap(),
        }
    }

    fn note_refutation(&mut self, message: &IridiumMessage) {
        let IridiumMessage::Members(members) = message else { return };
        for record in members.nodes.iter().filter(|r| r.id.alias == self.alias) {
            self.refutation = self.refutation.max(record.refutation);
        }
    }

    pub fn events(&self) -> &[(Time, Event)] {
        &self.observer.events
    }
}
