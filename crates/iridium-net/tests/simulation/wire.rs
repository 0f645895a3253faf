//! Connections that behave as TCP does: in order, nothing lost, and closed at
//! the far end only when the news has got there.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use iridium_net::membership::{ConnId, DialFailure, DialId, Input, Time};
use iridium_proto::{IridiumMessage, NodeId, NodeIp};

use crate::world::{MS, Machine, ScheduledEvent, World};

pub enum Item {
    Message(IridiumMessage),
    Data { from: NodeId, epoch: u64, number: u64 },
    Fin,
}

pub struct End {
    pub machine: Machine,
    pub process: u64,
    pub open: bool,
    /// An accepted connection is announced to the core with its first message.
    announced: bool,
    linked: bool,
    held: Vec<(NodeId, u64, u64)>,
}

pub struct Wire {
    pub ends: [End; 2],
    /// What is on its way to each end.
    lanes: [VecDeque<(Time, Item)>; 2],
    pumped: [bool; 2],
    pub since: Time,
}

impl World {
    pub fn close_all(&mut self, machine: Machine) {
        let process = self.nodes[machine].process;
        let conns: Vec<(u64, usize)> = self
            .wires
            .iter()
            .flat_map(|(&conn, wire)| (0..2).map(move |end| (conn, end, &wire.ends[end])))
            .filter(|(_, _, e)| e.machine == machine && e.process == process && e.open)
            .map(|(conn, end, _)| (conn, end))
            .collect();
        for (conn, end) in conns {
            self.close_end(conn, end);
        }
    }

    /// A dial has reached the other machine, if it can.
    pub fn arrive(
        &mut self,
        machine: Machine,
        process: u64,
        dial: DialId,
        to: SocketAddr,
        until: Time,
    ) {
        if self.nodes[machine].process != process || !self.is_there(machine) {
            return;
        }
        if let Some(failure) = self.strangers.get(&to).cloned() {
            return self.input(machine, Input::DialFailed { dial, failure });
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
                return self
                    .at(again, ScheduledEvent::Arrive { machine, process, dial, to, until });
            }
            let failure = DialFailure::Unreachable("no answer".into());
            return self.input(machine, Input::DialFailed { dial, failure });
        };
        if !self.is_there(target) || self.nodes[target].addr != to {
            let failure = DialFailure::Refused;
            return self.input(machine, Input::DialFailed { dial, failure });
        }
        self.counter += 1;
        let conn = self.counter;
        let end = |machine, process, announced| End {
            machine,
            process,
            open: true,
            announced,
            linked: false,
            held: Vec::new(),
        };
        let wire = Wire {
            ends: [end(machine, process, true), end(target, self.nodes[target].process, false)],
            lanes: [VecDeque::new(), VecDeque::new()],
            pumped: [false; 2],
            since: self.now,
        };
        self.wires.insert(conn, wire);
        let remote = NodeIp(to.ip());
        self.input(machine, Input::Connected { dial, conn: number_of(conn, 0), remote });
    }

    /// The wire and the end of it that a process knows by this number.
    pub fn end_of(&self, conn: ConnId, machine: Machine) -> Option<(u64, usize)> {
        let (wire, end) = (conn.0 / 2, (conn.0 % 2) as usize);
        let e = &self.wires.get(&wire)?.ends[end];
        let mine = e.machine == machine && e.process == self.nodes[machine].process && e.open;
        mine.then_some((wire, end))
    }

    /// The connections that are open at the process of a machine and that its core has been told of.
    pub fn open_at(&self, machine: Machine) -> BTreeSet<ConnId> {
        let process = self.nodes[machine].process;
        let ends = self.wires.iter().flat_map(|(&conn, wire)| {
            wire.ends.iter().enumerate().map(move |(end, e)| (number_of(conn, end), e))
        });
        let known =
            |e: &&End| e.machine == machine && e.process == process && e.open && e.announced;
        ends.filter(|(_, e)| known(e)).map(|(conn, _)| conn).collect()
    }

    pub fn push(&mut self, conn: ConnId, machine: Machine, item: Item) {
        let Some((wire, end)) = self.end_of(conn, machine) else { return };
        self.push_to(wire, 1 - end, item);
    }

    fn push_to(&mut self, conn: u64, end: usize, item: Item) {
        let ready = self.now + self.delay();
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        let after = wire.lanes[end].back().map_or(ready, |(at, _)| ready.max(*at));
        wire.lanes[end].push_back((after, item));
        if !std::mem::replace(&mut wire.pumped[end], true) {
            self.at(after, ScheduledEvent::Pump { conn, end });
        }
    }

    /// Delivers the next item to one end of a connection.
    pub fn pump(&mut self, conn: u64, end: usize) {
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        let (from, to) = (wire.ends[1 - end].machine, wire.ends[end].machine);
        let blocked = self.blocked.contains(&(from, to));
        if blocked || self.nodes[to].paused {
            let again = self.now + 200 * MS;
            return self.at(again, ScheduledEvent::Pump { conn, end });
        }
        if let Some(late) = self.waits_to_run(to) {
            return self.at(late, ScheduledEvent::Pump { conn, end });
        }
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        let item = wire.lanes[end].pop_front();
        match wire.lanes[end].front() {
            Some((at, _)) => {
                let at = (*at).max(self.now);
                self.at(at, ScheduledEvent::Pump { conn, end });
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
        if e.process != self.nodes[machine].process || !e.open {
            return self.drop_wire_if_over(conn);
        }
        let announced = std::mem::replace(&mut e.announced, true);
        let id = number_of(conn, end);
        match item {
            Item::Message(message) if announced => {
                self.input(machine, Input::Message { conn: id, message })
            }
            Item::Message(first) => {
                let from = self.wires[&conn].ends[1 - end].machine;
                let remote = NodeIp(self.nodes[from].addr.ip());
                let local = NodeIp(self.nodes[machine].addr.ip());
                self.input(machine, Input::Accepted { conn: id, remote, local, first });
            }
            Item::Data { .. } if self.liars.contains_key(&machine) => {}
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
                if announced {
                    self.input(machine, Input::Closed { conn: id });
                }
                self.drop_wire_if_over(conn);
            }
        }
    }

    pub fn close_end(&mut self, conn: u64, end: usize) {
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

    pub fn link(&mut self, conn: ConnId, machine: Machine) {
        let Some((conn, end)) = self.end_of(conn, machine) else { return };
        let Some(wire) = self.wires.get_mut(&conn) else { return };
        wire.ends[end].linked = true;
        for (from, epoch, number) in std::mem::take(&mut wire.ends[end].held) {
            self.nodes[machine].observer.data(&from, epoch, number);
        }
    }

    /// Every node sends a numbered message on each of its links, in large worlds more rarely.
    pub fn send_data(&mut self) {
        let pause = 150 * MS * (self.nodes.len() / 50).max(1) as u32;
        self.at(self.now + pause, ScheduledEvent::Data);
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

    pub fn delay(&mut self) -> Duration {
        let (slowest, loss) = (self.line.slowest, self.line.loss);
        let delay = self.dice.between(slowest / 10, slowest);
        if self.dice.chance(loss) { delay + self.dice.between(200 * MS, 600 * MS) } else { delay }
    }
}

/// The number by which the process at one end knows a connection; those of the
/// two ends differ, as a node may dial itself.
fn number_of(wire: u64, end: usize) -> ConnId {
    ConnId(2 * wire + end as u64)
}
