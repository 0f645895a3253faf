//! How fast messages go from node to node, beside a bare TCP connection:
//!
//! ```text
//! cargo run --release -p iridium-net --example net-rates [SECONDS PER MEASUREMENT] [--insecure] [--carried] [--only WORD]
//! ```
//!
//! Two nodes in one process on loopback. Ours and the bare connection are measured
//! in turns, several times; the medians are shown. In a round trip both ends answer
//! on the thread that reads, as the bare echo does. With `--carried` the link has no threads of its
//! own, as where there are many.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, thread};

use iridium_net::{
    Application, ClusterClient, Config, ControlStream, Event, Manager, Recipient, Refused, Secrets,
    Security, WindowPermit,
};
use iridium_proto::{NodeAlias, NodeId};

/// Measurements of each kind, of which the median is shown.
const TURNS: usize = 7;
const SMALL: usize = 64;
const LARGE: usize = 64 * 1024;
/// It travels in pieces.
const LONG: usize = 1024 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let seconds = arguments.iter().find_map(|a| a.parse().ok()).unwrap_or(1.0);
    let span = Duration::from_secs_f64(seconds);
    let has = |option: &str| arguments.iter().any(|a| a == option);
    let pair = Pair::start(has("--insecure"), has("--carried"))?;
    let wanted = |name: &str| {
        let only = arguments.iter().skip_while(|a| *a != "--only").nth(1);
        only.is_none_or(|only| name.contains(only.as_str()))
    };
    let mut table = vec![row("", "ours", "bare TCP", "ratio")];
    let name = "round trip, 64 B";
    if wanted(name) {
        let echo = raw_echo()?;
        let [ours, bare] = in_turns(|| Ok(pair.round_trip(span)), || raw_round_trip(&echo, span))?;
        let us = |s: f64| format!("{:.2} us", s * 1e6);
        table.push(row(name, &us(ours), &us(bare), &format!("{:.2}", ours / bare)));
    }
    for (name, len) in
        [("one way, 64 B", SMALL), ("one way, 64 KiB", LARGE), ("one way, 1 MiB", LONG)]
    {
        if wanted(name) {
            let [ours, bare] = in_turns(|| pair.one_way(len, span), || raw_one_way(len, span))?;
            let rate = |r: f64| match len {
                SMALL => format!("{:.2} M/s", r / 1e6),
                _ => format!("{:.2} GB/s", r * len as f64 / 1e9),
            };
            table.push(row(name, &rate(ours), &rate(bare), &format!("{:.2}", ours / bare)));
        }
    }
    for line in table {
        writeln!(io::stdout(), "{line}")?;
    }
    Ok(())
}

fn row(what: &str, ours: &str, bare: &str, ratio: &str) -> String {
    format!("{what:<18}{ours:>12}{bare:>12}{ratio:>8}")
}

/// The medians of two things that are measured alternately.
fn in_turns(
    ours: impl Fn() -> Result<f64, Box<dyn Error>>,
    bare: impl Fn() -> Result<f64, Box<dyn Error>>,
) -> Result<[f64; 2], Box<dyn Error>> {
    let mut measured = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        measured[0].push(ours()?);
        measured[1].push(bare()?);
    }
    Ok(measured.map(|mut values| {
        values.sort_by(f64::total_cmp);
        values[TURNS / 2]
    }))
}

/// What both nodes run.
#[derive(Default)]
struct Peer {
    /// Whether a message is answered by another.
    echoes: AtomicBool,
    received: AtomicU64,
    room: (Mutex<bool>, Condvar),
}

/// Counts what comes on a link, and answers it.
struct Counter(Arc<Peer>, Arc<ClusterClient>);

impl Recipient for Counter {
    fn deliver(&mut self, bytes: Vec<u8>, permit: WindowPermit) {
        self.0.received.fetch_add(1, Ordering::Relaxed);
        drop(permit);
        if self.0.echoes.load(Ordering::Relaxed) {
            // In a round trip nothing is queued, so this is not refused.
            let _ = self.1.send(bytes);
        }
    }
}

/// What a node runs.
struct Side(Arc<Peer>);

impl Application for Side {
    fn recipient(&self, _: &NodeId, link: &Arc<ClusterClient>) -> Box<dyn Recipient> {
        Box::new(Counter(Arc::clone(&self.0), Arc::clone(link)))
    }

    fn writable(&self, _: &NodeAlias) {
        *lock(&self.0.room.0) = true;
        self.0.room.1.notify_all();
    }

    fn control(&self, _: Vec<u8>, _: &mut ControlStream) {}
    fn event(&self, _: &Event) {}
}

impl Peer {
    /// Sends, waiting for room where there is none.
    fn send(&self, link: &ClusterClient, mut bytes: Vec<u8>) {
        while let Err(Refused { bytes: kept, .. }) = link.send_in(0, bytes) {
            bytes = kept;
            let mut room = lock(&self.room.0);
            while !*room {
                room = self.room.1.wait(room).unwrap_or_else(PoisonError::into_inner);
            }
            *room = false;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Pair {
    peers: [Arc<Peer>; 2],
    links: [Arc<ClusterClient>; 2],
    _nodes: [Manager; 2],
}

impl Pair {
    fn start(insecure: bool, carried: bool) -> Result<Self, Box<dyn Error>> {
        let folder = env::temp_dir().join(format!("iridium-net-rates-{}", std::process::id()));
        let security = if insecure {
            Security::Insecure
        } else {
            Security::Secret(Secrets::load_or_create(&folder.join("secret"))?)
        };
        let peers = [Arc::new(Peer::default()), Arc::new(Peer::default())];
        let aliases = [NodeAlias::new("ann")?, NodeAlias::new("ben")?];
        let start = |i: usize| -> Result<Manager, Box<dyn Error>> {
            let mut config = Config::new("127.0.0.1:0".parse()?, security.clone());
            config.alias = Some(aliases[i].clone());
            if carried {
                config.own_threads = 0;
            }
            Ok(Manager::start_with(
                config,
                Arc::new(Side(Arc::clone(&peers[i]))) as Arc<dyn Application>,
            )?)
        };
        let nodes = [start(0)?, start(1)?];
        nodes[1].join(nodes[0].local_addr().into())?;
        let deadline = Instant::now() + Duration::from_secs(10);
        let link = |node: &Manager, to: &NodeAlias| loop {
            if let Some(link) = node.link(to) {
                break Ok(link);
            }
            if Instant::now() > deadline {
                break Err("the nodes do not meet");
            }
            thread::yield_now();
        };
        let links = [link(&nodes[0], &aliases[1])?, link(&nodes[1], &aliases[0])?];
        if !insecure {
            std::fs::remove_dir_all(folder)?;
        }
        Ok(Self { peers, links, _nodes: nodes })
    }

    /// Seconds for a message there and back.
    fn round_trip(&self, span: Duration) -> f64 {
        self.peers.iter().for_each(|peer| peer.echoes.store(true, Ordering::Relaxed));
        let before = self.peers[0].received.load(Ordering::Relaxed);
        let begun = Instant::now();
        self.peers[0].send(&self.links[0], vec![1; SMALL]);
        thread::sleep(span);
        let count = self.peers[0].received.load(Ordering::Relaxed) - before;
        let took = begun.elapsed();
        self.peers.iter().for_each(|peer| peer.echoes.store(false, Ordering::Relaxed));
        thread::sleep(Duration::from_millis(50));
        took.as_secs_f64() / count as f64
    }

    /// Messages in a second.
    fn one_way(&self, len: usize, span: Duration) -> Result<f64, Box<dyn Error>> {
        let before = self.peers[1].received.load(Ordering::Relaxed);
        let message = vec![1; len];
        let begun = Instant::now();
        let mut sent = 0;
        while begun.elapsed() < span {
            for _ in 0..(LARGE / len).max(1) {
                self.peers[0].send(&self.links[0], message.clone());
                sent += 1;
            }
        }
        while self.peers[1].received.load(Ordering::Relaxed) - before < sent {
            thread::yield_now();
        }
        Ok(sent as f64 / begun.elapsed().as_secs_f64())
    }
}

fn raw_pair() -> io::Result<[TcpStream; 2]> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let there = TcpStream::connect(listener.local_addr()?)?;
    let (back, _) = listener.accept()?;
    there.set_nodelay(true)?;
    back.set_nodelay(true)?;
    Ok([there, back])
}

/// An echo on a connection that lasts as long as ours: how a connection was used
/// before has its effect on the system's pacing.
fn raw_echo() -> Result<TcpStream, Box<dyn Error>> {
    let [there, mut back] = raw_pair()?;
    // Ends when the other end is dropped.
    thread::Builder::new().name("echo".into()).spawn(move || {
        let mut buffer = [0; SMALL];
        while back.read_exact(&mut buffer).and_then(|()| back.write_all(&buffer)).is_ok() {}
    })?;
    Ok(there)
}

fn raw_round_trip(mut there: &TcpStream, span: Duration) -> Result<f64, Box<dyn Error>> {
    let mut buffer = [1; SMALL];
    let begun = Instant::now();
    let mut count = 0u32;
    while begun.elapsed() < span {
        there.write_all(&buffer)?;
        there.read_exact(&mut buffer)?;
        count += 1;
    }
    Ok(begun.elapsed().as_secs_f64() / f64::from(count))
}

/// One write for each message, as a program without a queue of its own does it.
fn raw_one_way(len: usize, span: Duration) -> Result<f64, Box<dyn Error>> {
    let [mut there, mut back] = raw_pair()?;
    let sink = thread::Builder::new().name("sink".into()).spawn(move || {
        let mut buffer = vec![0; 4 * LARGE];
        let mut bytes = 0;
        while let Ok(n @ 1..) = back.read(&mut buffer) {
            bytes += n;
        }
        bytes
    })?;
    let message = vec![1; len];
    let begun = Instant::now();
    while begun.elapsed() < span {
        for _ in 0..(LARGE / len).max(1) {
            there.write_all(&message)?;
        }
    }
    drop(there);
    let bytes = sink.join().map_err(|_| "the sink failed")?;
    Ok((bytes / len) as f64 / begun.elapsed().as_secs_f64())
}
