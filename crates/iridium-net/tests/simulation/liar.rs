//! A member that holds the secret and lies. It says whatever can be said, to whomever it reaches: lists of
//! members that never were, counters at their ends, rumours of the end of others, contradictory
//! introductions, refusals, floods of questions, and what others have said before.
//!
//! It does not take the place of one who is not there: whoever holds the secret can have an alias or a
//! node number that nobody is linked with, and there is nothing to find out. Where all are linked it
//! claims those of the others as well.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};

use iridium_net::membership::{ConnId, DialId, Input};
use iridium_proto::{
    Features, Hello, HelloAck, Introduction, IridiumMessage, Join, MemberRecord, Members,
    NodeAlias, NodeId, NodeInfo, NodeIp, NodeNumber, NodePort, Ping, PingAck, PingReq, Pong,
    RecordState, RejectReason,
};

use crate::wire::Item;
use crate::world::{Dice, MS, Machine, ScheduledEvent, World};

/// Names under which it comes itself; in the order of the aliases some are before all others, some
/// between, some after.
const OWN: [&str; 4] = ["again", "liar", "node1x", "zero"];
/// So many connections it keeps.
const MOST_CONNS: usize = 12;
/// So many messages it remembers, to say them again.
const MOST_REMEMBERED: usize = 200;

pub struct Liar {
    /// Whether it claims to be others.
    impersonates: bool,
    /// Where it is connected to.
    conns: BTreeMap<ConnId, Machine>,
    dials: BTreeMap<DialId, Machine>,
    dialled: u64,
    /// What it was told, to be told again, changed or not.
    records: BTreeMap<NodeAlias, MemberRecord>,
    heard: VecDeque<IridiumMessage>,
    /// The ids under which it has introduced itself to anyone.
    pub introduced: BTreeSet<NodeId>,
    pub is_gone: bool,
}

impl World {
    /// From now on a machine lies.
    pub fn enlist(&mut self, machine: Machine, impersonates: bool) {
        let liar = Liar {
            impersonates,
            conns: BTreeMap::new(),
            dials: BTreeMap::new(),
            dialled: 0,
            records: BTreeMap::new(),
            heard: VecDeque::new(),
            introduced: BTreeSet::new(),
            is_gone: false,
        };
        self.nodes[machine].process += 1;
        self.liars.insert(machine, liar);
        self.trace(machine, || "begins to lie".into());
        self.at(self.now, ScheduledEvent::Lie(machine, self.nodes[machine].process));
    }

    /// It lies no more and is gone. Who it was is still known.
    pub fn silence(&mut self, machine: Machine) {
        self.trace(machine, || "lies no more".into());
        self.close_all(machine);
        self.nodes[machine].process += 1;
        if let Some(liar) = self.liars.get_mut(&machine) {
            liar.is_gone = true;
            liar.conns.clear();
            liar.dials.clear();
        }
    }

    /// Whether that node is one that has introduced itself, although it is none of the honest.
    pub fn is_a_liar(&self, id: &NodeId) -> bool {
        self.liars.values().any(|liar| liar.introduced.contains(id))
    }

    /// It does something, and soon more.
    pub fn lie(&mut self, machine: Machine, process: u64) {
        if self.nodes[machine].process != process {
            return;
        }
        let conns = self.with(machine, |liar, _| liar.conns.len());
        match self.dice.below(10) {
            0..=2 if conns < MOST_CONNS => self.lie_to_another(machine),
            0..=1 => {
                if let Some(conn) = self.one_of_its_links(machine) {
                    self.hang_up(machine, conn);
                }
            }
            _ => {
                if let Some(conn) = self.one_of_its_links(machine) {
                    for _ in 0..=self.dice.below(4) {
                        let message = self.any_lie(machine, conn);
                        self.tell(machine, conn, message);
                    }
                }
            }
        }
        let pause = self.dice.between(5 * MS, 150 * MS);
        self.at(self.now + pause, ScheduledEvent::Lie(machine, process));
    }

    /// Something happens to it.
    pub fn happens_to_liar(&mut self, machine: Machine, input: Input) {
        match input {
            Input::Connected { dial, conn, .. } => {
                let to = self.with(machine, |liar, _| liar.dials.remove(&dial));
                let Some(to) = to else { return };
                self.with(machine, |liar, _| liar.conns.insert(conn, to));
                let intro = self.any_introduction(machine, to);
                let features = Features::NONE;
                let message = match self.dice.below(8) {
                    0 => self.any_lie(machine, conn),
                    1..=3 => IridiumMessage::Hello(Hello { intro, version: 1, features }),
                    _ => IridiumMessage::Join(Join { intro }),
                };
                self.tell(machine, conn, message);
            }
            Input::DialFailed { dial, .. } => {
                self.with(machine, |liar, _| liar.dials.remove(&dial));
            }
            Input::Accepted { conn, first, .. } => {
                let Some(to) = self.other_end(conn) else { return };
                self.with(machine, |liar, _| liar.conns.insert(conn, to));
                self.overhear(machine, first);
                let answer = match self.dice.below(8) {
                    0 => return,
                    1 => return self.hang_up(machine, conn),
                    2 => IridiumMessage::Reject(self.any_refusal(machine)),
                    3 => self.any_lie(machine, conn),
                    _ => {
                        let intro = self.any_introduction(machine, to);
                        let (seen, nodes) = (self.any_ip(machine), self.any_list(machine));
                        IridiumMessage::HelloAck(HelloAck { intro, seen, nodes })
                    }
                };
                self.tell(machine, conn, answer);
            }
            Input::Message { conn, message } => {
                let answer = match &message {
                    IridiumMessage::Ping(ping) if self.dice.chance(95) => {
                        let digest =
                            if self.dice.chance(50) { ping.digest } else { self.dice.roll() };
                        Some(IridiumMessage::Pong(Pong { token: ping.token, digest }))
                    }
                    IridiumMessage::PingReq(request) => {
                        let (token, reached) = (request.token, self.dice.chance(50));
                        Some(IridiumMessage::PingAck(PingAck { token, reached }))
                    }
                    _ => None,
                };
                self.overhear(machine, message);
                if let Some(answer) = answer {
                    self.tell(machine, conn, answer);
                }
            }
            Input::Closed { conn } => {
                self.with(machine, |liar, _| liar.conns.remove(&conn));
            }
            Input::LookedUp { .. } => {}
        }
    }

    fn with<R>(&mut self, machine: Machine, what: impl FnOnce(&mut Liar, &mut Dice) -> R) -> R {
        what(self.liars.get_mut(&machine).unwrap(), &mut self.dice)
    }

    fn one_of_its_links(&mut self, machine: Machine) -> Option<ConnId> {
        self.with(machine, |liar, dice| {
            liar.conns.keys().nth(dice.below(liar.conns.len())).copied()
        })
    }

    fn hang_up(&mut self, machine: Machine, conn: ConnId) {
        self.with(machine, |liar, _| liar.conns.remove(&conn));
        if let Some((wire, end)) = self.end_of(conn, machine) {
            self.close_end(wire, end);
        }
    }

    fn tell(&mut self, machine: Machine, conn: ConnId, message: IridiumMessage) {
        self.push(conn, machine, Item::Message(message));
    }

    fn other_end(&self, conn: ConnId) -> Option<Machine> {
        let wire = self.wires.get(&(conn.0 / 2))?;
        Some(wire.ends[1 - (conn.0 % 2) as usize].machine)
    }

    fn lie_to_another(&mut self, machine: Machine) {
        let honest = self.up();
        if honest.is_empty() {
            return;
        }
        let to = honest[self.dice.below(honest.len())];
        let dial = self.with(machine, |liar, _| {
            liar.dialled += 1;
            let dial = DialId(liar.dialled);
            liar.dials.insert(dial, to);
            dial
        });
        let (process, to) = (self.nodes[machine].process, self.nodes[to].addr);
        let (at, until) = (self.now + self.delay(), self.now + self.timing.dial_timeout);
        self.at(at, ScheduledEvent::Arrive { machine, process, dial, to, until });
    }

    /// Remembers what was said, and who was named.
    fn overhear(&mut self, machine: Machine, message: IridiumMessage) {
        self.with(machine, |liar, _| {
            let mut note = |record: &MemberRecord| {
                liar.records.insert(record.id.alias.clone(), record.clone());
            };
            let introduced = |intro: &Introduction| MemberRecord {
                info: intro.info.clone(),
                id: intro.id.clone(),
                refutation: intro.refutation,
                state: RecordState::Alive,
            };
            match &message {
                IridiumMessage::Members(members) => members.nodes.iter().for_each(&mut note),
                IridiumMessage::HelloAck(ack) => {
                    note(&introduced(&ack.intro));
                    ack.nodes.iter().for_each(&mut note);
                }
                IridiumMessage::Hello(hello) => note(&introduced(&hello.intro)),
                IridiumMessage::Join(join) => note(&introduced(&join.intro)),
                _ => {}
            }
            liar.heard.push_back(message);
            if liar.heard.len() > MOST_REMEMBERED {
                liar.heard.pop_front();
            }
        });
    }

    fn any_lie(&mut self, machine: Machine, conn: ConnId) -> IridiumMessage {
        let to = self.other_end(conn).unwrap_or(machine);
        match self.dice.below(24) {
            0..=8 => {
                let (nodes, answer) = (self.any_list(machine), self.dice.chance(30));
                IridiumMessage::Members(Members { nodes, answer })
            }
            9..=11 => {
                let (token, target) = (self.any_number(), self.any_record(machine).id);
                IridiumMessage::PingReq(PingReq { token, target })
            }
            12 | 13 => {
                let (token, reached) = (self.any_number(), self.dice.chance(50));
                IridiumMessage::PingAck(PingAck { token, reached })
            }
            14 => IridiumMessage::Ping(Ping { token: self.any_number(), digest: self.dice.roll() }),
            15 => IridiumMessage::Pong(Pong { token: self.any_number(), digest: self.dice.roll() }),
            16 => IridiumMessage::NotDialable(self.any_record(machine).info),
            17 => IridiumMessage::Leave,
            18 => IridiumMessage::Reject(self.any_refusal(machine)),
            19 => {
                let intro = self.any_introduction(machine, to);
                let (seen, nodes) = (self.any_ip(machine), self.any_list(machine));
                IridiumMessage::HelloAck(HelloAck { intro, seen, nodes })
            }
            _ => {
                let again = self.with(machine, |liar, dice| {
                    liar.heard.get(dice.below(liar.heard.len())).cloned()
                });
                match again {
                    // On a connection of its own it would be somebody else's introduction.
                    Some(IridiumMessage::Hello(_) | IridiumMessage::Join(_)) | None => {
                        IridiumMessage::Ping(Ping { token: 1, digest: 2 })
                    }
                    Some(message) => message,
                }
            }
        }
    }

    fn any_refusal(&mut self, machine: Machine) -> RejectReason {
        match self.dice.below(7) {
            0 => RejectReason::AliasTaken(self.any_record(machine).info),
            1 => RejectReason::NumberTaken,
            2 | 3 => {
                let known = self.dice.below(10) as u64;
                RejectReason::Outdated(self.near(known))
            }
            4 => RejectReason::Yourself,
            5 => RejectReason::AlreadyLinked,
            _ => RejectReason::Leaving,
        }
    }

    fn any_list(&mut self, machine: Machine) -> Vec<MemberRecord> {
        (0..self.dice.below(12)).map(|_| self.any_record(machine)).collect()
    }

    /// A node that never was, or one that is, of whom some of it is wrong.
    fn any_record(&mut self, machine: Machine) -> MemberRecord {
        let states = [
            RecordState::Alive,
            RecordState::Suspect,
            RecordState::Down,
            RecordState::Left,
            RecordState::Forgotten,
        ];
        let state = states[self.dice.below(states.len())];
        let known = self.with(machine, |liar, dice| {
            liar.records.values().nth(dice.below(liar.records.len())).cloned()
        });
        let mut record = match known.filter(|_| self.dice.chance(65)) {
            Some(record) => MemberRecord { state, ..record },
            None => {
                let alias = NodeAlias::new(format!("ghost{}", self.dice.below(40))).unwrap();
                let info = self.any_info(machine, alias.clone());
                let id =
                    NodeId { alias, incarnation: self.near(1), number: self.any_node_number() };
                MemberRecord { info, id, refutation: 0, state }
            }
        };
        if self.dice.chance(30) {
            record.id.incarnation = self.near(record.id.incarnation);
        }
        if self.dice.chance(20) {
            record.id.number = self.any_node_number();
        }
        if self.dice.chance(30) {
            record.refutation = self.near(record.refutation.into()) as u32;
        }
        if self.dice.chance(30) {
            record.info = self.any_info(machine, record.info.alias);
        }
        record
    }

    /// As it introduces itself. What others have already is taken only where that is known.
    fn any_introduction(&mut self, machine: Machine, to: Machine) -> Introduction {
        let other = self.any_linked(machine, to);
        let alias = match &other {
            Some(other) if self.dice.chance(15) => other.alias.clone(),
            _ => NodeAlias::new(OWN[self.dice.below(OWN.len())]).unwrap(),
        };
        let number = match &other {
            Some(other) if self.dice.chance(15) => other.number,
            // Apart from all that honest ones draw.
            _ => NodeNumber::new(NodeNumber::MAX - self.dice.below(8) as u32).unwrap(),
        };
        let incarnation = self.near(1);
        let id = NodeId { alias: alias.clone(), incarnation, number };
        if OWN.contains(&alias.as_str()) {
            self.with(machine, |liar, _| liar.introduced.insert(id.clone()));
        }
        let refutation = self.near(0) as u32;
        Introduction { info: self.any_info(machine, alias), id, refutation }
    }

    /// One of the honest whom another has a link to, if it may claim to be that.
    fn any_linked(&mut self, machine: Machine, to: Machine) -> Option<NodeId> {
        if !self.liars[&machine].impersonates {
            return None;
        }
        let up = self.up();
        let linked = |m: &&Machine| self.nodes[to].links.contains_key(&self.nodes[**m].alias);
        let ids: Vec<NodeId> = up.iter().filter(linked).map(|&m| self.id(m)).collect();
        let some = self.dice.below(ids.len());
        ids.into_iter().nth(some)
    }

    /// At its own address, that of somebody else, or one where nobody is.
    fn any_info(&mut self, machine: Machine, alias: NodeAlias) -> NodeInfo {
        let honest = self.up();
        let (ip, port) = match self.dice.below(8) {
            0..=2 => (self.nodes[machine].addr.ip(), 2254),
            3 if !honest.is_empty() => {
                let of = honest[self.dice.below(honest.len())];
                (self.nodes[of].addr.ip(), self.nodes[of].addr.port())
            }
            // There is the machine, but nobody listens.
            4 if !honest.is_empty() => {
                let of = honest[self.dice.below(honest.len())];
                (self.nodes[of].addr.ip(), 9)
            }
            5 => (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 2254),
            _ => (IpAddr::V4(Ipv4Addr::new(10, 99, 0, self.dice.below(250) as u8)), 2254),
        };
        NodeInfo { alias, ip: NodeIp(ip), port: NodePort::new(port).unwrap() }
    }

    fn any_ip(&mut self, machine: Machine) -> NodeIp {
        let alias = self.nodes[machine].alias.clone();
        self.any_info(machine, alias).ip
    }

    fn any_node_number(&mut self) -> NodeNumber {
        NodeNumber::from_random(self.dice.roll())
    }

    /// A number beside that one, one that is guessed easily, or one near the end of all numbers.
    fn near(&mut self, known: u64) -> u64 {
        match self.dice.below(12) {
            0..=4 => known,
            5 | 6 => known.saturating_add(1),
            7 => known.saturating_sub(1),
            8 => known.saturating_add(self.dice.below(2_000_000) as u64),
            9 => known.saturating_add(1_000_000_000_000_000),
            10 => u64::MAX - self.dice.below(3) as u64,
            _ => u64::MAX / 2,
        }
    }

    fn any_number(&mut self) -> u64 {
        // Tokens are counted from 1 on.
        let known = self.dice.below(500) as u64;
        self.near(known)
    }
}
