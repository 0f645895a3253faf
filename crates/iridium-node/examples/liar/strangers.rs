//! Those who do not hold the secret, in large numbers: they want a place at the door, and keep it.

use std::error::Error;
use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How many threads hold the connections.
const THREADS: u64 = 8;
/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long each thread pauses after it has looked at all its connections.
const PAUSE: Duration = Duration::from_millis(20);
/// The pause between two bytes of those who drip.
const DRIP: Duration = Duration::from_secs(1);
/// The beginning of a handshake with a key that is none: the node has to compute before it knows.
const HANDSHAKE: [u8; 59] = {
    let mut bytes = [5; 59];
    let start = *b"IRDM\x00\x01\x00\x01\x01\x00\x30";
    let mut at = 0;
    while at < start.len() {
        bytes[at] = start[at];
        at += 1;
    }
    bytes
};

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
pub(crate) fn silent(to: SocketAddr, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    crowd(to, count, stay, Manner::Silent)
}

/// So many that begin to authenticate, a byte a second.
pub(crate) fn dripping(to: SocketAddr, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    crowd(to, count, stay, Manner::Dripping)
}

/// So many that take the node for a web server.
pub(crate) fn http(to: SocketAddr, count: u64, stay: Duration) -> Result<u64, Box<dyn Error>> {
    crowd(to, count, stay, Manner::Saying(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
}

/// So many that authenticate with a key that is none.
pub(crate) fn handshakes(
    to: SocketAddr,
    count: u64,
    stay: Duration,
) -> Result<u64, Box<dyn Error>> {
    crowd(to, count, stay, Manner::Saying(&HANDSHAKE))
}

fn crowd(
    to: SocketAddr,
    count: u64,
    stay: Duration,
    manner: Manner,
) -> Result<u64, Box<dyn Error>> {
    let share = count.div_ceil(THREADS) as usize;
    let end = Instant::now() + stay;
    let threads: Vec<_> =
        (0..THREADS).map(|_| thread::spawn(move || hold(to, share, end, manner))).collect();
    let opened = threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum();
    Ok(opened)
}

/// A connection, and how much was said on it, the last of it when.
struct Stranger {
    stream: TcpStream,
    said: usize,
    at: Instant,
}

/// Holds so many connections until it is time. Gives how many were opened.
fn hold(to: SocketAddr, share: usize, end: Instant, manner: Manner) -> u64 {
    let (mut opened, mut strangers) = (0, Vec::new());
    while Instant::now() < end {
        while strangers.len() < share && Instant::now() < end {
            // The system or the node may have no room for it.
            let Ok(stream) = TcpStream::connect_timeout(&to, PATIENCE) else { break };
            if stream.set_nonblocking(true).is_ok() {
                opened += 1;
                strangers.push(Stranger { stream, said: 0, at: Instant::now() });
            }
        }
        strangers.retain_mut(|stranger| stranger.speak(manner) && !stranger.is_closed());
        thread::sleep(PAUSE);
    }
    opened
}

impl Stranger {
    fn speak(&mut self, manner: Manner) -> bool {
        let next = match manner {
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
