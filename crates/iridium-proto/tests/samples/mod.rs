//! One message of each kind, and one for each variant of the enums in them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use iridium_proto::*;

pub(crate) fn node(alias: &str) -> (NodeInfo, NodeId) {
    let alias = NodeAlias::new(alias).unwrap();
    let ip = NodeIp(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    let port = NodePort::new(2254).unwrap();
    let id = NodeId { alias: alias.clone(), incarnation: 7, number: NodeNumber::new(9).unwrap() };
    (NodeInfo { alias, ip, port }, id)
}

fn record(alias: &str, state: RecordState) -> MemberRecord {
    let (info, id) = node(alias);
    MemberRecord { info, id, refutation: 3, state }
}

fn view(alias: &str, state: ViewState, rtt_us: Option<u64>) -> MemberView {
    let (info, id) = node(alias);
    MemberView { info, id, state, rtt_us }
}

/// Each message with the name of its fixture.
pub(crate) fn samples() -> Vec<(&'static str, IridiumMessage)> {
    use IridiumMessage as M;
    let (info, id) = node("node1");
    let intro = Introduction { info: info.clone(), id: id.clone(), refutation: 1 };
    let nodes = vec![
        record("a", RecordState::Alive),
        record("b", RecordState::Suspect),
        record("c", RecordState::Down),
        record("d", RecordState::Left),
    ];
    let views = vec![
        view("a", ViewState::Myself, None),
        view("b", ViewState::Alive, Some(4)),
        view("c", ViewState::Suspect, None),
        view("d", ViewState::Down, None),
        view("e", ViewState::Left, None),
    ];
    let hello = Hello { intro: intro.clone(), version: 1, features: Features(5) };
    let seen = NodeIp(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)));
    let ack = HelloAck { intro: intro.clone(), seen, nodes: nodes.clone() };
    vec![
        ("hello", M::Hello(hello)),
        ("hello-ack", M::HelloAck(ack)),
        ("join", M::Join(Join { intro })),
        ("reject-alias-taken", M::Reject(RejectReason::AliasTaken(info.clone()))),
        ("reject-number-taken", M::Reject(RejectReason::NumberTaken)),
        ("reject-outdated", M::Reject(RejectReason::Outdated(u64::MAX - 1))),
        ("reject-yourself", M::Reject(RejectReason::Yourself)),
        ("reject-already-linked", M::Reject(RejectReason::AlreadyLinked)),
        ("reject-leaving", M::Reject(RejectReason::Leaving)),
        ("ping", M::Ping(Ping { token: 1, digest: 2 })),
        ("pong", M::Pong(Pong { token: 1, digest: 2 })),
        ("members", M::Members(Members { nodes, answer: true })),
        ("ping-req", M::PingReq(PingReq { token: 5, target: id })),
        ("ping-ack", M::PingAck(PingAck { token: 5, reached: true })),
        (
            "members-forgotten",
            M::Members(Members { nodes: vec![record("e", RecordState::Forgotten)], answer: false }),
        ),
        ("leave", M::Leave),
        ("credit", M::Credit(65_536)),
        ("deliver", M::Deliver(vec![1, 2, 3])),
        ("deliver-empty", M::Deliver(Vec::new())),
        ("signal", M::Signal(vec![4])),
        ("piece", M::Piece(Piece { transfer: 1, kind: 12, last: true, bytes: vec![9; 70] })),
        ("control-request-members", M::ControlRequest(ControlRequest::Members)),
        ("control-request-leave", M::ControlRequest(ControlRequest::Leave)),
        ("control-request-forget", M::ControlRequest(ControlRequest::Forget(info.alias.clone()))),
        ("control-request-application", M::ControlRequest(ControlRequest::Application(vec![7; 9]))),
        ("control-reply-members", M::ControlReply(ControlReply::Members(views))),
        ("control-reply-leaving", M::ControlReply(ControlReply::Leaving)),
        ("control-reply-forgotten", M::ControlReply(ControlReply::Forgotten)),
        ("control-reply-failed", M::ControlReply(ControlReply::Failed("no".into()))),
        ("control-reply-not-understood", M::ControlReply(ControlReply::NotUnderstood(258))),
        ("not-dialable", M::NotDialable(info)),
        ("control-data", M::ControlData(vec![5; 3])),
        ("control-end", M::ControlEnd),
        ("want", M::Want(Want { transfer: 7, len: 70_000 })),
        ("grant", M::Grant(7)),
        ("wait", M::Wait(7)),
        ("features", M::Features(Features(0x1_0000_0003))),
    ]
}
