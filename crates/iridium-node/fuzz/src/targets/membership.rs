//! Whatever happens to one node, in whatever order, its state machine of membership goes on: nothing in
//! it is without a way to its end, it keeps no more than so many entries, and what it sends can be sent.

use std::net::SocketAddr;
use std::time::Duration;

use iridium_net::Endpoint;
use iridium_net::membership::{
    Action, ConnId, DialFailure, DialId, Input, JoinId, Membership, Start, Timing,
};
use iridium_proto::{
    Features, Hello, HelloAck, Introduction, IridiumMessage, Join, MAX_FRAME_LINK, MemberRecord,
    Members, NodeAlias, NodeId, NodeInfo, NodeIp, NodeNumber, NodePort, Ping, PingAck, PingReq,
    Pong, RecordState, RejectReason, encode_frame,
};

/// Some names, of which the first is that of the node itself.
const ALIASES: [&str; 6] = ["me", "a", "b", "m", "n", "z"];
/// An incarnation of a node whose clock is right.
const NOW: u64 = 1_800_000_000_000_000;

/// Does what the bytes of the input say, one thing after the other.
pub fn membership(input: &[u8]) {
    let mut driver = Driver::new(Script(input.iter()));
    while let Some(choice) = driver.script.next() {
        driver.step(choice);
        driver.check();
    }
}

/// The input as a row of choices.
struct Script<'a>(std::slice::Iter<'a, u8>);

impl Script<'_> {
    fn next(&mut self) -> Option<u8> {
        self.0.next().copied()
    }

    /// The next choice; the first of all when there are no more.
    fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    fn yes(&mut self) -> bool {
        self.byte() < 128
    }

    /// One that is easily guessed, or one of the ends.
    fn number(&mut self, known: u64) -> u64 {
        let byte = self.byte();
        match byte >> 5 {
            0..=3 => known,
            4 => known.saturating_add(u64::from(byte & 31)),
            5 => known.saturating_sub(u64::from(byte & 31)),
            6 => u64::from(byte & 31),
            _ => u64::MAX - u64::from(byte & 31),
        }
    }

    fn addr(&mut self) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, self.byte() % 8], 2254))
    }

    fn info(&mut self) -> NodeInfo {
        let alias = NodeAlias::new(ALIASES[usize::from(self.byte()) % ALIASES.len()]);
        let ip = NodeIp(match self.byte() % 8 {
            0 => [0, 0, 0, 0].into(),
            host => [10, 0, 0, host].into(),
        });
        NodeInfo { alias: alias.unwrap(), ip, port: NodePort::new(2254).unwrap() }
    }

    fn intro(&mut self) -> Introduction {
        let info = self.info();
        let number = NodeNumber::from_random(u64::from(self.byte() % 16));
        let id = NodeId { alias: info.alias.clone(), incarnation: self.number(NOW), number };
        Introduction { info, id, refutation: self.number(0) as u32 }
    }

    fn records(&mut self) -> Vec<MemberRecord> {
        let count = self.byte() % 8;
        let mut records: Vec<MemberRecord> = (0..count)
            .map(|_| {
                let Introduction { info, id, refutation } = self.intro();
                let state = match self.byte() % 6 {
                    0 => RecordState::Alive,
                    1 => RecordState::Suspect,
                    2 => RecordState::Down,
                    3 => RecordState::Left,
                    4 => RecordState::Forgotten,
                    _ => RecordState::Unknown(9),
                };
                MemberRecord { info, id, refutation, state }
            })
            .collect();
        if let Some(first) = records.first_mut().filter(|_| count == 7) {
            first.info.alias = NodeAlias::new("other").unwrap();
        }
        records
    }

    fn message(&mut self) -> IridiumMessage {
        match self.byte() % 14 {
            0 => {
                IridiumMessage::Ping(Ping { token: self.number(9), digest: u64::from(self.byte()) })
            }
            1 => {
                IridiumMessage::Pong(Pong { token: self.number(9), digest: u64::from(self.byte()) })
            }
            2 | 3 => {
                let nodes = self.records();
                IridiumMessage::Members(Members { nodes, answer: self.yes() })
            }
            4 => IridiumMessage::Hello(Hello {
                intro: self.intro(),
                version: 1,
                features: Features::NONE,
            }),
            5 => IridiumMessage::Join(Join { intro: self.intro() }),
            6 | 7 => {
                let (intro, nodes) = (self.intro(), self.records());
                IridiumMessage::HelloAck(HelloAck { intro, seen: NodeIp(self.addr().ip()), nodes })
            }
            8 => IridiumMessage::Reject(match self.byte() % 6 {
                0 => RejectReason::AliasTaken(self.info()),
                1 => RejectReason::NumberTaken,
                2 => RejectReason::Outdated(self.number(NOW)),
                3 => RejectReason::Yourself,
                4 => RejectReason::AlreadyLinked,
                _ => RejectReason::Leaving,
            }),
            9 => {
                let (token, target) = (self.number(9), self.intro().id);
                IridiumMessage::PingReq(PingReq { token, target })
            }
            10 => {
                let (token, reached) = (self.number(9), self.yes());
                IridiumMessage::PingAck(PingAck { token, reached })
            }
            11 => IridiumMessage::Leave,
            12 => IridiumMessage::NotDialable(self.info()),
            _ => IridiumMessage::Features(Features::NONE),
        }
    }
}

/// Keeps to the contract with the state machine.
struct Driver<'a> {
    script: Script<'a>,
    core: Membership,
    now: Duration,
    conns: Vec<ConnId>,
    dials: Vec<DialId>,
    look_ups: Vec<JoinId>,
    /// The last number of a connection.
    last: u64,
}

impl<'a> Driver<'a> {
    fn new(mut script: Script<'a>) -> Self {
        let mut intro = script.intro();
        intro.info.alias = NodeAlias::new(ALIASES[0]).unwrap();
        intro.id = NodeId { alias: intro.info.alias.clone(), incarnation: NOW, ..intro.id };
        intro.refutation = 0;
        let remembered = (0..script.byte() % 4).map(|_| script.info()).collect();
        let start = Start {
            intro,
            timing: Timing::lan(),
            features: Features::NONE,
            remembered,
            may_renumber: script.yes(),
            seed: 1,
        };
        let core = Membership::new(start, Duration::ZERO);
        let (conns, dials, look_ups) = (Vec::new(), Vec::new(), Vec::new());
        let mut driver =
            Self { script, core, now: Duration::ZERO, conns, dials, look_ups, last: 0 };
        driver.act();
        driver
    }

    fn step(&mut self, choice: u8) {
        let remote = NodeIp([10, 0, 0, choice % 8].into());
        match choice % 16 {
            0..=2 => {
                // Mostly a moment, now and then more than a day.
                let most = if choice > 250 { 100_000_000 } else { 3_000 };
                self.now += Duration::from_millis(most * u64::from(self.script.byte()) / 255);
                self.core.handle_timeout(self.now);
            }
            3 | 4 => {
                let (conn, first) = (self.next_conn(), self.script.message());
                self.handle(Input::Accepted { conn, remote, local: remote, first });
            }
            5..=9 => {
                if let Some(&conn) = pick(&self.conns, self.script.byte()) {
                    let message = self.script.message();
                    self.handle(Input::Message { conn, message });
                }
            }
            10 => {
                if let Some(&conn) = pick(&self.conns, self.script.byte()) {
                    self.conns.retain(|open| *open != conn);
                    self.handle(Input::Closed { conn });
                }
            }
            11 | 12 => {
                if let Some(&dial) = pick(&self.dials, self.script.byte()) {
                    self.dials.retain(|open| *open != dial);
                    let conn = self.next_conn();
                    self.handle(Input::Connected { dial, conn, remote });
                }
            }
            13 => {
                if let Some(&dial) = pick(&self.dials, self.script.byte()) {
                    self.dials.retain(|open| *open != dial);
                    let failure = if choice > 127 {
                        DialFailure::Refused
                    } else {
                        DialFailure::Unreachable("no network".into())
                    };
                    self.handle(Input::DialFailed { dial, failure });
                }
            }
            14 => {
                let addr = self.script.addr();
                let name = Endpoint::Name { host: "name".into(), port: 2254 };
                let endpoint = if choice > 200 { name } else { Endpoint::Addr(addr) };
                self.core.join(endpoint, choice > 127, self.now);
            }
            _ if choice > 127 => {
                let alias = self.script.info().alias;
                // It says why not.
                let _ = self.core.forget(&alias, self.now);
            }
            _ => {
                if let Some(join) = self.look_ups.pop() {
                    let outcome = Ok(vec![self.script.addr(), self.script.addr()]);
                    self.handle(Input::LookedUp { join, outcome });
                }
            }
        }
        self.act();
    }

    fn next_conn(&mut self) -> ConnId {
        self.last += 1;
        self.conns.push(ConnId(self.last));
        ConnId(self.last)
    }

    fn handle(&mut self, input: Input) {
        self.core.handle(input, self.now);
    }

    fn act(&mut self) {
        while let Some(action) = self.core.poll_action() {
            match action {
                Action::Dial { dial, .. } => self.dials.push(dial),
                Action::LookUp { join, .. } => self.look_ups.push(join),
                Action::Close { conn, .. } => self.conns.retain(|open| *open != conn),
                Action::Send { conn, message } => {
                    assert!(self.conns.contains(&conn), "{message:?} on a closed connection");
                    let mut frame = Vec::new();
                    encode_frame(&message, &mut frame).expect("it cannot be sent");
                    assert!(frame.len() <= MAX_FRAME_LINK, "a frame of {} bytes", frame.len());
                }
                _ => {}
            }
        }
    }

    fn check(&self) {
        if let Some(flaw) = self.core.stranded() {
            panic!("{flaw}");
        }
        let mut open = self.conns.clone();
        open.sort();
        assert_eq!(self.core.open_connections().collect::<Vec<_>>(), open);
        assert!(self.core.open_dials().all(|dial| self.dials.contains(&dial)));
        // There are no more names.
        assert!(self.core.view().len() <= ALIASES.len() + 1);
        assert!(self.core.me().0.incarnation < u64::MAX / 2);
    }
}

fn pick<T>(of: &[T], choice: u8) -> Option<&T> {
    of.get(usize::from(choice) % of.len().max(1))
}
