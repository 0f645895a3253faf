//! What is begun and not ended.

use std::error::Error;
use std::thread;
use std::time::Duration;

use iridium_proto::{
    ControlRequest, IridiumMessage, MAX_FRAME_ADMITTED, MAX_MESSAGE, PIECE_LEN, Piece,
};

use crate::link::{Link, frame, invented, nowhere};
use crate::wire::{Door, connect};

/// The number of the first of those who hold a link each.
const NUMBERS: u32 = 2_000;
/// The number of `Deliver` among the messages.
const DELIVER: u8 = 12;

/// So many members begin a frame as long as it may be, and never end it.
pub(crate) fn frames(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let length = MAX_FRAME_ADMITTED as u32;
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.push(DELIVER);
    bytes.resize(MAX_FRAME_ADMITTED - 64, 0);
    each(to, count, stay, |link| link.write(&bytes))
}

/// So many members begin a message as long as it may be, and never end it.
pub(crate) fn messages(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let pieces = (MAX_MESSAGE / PIECE_LEN) as u64;
    let piece = |_| {
        let bytes = vec![7; PIECE_LEN];
        IridiumMessage::Piece(Piece { transfer: 1, kind: DELIVER, last: false, bytes })
    };
    each(to, count, stay, |link| link.say((0..pieces).map(piece)) == pieces)
}

/// So many members that are linked, and do no more than answer.
pub(crate) fn links(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    each(to, count, stay, |_| true)
}

/// So many control clients ask for the members, and stay for another request.
pub(crate) fn controls(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let request = frame(&IridiumMessage::ControlRequest(ControlRequest::Members))?;
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = connect(to)?;
        client.0.write(&request)?;
        clients.push(client);
    }
    thread::sleep(stay);
    Ok(count)
}

fn each(
    to: &Door,
    count: u64,
    stay: Duration,
    say: impl Fn(&Link) -> bool,
) -> Result<u64, Box<dyn Error>> {
    let (mut links, mut said) = (Vec::new(), 0);
    for number in 0..count {
        let one = invented(&format!("half{number}"), NUMBERS + number as u32, nowhere())?;
        let link = Link::open(to, one)?;
        said += u64::from(say(&link));
        links.push(link);
    }
    thread::sleep(stay);
    Ok(said)
}
