//! What is begun and not ended.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use iridium_proto::{
    ControlRequest, IridiumMessage, MAX_FRAME_LINK, MAX_MESSAGE, PIECE_LEN, Piece,
};

use crate::link::{Link, Manner, frame, invented, nowhere};
use crate::wire::{Door, Ear, Mouth, connect};

/// The number of the first of those who hold a link each.
const NUMBERS: u32 = 2_000;
/// The number of `Deliver` among the messages.
const DELIVER: u8 = 12;
/// Long messages that a link may ask for at a time.
const TRANSFERS: u32 = 16;
/// What all of them take together is what one link may have.
const LONG: usize = MAX_MESSAGE / TRANSFERS as usize;
/// How long the liar looks away between two rounds.
const PAUSE: Duration = Duration::from_millis(20);

/// So many members begin a frame as long as it may be, and never end it.
pub(crate) fn frames(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let length = MAX_FRAME_LINK as u32;
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.push(DELIVER);
    bytes.resize(MAX_FRAME_LINK - 64, 0);
    each(to, count, stay, |link| link.write(&bytes))
}

/// So many members begin a message as long as it may be, as soon as they are granted it, and never end
/// it.
pub(crate) fn messages(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let pieces = (MAX_MESSAGE / PIECE_LEN) as u64;
    let piece = |_| piece(vec![7; PIECE_LEN]);
    asking(to, count, stay, MAX_MESSAGE, |link| link.say((0..pieces).map(piece)) == pieces)
}

/// So many members ask for room for as many messages as they may, and send none.
pub(crate) fn wants(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    each(to, count, stay, |link| (1..=TRANSFERS).all(|transfer| link.ask_for_room(transfer, LONG)))
}

/// So many members are granted a message, and send one byte of it at a time.
pub(crate) fn drops(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    asking(to, count, stay, LONG, |link| link.say(std::iter::once(piece(vec![7]))) == 0)
}

/// So many members send pieces that nobody has granted.
pub(crate) fn ungranted(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    each(to, count, stay, |link| link.say(std::iter::once(piece(vec![7; PIECE_LEN]))) == 1)
}

/// So many members that are linked, and do no more than answer.
pub(crate) fn links(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    each(to, count, stay, |_| true)
}

/// So many control clients ask for the members, and stay for another request.
pub(crate) fn controls(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let clients = (0..count).map(|_| client(to, ControlRequest::Members));
    let _clients = clients.collect::<Result<Vec<_>, _>>()?;
    thread::sleep(stay);
    Ok(count)
}

/// A client of an operator that asks for something.
pub(crate) fn client(to: &Door, request: ControlRequest) -> Result<(Mouth, Ear), Box<dyn Error>> {
    let mut client = connect(to)?;
    client.0.write(&frame(&IridiumMessage::ControlRequest(request))?)?;
    Ok(client)
}

fn piece(bytes: Vec<u8>) -> IridiumMessage {
    IridiumMessage::Piece(Piece { transfer: 1, kind: DELIVER, last: false, bytes })
}

/// So many members ask for room. Whoever is granted it says something, and again after each pause.
fn asking(
    to: &Door,
    count: u64,
    stay: Duration,
    len: usize,
    say: impl Fn(&Link) -> bool,
) -> Result<u64, Box<dyn Error>> {
    let links = links_of(to, count, |_| Manner::Fair, |link| link.ask_for_room(1, len))?.0;
    let (mut said, end) = (vec![false; links.len()], Instant::now() + stay);
    while Instant::now() < end {
        for (link, said) in links.iter().zip(&mut said) {
            if link.granted() > 0 && !*said {
                *said = say(link);
            }
        }
        thread::sleep(PAUSE);
    }
    Ok(said.into_iter().filter(|said| *said).count() as u64)
}

/// So many members say something, and stay. Gives how many could.
pub(crate) fn each(
    to: &Door,
    count: u64,
    stay: Duration,
    say: impl FnMut(&Link) -> bool,
) -> Result<u64, Box<dyn Error>> {
    let (_links, said) = links_of(to, count, |_| Manner::Fair, say)?;
    thread::sleep(stay);
    Ok(said)
}

/// So many members that say something, and take what the node sends each in its manner. Gives how many
/// could.
pub(crate) fn links_of(
    to: &Door,
    count: u64,
    manner: impl Fn(u64) -> Manner,
    mut say: impl FnMut(&Link) -> bool,
) -> Result<(Vec<Link>, u64), Box<dyn Error>> {
    let (mut links, mut said) = (Vec::new(), 0);
    for number in 0..count {
        let one = invented(&format!("half{number}"), NUMBERS + number as u32, nowhere())?;
        let link = Link::open_as(to, one, manner(number))?;
        said += u64::from(say(&link));
        links.push(link);
    }
    Ok((links, said))
}
