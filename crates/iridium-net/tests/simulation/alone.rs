//! One core without a network, told by hand what happens.

use std::time::Duration;

use iridium_net::membership::{
    Action, ConnId, DialFailure, DialId, Input, Membership, Start, Timing,
};
use iridium_proto::{
    Features, Hello, Introduction, IridiumMessage, Join, MemberRecord, Members, NodeAlias, NodeId,
    NodeInfo, NodeIp, NodeNumber, NodePort, Ping, RecordState,
};

pub fn ip() -> NodeIp {
    NodeIp([10, 0, 0, 9].into())
}

pub fn intro(alias: &str, incarnation: u64) -> Introduction {
    let alias = NodeAlias::new(alias).unwrap();
    let number = NodeNumber::new(incarnation as u32 % 1000 + 1).unwrap();
    let info = NodeInfo { alias: alias.clone(), ip: ip(), port: NodePort::new(2254).unwrap() };
    Introduction { info, id: NodeId { alias, incarnation, number }, refutation: 0 }
}

pub fn record(alias: &str, incarnation: u64, state: RecordState) -> MemberRecord {
    let Introduction { info, id, refutation } = intro(alias, incarnation);
    MemberRecord { info, id, refutation, state }
}

/// A core of its own, called `me`, without a network.
pub fn lone_core(incarnation: u64, seed: u64) -> Membership {
    let start = Start {
        intro: intro("me", incarnation),
        timing: Timing::lan(),
        features: Features::NONE,
        remembered: Vec::new(),
        may_renumber: true,
        seed,
    };
    Membership::new(start, Duration::ZERO)
}

pub const FRIEND: ConnId = ConnId(1);

/// A node joins the core.
pub fn link_by_hand(core: &mut Membership) {
    let hello = Hello { intro: intro("friend", 77), version: 1, features: Features::NONE };
    let first = IridiumMessage::Hello(hello);
    let accepted = Input::Accepted { conn: FRIEND, remote: ip(), local: ip(), first };
    core.handle(accepted, Duration::ZERO);
}

/// That node tells the core of another, and wants to know what it knows.
pub fn tell(core: &mut Membership, record: MemberRecord) {
    tell_at(core, record, Duration::ZERO);
}

pub fn tell_at(core: &mut Membership, record: MemberRecord, now: Duration) {
    say(core, IridiumMessage::Members(Members { nodes: vec![record], answer: true }), now);
}

/// That node says anything.
pub fn say(core: &mut Membership, message: IridiumMessage, now: Duration) {
    core.handle(Input::Message { conn: FRIEND, message }, now);
}

/// What a node says to show that it is there.
pub fn ping() -> IridiumMessage {
    IridiumMessage::Ping(Ping { token: 1, digest: 0 })
}

/// Lets time pass without a network: each dial fails.
pub fn run(core: &mut Membership, mut now: Duration, until: Duration) {
    let mut step = 0;
    while now < until {
        while let Some(action) = core.poll_action() {
            if let Action::Dial { dial, .. } = action {
                fail(core, dial, now);
            }
        }
        // It looks at all members, of whom there may be thousands.
        step += 1;
        if step % 16 == 0 {
            assert_eq!(core.stranded(), None);
        }
        now = core.poll_timeout().unwrap();
        core.handle_timeout(now);
    }
}

/// A dial comes to nothing.
pub fn fail(core: &mut Membership, dial: DialId, now: Duration) {
    let failure = DialFailure::Unreachable("no network".into());
    core.handle(Input::DialFailed { dial, failure }, now);
}

/// What the core does now.
pub fn actions(core: &mut Membership) -> Vec<Action> {
    std::iter::from_fn(|| core.poll_action()).collect()
}

/// What the core says to that node now. The rest that it does is dropped.
pub fn sent(core: &mut Membership) -> Vec<IridiumMessage> {
    let messages = actions(core).into_iter().filter_map(|action| match action {
        Action::Send { conn: FRIEND, message } => Some(message),
        _ => None,
    });
    messages.collect()
}

/// The digest of its list, as the core tells that node.
pub fn digest(core: &mut Membership) -> Option<u64> {
    say(core, ping(), Duration::ZERO);
    sent(core).into_iter().find_map(|message| match message {
        IridiumMessage::Pong(pong) => Some(pong.digest),
        _ => None,
    })
}

/// The records in messages.
pub fn records(messages: Vec<IridiumMessage>) -> Vec<MemberRecord> {
    let nodes = messages.into_iter().map(|message| match message {
        IridiumMessage::Members(members) => members.nodes,
        IridiumMessage::HelloAck(ack) => ack.nodes,
        _ => Vec::new(),
    });
    nodes.flatten().collect()
}

/// Another node joins, on that connection, and confirms the link.
pub fn link(core: &mut Membership, conn: ConnId, intro: Introduction, now: Duration) {
    introduce(core, conn, intro, now);
    core.handle(Input::Message { conn, message: ping() }, now);
}

/// Another node introduces itself.
pub fn introduce(core: &mut Membership, conn: ConnId, intro: Introduction, now: Duration) {
    let first = IridiumMessage::Join(Join { intro });
    core.handle(Input::Accepted { conn, remote: ip(), local: ip(), first }, now);
}
