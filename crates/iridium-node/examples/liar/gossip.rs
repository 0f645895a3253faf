//! Lies about who is a member, and where.

use std::error::Error;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use iridium_proto::{
    IridiumMessage, MemberRecord, Members, Ping, PingReq, RecordState, RejectReason,
};

use crate::link::{Link, first, frame, invented, liar, nowhere, record};
use crate::wire::{Door, accept};

/// Members that are told of in one message: as many as the longest frame of a link holds, about.
const LIST: usize = 1_000;
/// The first number of those who are invented.
const NUMBERS: u32 = 100_000;

/// So many others come in, one after the other, and are gone at once.
pub(crate) fn hellos(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    for number in 0..count {
        let one = invented(&format!("fly{number}"), NUMBERS + number as u32, nowhere())?;
        if let Err(error) = Link::open(to, one) {
            // A node may have enough of it.
            println!("not let in after {number}: {error}");
            return Ok(number);
        }
    }
    thread::sleep(stay);
    Ok(count)
}

/// Tells of ghosts, who answer each that dials them that a later incarnation of it is known: the last
/// of all, and then one that is as late as can be believed.
pub(crate) fn outdated(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let ghosts = TcpListener::bind((to.addr.ip(), 0))?;
    let link = Link::open(to, liar()?)?;
    let ghost =
        |number: u32| invented(&format!("ghost{number}"), NUMBERS + number, ghosts.local_addr()?);
    let told: Result<Vec<_>, Box<dyn Error>> =
        (0..8).map(|number| Ok(record(ghost(number)?, RecordState::Alive))).collect();
    list(&link, told?, false);
    ghosts.set_nonblocking(true)?;
    let (mut said, end) = (0, Instant::now() + stay);
    while said < count && Instant::now() < end {
        let Ok((stream, _)) = ghosts.accept() else {
            thread::sleep(Duration::from_millis(2));
            continue;
        };
        let Ok((mut mouth, ear)) = accept(stream, to) else { continue };
        let Ok(IridiumMessage::Join(join)) = first(ear) else { continue };
        let later = [u64::MAX, u64::MAX - 1, join.intro.id.incarnation + 1][said as usize % 3];
        let _ = mouth.write(&frame(&IridiumMessage::Reject(RejectReason::Outdated(later)))?);
        said += 1;
    }
    Ok(said)
}

/// Tells of so many members at an address where nobody listens.
pub(crate) fn members(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    tell(to, count, stay, nowhere(), RecordState::Alive)
}

/// Tells of so many members at an address where somebody listens and says nothing.
pub(crate) fn silent_members(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let mute = TcpListener::bind((to.addr.ip(), 0))?;
    tell(to, count, stay, mute.local_addr()?, RecordState::Alive)
}

/// Tells that so many members were forgotten.
pub(crate) fn forgotten(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    tell(to, count, stay, nowhere(), RecordState::Forgotten)
}

/// Says again and again that all others have left, or are down.
pub(crate) fn left(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    let lie = |number: u64| {
        let state = [RecordState::Left, RecordState::Down, RecordState::Forgotten];
        let state = state[number as usize % state.len()];
        let later = (number / 3 % 2) * (1 << 40);
        let others = link.members.iter().cloned().map(|mut other| {
            other.state = state;
            other.id.incarnation += later;
            other
        });
        IridiumMessage::Members(Members { nodes: others.collect(), answer: false })
    };
    let said = link.say((0..count).map(lie));
    link.stay(stay);
    Ok(said)
}

/// Asks to probe another member.
pub(crate) fn ping_requests(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    let target = link.members.first().ok_or("there is no other member")?.id.clone();
    let ask = |token| IridiumMessage::PingReq(PingReq { token, target: target.clone() });
    let said = link.say((0..count).map(ask));
    link.stay(stay);
    Ok(said)
}

/// Says that the node cannot be dialled, at this address and that.
pub(crate) fn not_dialable(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    let mut info = liar()?.info;
    info.alias = link.peer.alias.clone();
    let infos = (0..count).map(|number| {
        let port = iridium_proto::NodePort::new(1 + (number % 60_000) as u16);
        info.port = port.unwrap_or(info.port);
        IridiumMessage::NotDialable(info.clone())
    });
    let said = link.say(infos);
    link.stay(stay);
    Ok(said)
}

/// Heartbeats with digests that never fit, and lists that want an answer.
pub(crate) fn digests(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    let said = link.say((0..count).map(|token| match token % 2 {
        0 => IridiumMessage::Ping(Ping { token, digest: token }),
        _ => IridiumMessage::Members(Members { nodes: Vec::new(), answer: true }),
    }));
    link.stay(stay);
    Ok(said)
}

fn tell(
    to: &Door,
    count: u64,
    stay: Duration,
    at: SocketAddr,
    state: RecordState,
) -> Result<u64, Box<dyn Error>> {
    let link = Link::open(to, liar()?)?;
    let numbers: Vec<u64> = (0..count).collect();
    let mut said = 0;
    for numbers in numbers.chunks(LIST) {
        let invent = |number: &u64| {
            let number = *number as u32;
            // As long as an alias may be.
            let name = format!("{number:x<64}");
            Ok(record(invented(&name, NUMBERS + number, at)?, state))
        };
        let nodes: Result<Vec<MemberRecord>, Box<dyn Error>> = numbers.iter().map(invent).collect();
        said += list(&link, nodes?, false) * numbers.len() as u64;
    }
    link.stay(stay);
    Ok(said)
}

fn list(link: &Link, nodes: Vec<MemberRecord>, answer: bool) -> u64 {
    link.say(std::iter::once(IridiumMessage::Members(Members { nodes, answer })))
}
