//! Those who do not hold the secret, in large numbers: they want a place at the door, and keep it.

use std::error::Error;
use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::wire::Door;

/// How many threads hold the connections.
const THREADS: u64 = 8;
/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long each thread pauses after it has looked at all its connections.
const PAUSE: Duration = Duration::from_millis(20);
/// The pause between two bytes of those who drip.
const DRIP: Duration = Duration::from_secs(1);
/// What a node that encrypts sends first.
const PREAMBLE: &[u8] = b"IRDM\x00\x03\x00\x03\x01";
/// The beginning of a handshake with a key that is none: the node has to compute before it knows.
const HANDSHAKE: &[u8] = b"IRDM\x00\x03\x00\x03\x01\x00\x30\
    555555555555555555555555555555555555555555555555";

/// What a stranger says.
#[derive(Clone, Copy)]
enum Manner {
    Silent,
    /// The beginning of a handshake, byte by byte.
    Dripping,
    /// All at once.
    Saying(&'static [u8]),
}

/// So many connections that say nothing; those that are closed are opened again.
pub(crate) fn silent(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    crowd(to, count, stay, Manner::Silent)
}

/// So many that begin to authenticate, a byte a second.
pub(crate) fn dripping(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    crowd(to, count, stay, Manner::Dripping)
}

/// So many that take the node for a web server.
pub(crate) fn http(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    crowd(to, count, stay, Manner::Saying(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
}

/// So many that authenticate with a key that is none.
pub(crate) fn handshakes(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    crowd(to, count, stay, Manner::Saying(HANDSHAKE))
}

/// So many that say what they speak, and no more.
pub(crate) fn introduced(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    crowd(to, count, stay, Manner::Saying(PREAMBLE))
}

/// So many that come one after the other, evenly, and keep their places for as long as they can: some
/// say nothing, others something.
pub(crate) fn coming(to: &Door, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    let manners = [Manner::Silent, Manner::Saying(PREAMBLE), Manner::Saying(HANDSHAKE)];
    let begin = Instant::now();
    let (mut opened, mut strangers) = (0, Vec::new());
    for number in 0..count {
        let due = begin + stay.mul_f64(number as f64 / count as f64);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if let Some(mut stranger) = Stranger::come(to, manners[number as usize % manners.len()]) {
            opened += 1;
            stranger.stays();
            strangers.push(stranger);
        }
        if number % 64 == 0 {
            strangers.retain_mut(Stranger::stays);
        }
    }
    Ok(opened)
}

fn crowd(to: &Door, count: u64, stay: Duration, manner: Manner) -> Result<u64, Box<dyn Error>> {
    let (to, share) = (*to, count.div_ceil(THREADS) as usize);
    let end = Instant::now() + stay;
    let threads: Vec<_> =
        (0..THREADS).map(|_| thread::spawn(move || hold(&to, share, end, manner))).collect();
    let opened = threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum();
    Ok(opened)
}

/// Holds so many connections until it is time. Gives how many were opened.
fn hold(to: &Door, share: usize, end: Instant, manner: Manner) -> u64 {
    let (mut opened, mut strangers) = (0, Vec::new());
    while Instant::now() < end {
        while strangers.len() < share && Instant::now() < end {
            let Some(stranger) = Stranger::come(to, manner) else { break };
            opened += 1;
            strangers.push(stranger);
        }
        strangers.retain_mut(Stranger::stays);
        thread::sleep(PAUSE);
    }
    opened
}

/// A connection, and how much was said on it, the last of it when.
struct Stranger {
    stream: TcpStream,
    manner: Manner,
    said: usize,
    at: Instant,
}

impl Stranger {
    /// `None` when the system or the node has no room for it.
    fn come(to: &Door, manner: Manner) -> Option<Self> {
        let stream = TcpStream::connect_timeout(&to.addr, PATIENCE).ok()?;
        stream.set_nonblocking(true).ok()?;
        Some(Self { stream, manner, said: 0, at: Instant::now() })
    }

    /// Says what is to be said by now. Gives whether the connection is still there.
    fn stays(&mut self) -> bool {
        self.speak() && !self.is_closed()
    }

    fn speak(&mut self) -> bool {
        let next = match self.manner {
            Manner::Saying(text) if self.said == 0 => text,
            Manner::Dripping if self.said == 0 || self.at.elapsed() >= DRIP => {
                HANDSHAKE.get(self.said..=self.said).unwrap_or_default()
            }
            _ => return true,
        };
        self.at = Instant::now();
        self.said += next.len();
        self.stream.write_all(next).is_ok()
    }

    fn is_closed(&self) -> bool {
        match self.stream.peek(&mut [0]) {
            Ok(n) => n == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}
