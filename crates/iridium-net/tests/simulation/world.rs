//! A simulated network in virtual time: machines with addresses, processes that
//! come and go, connections that behave as TCP does. Everything random comes
//! from one seed, so a run can be replayed.
//!
//! A connection delivers in order and loses nothing; loss and reordering on the
//! line show as delay. A partition holds back what is on its way; a process
//! that dies closes its connections as far as its machine can.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use iridium_net::membership::{
    Action, ConnId, DialFailure, DialId, Input, JoinId, Membership, Start, Time, Timing,
};
use iridium_net::{Endpoint, Event, ForgetError, JoinError, JoinReport};
use iridium_proto::{
    Features, Introduction, IridiumMessage, MemberView, NodeAlias, NodeId, NodeInfo, NodeIp,
    NodeNumber, NodePort, ViewState,
};

use crate::liar::Liar;
use crate::observer::Observer;
use crate::traffic::Traffic;
use crate::wire::{Item, Wire};

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
/// For so long a starved machine has the processor.
const SLICE: Duration = Duration::from_millis(5);

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
    /// It gets the processor late, every time, by so much at most.
    pub starved: Option<Duration>,
    runs_at: Time,
    /// On disk.
    pub incarnation: u64,
    pub peers: Vec<NodeInfo>,
    /// Every identity that it has had.
    pub ids: BTreeSet<NodeId>,
    /// Which process runs on the machine; those before it are dead.
    pub process: u64,
    /// The node number that it draws first, where a test wants a certain one.
    pub fixed_number: Option<u32>,
    /// Whether it may draw another: not when processes run already.
    pub may_renumber: bool,
    /// The highest counter with which it has contradicted rumours of its end.
    pub refutation: u32,
    wake_at: Option<Time>,
    /// Dials that have had no outcome yet.
    dials: BTreeSet<DialId>,
    pub links: BTreeMap<NodeAlias, ConnId>,
    pub sent: BTreeMap<NodeAlias, (u64, u64)>,
}

pub enum ScheduledEvent {
    Wake(Machine, u64),
    Arrive { machine: Machine, process: u64, dial: DialId, to: SocketAddr, until: Time },
    LookedUp { machine: Machine, process: u64, join: JoinId, host: String },
    Pump { conn: u64, end: usize },
    Data,
    Lie(Machine, u64),
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
    /// What the names stand for at present.
    pub names: BTreeMap<String, Vec<SocketAddr>>,
    /// How long it takes to look up a name.
    pub look_up_takes: Duration,
    pub looked_up: usize,
    /// Those who listen and are no nodes of the cluster, and what dials of them come to.
    pub strangers: BTreeMap<SocketAddr, DialFailure>,
    /// The machines that run no node of ours, but lie, or have lied.
    pub liars: BTreeMap<Machine, Liar>,
    pub wires: BTreeMap<u64, Wire>,
    queue: BTreeMap<(Time, u64), ScheduledEvent>,
    pub counter: u64,
    pub tracing: bool,
    pub traffic: Traffic,
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
            names: BTreeMap::new(),
            look_up_takes: 5 * MS,
            looked_up: 0,
            strangers: BTreeMap::new(),
            liars: BTreeMap::new(),
            wires: BTreeMap::new(),
            queue: BTreeMap::new(),
            counter: 0,
            tracing: std::env::var_os("SIMULATION_TRACE").is_some(),
            traffic: Traffic::default(),
        };
        world.at(world.now + 150 * MS, ScheduledEvent::Data);
        world
    }

    /// Starts a process on a machine; it dials the given machines until they answer.
    pub fn start(&mut self, machine: Machine, seeds: &[Machine]) {
        let seeds = seeds.iter().map(|&m| Endpoint::Addr(self.nodes[m].addr)).collect();
        self.start_with(machine, seeds);
    }

    /// As `start`, with seeds of any kind.
    pub fn start_with(&mut self, machine: Machine, seeds: Vec<Endpoint>) {
        let (seed, timing, now) = (self.dice.roll(), self.timing.clone(), self.now);
        let node = &mut self.nodes[machine];
        assert!(node.core.is_none(), "one process a machine");
        node.process += 1;
        node.paused = false;
        node.incarnation += 1;
        node.observer.restart();
        node.links.clear();
        node.sent.clear();
        node.wake_at = None;
        node.dials.clear();
        let number = node.fixed_number.unwrap_or((seed >> 40) as u32 % NodeNumber::MAX + 1);
        let id = NodeId {
            alias: node.alias.clone(),
            incarnation: node.incarnation,
            number: NodeNumber::new(number).unwrap(),
        };
        node.ids.insert(id.clone());
        let mut info = node.info();
        if node.hides_ip {
            info.ip = NodeIp(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        }
        let intro = Introduction { info, id, refutation: 0 };
        let remembered = node.peers.clone();
        let may_renumber = node.may_renumber;
        let features = Features::NONE;
        let start = Start { intro, timing, features, remembered, may_renumber, seed };
        let mut core = Membership::new(start, now);
        for seed in seeds {
            core.join(seed, true, now);
        }
        node.core = Some(core);
        self.trace(machine, || "starts".into());
        self.act(machine);
    }

    /// A one-shot join, as from the REPL.
    pub fn join(&mut self, machine: Machine, to: Machine) {
        self.ask_to_join(machine, Endpoint::Addr(self.nodes[to].addr));
    }

    /// As `join`, to an endpoint of any kind.
    pub fn ask_to_join(&mut self, machine: Machine, to: Endpoint) {
        let now = self.now;
        if let Some(core) = &mut self.nodes[machine].core {
            core.join(to, false, now);
        }
        self.act(machine);
    }

    /// Ends a process without a word, as `kill -9` does.
    pub fn kill(&mut self, machine: Machine) {
        self.trace(machine, || "is killed".into());
        self.nodes[machine].core = None;
        self.close_all(machine);
    }

    pub fn leave(&mut self, machine: Machine) {
        self.trace(machine, || "leaves".into());
        if let Some(core) = &mut self.nodes[machine].core {
            core.leave();
        }
        self.act(machine);
        self.nodes[machine].core = None;
        self.nodes[machine].peers.clear();
        self.close_all(machine);
    }

    /// Has a node forget another.
    pub fn forget(&mut self, machine: Machine, other: Machine) -> Result<(), ForgetError> {
        let (alias, now) = (self.nodes[other].alias.clone(), self.now);
        let outcome = self.nodes[machine].core.as_mut().unwrap().forget(&alias, now);
        self.trace(machine, || format!("forgets {alias}: {outcome:?}"));
        self.act(machine);
        outcome
    }

    pub fn is_up(&self, machine: Machine) -> bool {
        self.nodes[machine].core.is_some()
    }

    /// Whether anybody runs there, a node of ours or a liar.
    pub fn is_there(&self, machine: Machine) -> bool {
        self.is_up(machine) || self.liars.get(&machine).is_some_and(|liar| !liar.is_gone)
    }

    pub fn up(&self) -> Vec<Machine> {
        (0..self.nodes.len()).filter(|&m| self.is_up(m)).collect()
    }

    /// Cuts the machines into two groups that do not reach each other.
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
            let Some(((at, _), event)) = self.queue.pop_first() else { break };
            self.now = at;
            self.run_event(event);
        }
        self.now = end;
        done(self)
    }

    pub fn at(&mut self, at: Time, event: ScheduledEvent) {
        self.counter += 1;
        self.queue.insert((at, self.counter), event);
    }

    fn run_event(&mut self, event: ScheduledEvent) {
        match event {
            ScheduledEvent::Wake(machine, process) => self.wake(machine, process),
            ScheduledEvent::Arrive { machine, process, dial, to, until } => {
                self.arrive(machine, process, dial, to, until);
            }
            ScheduledEvent::LookedUp { machine, process, join, host } => {
                if self.nodes[machine].process == process {
                    let mut addrs = self.names.get(&host).cloned();
                    // Servers of names begin with another address each time.
                    let first = self.dice.below(16);
                    if let Some(addrs) = addrs.as_mut().filter(|addrs| !addrs.is_empty()) {
                        let first = first % addrs.len();
                        addrs.rotate_left(first);
                    }
                    let outcome = addrs.ok_or_else(|| "the name is not known".into());
                    self.input(machine, Input::LookedUp { join, outcome });
                }
            }
            ScheduledEvent::Pump { conn, end } => self.pump(conn, end),
            ScheduledEvent::Data => self.send_data(),
            ScheduledEvent::Lie(machine, process) => self.lie(machine, process),
        }
    }

    fn wake(&mut self, machine: Machine, process: u64) {
        let now = self.now;
        let node = &mut self.nodes[machine];
        if node.process != process || node.core.is_none() {
            return;
        }
        if node.paused {
            return self.at(now + 50 * MS, ScheduledEvent::Wake(machine, process));
        }
        if node.wake_at.is_none_or(|at| at > now) {
            return;
        }
        if let Some(late) = self.waits_to_run(machine) {
            self.nodes[machine].wake_at = Some(late);
            return self.at(late, ScheduledEvent::Wake(machine, process));
        }
        self.nodes[machine].wake_at = None;
        if let Some(core) = &mut self.nodes[machine].core {
            core.handle_timeout(now);
        }
        self.act(machine);
    }

    /// When a machine that is starved gets the processor, if it has not got it now: a short while at a
    /// time, after a pause of any length up to the longest.
    pub fn waits_to_run(&mut self, machine: Machine) -> Option<Time> {
        let now = self.now;
        let longest = self.nodes[machine].starved?;
        if now > self.nodes[machine].runs_at + SLICE {
            self.nodes[machine].runs_at = now + self.dice.between(Duration::ZERO, longest);
        }
        Some(self.nodes[machine].runs_at).filter(|at| now < *at)
    }

    pub fn input(&mut self, machine: Machine, input: Input) {
        if !matches!(
            input,
            Input::Message { message: IridiumMessage::Ping(_) | IridiumMessage::Pong(_), .. }
        ) {
            self.trace(machine, || format!("gets {input:?}"));
        }
        if self.liars.contains_key(&machine) {
            return self.happens_to_liar(machine, input);
        }
        let now = self.now;
        let node = &mut self.nodes[machine];
        if let Input::Connected { dial, .. } | Input::DialFailed { dial, .. } = &input {
            assert!(node.dials.remove(dial), "one outcome of each dial");
        }
        if let Some(core) = &mut node.core {
            core.handle(input, now);
        }
        self.act(machine);
    }

    /// Carries out what a core asks for, makes sure that it is woken, and that everything in it
    /// has a way to its end.
    fn act(&mut self, machine: Machine) {
        while let Some(action) = self.nodes[machine].core.as_mut().and_then(Membership::poll_action)
        {
            self.carry_out(machine, action);
        }
        self.check(machine);
        let node = &mut self.nodes[machine];
        let Some(at) = node.core.as_ref().and_then(Membership::poll_timeout) else { return };
        let (at, process) = (at.max(self.now), node.process);
        if node.wake_at.is_none_or(|set| set > at) {
            node.wake_at = Some(at);
            self.at(at, ScheduledEvent::Wake(machine, process));
        }
    }

    /// After every step: nothing in the core is without a way to its end, and no connection or dial
    /// is open of which only one side of the contract knows.
    fn check(&self, machine: Machine) {
        let node = &self.nodes[machine];
        // Those of whom a liar tells are many; what is stranded stays so.
        if !self.liars.is_empty() && !self.counter.is_multiple_of(8) {
            return;
        }
        // Each check looks at all members; in a large world that would take minutes.
        let Some(core) = node.core.as_ref().filter(|_| self.nodes.len() <= 20) else { return };
        if let Some(flaw) = core.stranded() {
            panic!("{} at {:?}: {flaw}", node.alias, self.now);
        }
        let theirs: BTreeSet<ConnId> = core.open_connections().collect();
        let ours = self.open_at(machine);
        assert_eq!(theirs, ours, "{}: connections of the core, and of the driver", node.alias);
        for dial in core.open_dials() {
            assert!(node.dials.contains(&dial), "{}: nobody carries out {dial:?}", node.alias);
        }
    }

    fn carry_out(&mut self, machine: Machine, action: Action) {
        match action {
            Action::Dial { dial, to } => {
                self.trace(machine, || format!("dials {to}"));
                self.traffic.dials += 1;
                let (process, until) =
                    (self.nodes[machine].process, self.now + self.timing.dial_timeout);
                let at = self.now + self.delay() + self.delay();
                self.nodes[machine].dials.insert(dial);
                self.at(at, ScheduledEvent::Arrive { machine, process, dial, to, until });
            }
            Action::LookUp { join, host, .. } => {
                self.trace(machine, || format!("looks up {host}"));
                self.looked_up += 1;
                let process = self.nodes[machine].process;
                let at = self.now + self.look_up_takes;
                self.at(at, ScheduledEvent::LookedUp { machine, process, join, host });
            }
            Action::Send { conn, message } => {
                self.nodes[machine].note_refutation(&message);
                self.traffic.note(&message);
                self.push(conn, machine, Item::Message(message));
            }
            Action::Close { conn, why } => {
                self.trace(machine, || format!("closes {}: {why}", conn.0));
                if let Some((conn, end)) = self.end_of(conn, machine) {
                    self.close_end(conn, end);
                }
            }
            Action::Link { id, conn } => {
                self.trace(machine, || format!("links {id} on {}", conn.0));
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
                self.trace(machine, || format!("reports {event:?}"));
                let lies = self.is_by_a_liar(&event) || !self.liars.is_empty();
                self.nodes[machine].observer.take(self.now, event, lies);
            }
            Action::Joined { outcome, .. } => {
                self.trace(machine, || format!("joined: {outcome:?}"));
                self.nodes[machine].joined.push(outcome);
            }
            Action::Features { .. } => {}
            Action::SavePeers(peers) => self.nodes[machine].peers = peers,
            Action::IdentityChanged(id) => {
                self.nodes[machine].incarnation = id.incarnation;
                self.nodes[machine].ids.insert(id);
            }
        }
    }

    pub fn trace(&self, machine: Machine, what: impl FnOnce() -> String) {
        if self.tracing {
            eprintln!("{:>9.3} {} {}", self.now.as_secs_f64(), self.nodes[machine].alias, what());
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
            starved: None,
            runs_at: Duration::ZERO,
            incarnation: 0,
            peers: Vec::new(),
            ids: BTreeSet::new(),
            process: 0,
            fixed_number: None,
            may_renumber: true,
            refutation: 0,
            wake_at: None,
            dials: BTreeSet::new(),
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
