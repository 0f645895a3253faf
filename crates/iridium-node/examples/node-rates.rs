//! How fast processes of two nodes exchange messages, encrypted, beside a bare TCP echo:
//!
//! ```text
//! cargo run --release -p iridium-node --example node-rates [-- --json]
//! ```
//!
//! Both nodes are in this process, on loopback. Ours and the bare echo take turns; medians of five.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use iridium_asm::Assembler;
use iridium_net::{Secrets, Security};
use iridium_node::{Config, EventKind, Node};
use iridium_proto::NodeAlias;
use iridium_sched::{Output, SpawnOptions};
use iridium_vm::{Limits, Pid, Process, Program, Register};

const ROUNDS: usize = 5;
const ROUND_TRIPS: u32 = 20_000;
const SHORT: (u32, usize) = (500_000, 64);
const LONG: (u32, usize) = (10_000, 64 * 1024);
const PATIENCE: Duration = Duration::from_secs(20);

struct Silent;

impl Output for Silent {
    fn write(&self, _: Pid, _: &[u8]) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let json = std::env::args().any(|argument| argument == "--json");
    let folder = std::env::temp_dir().join(format!("iridium-rates-{}", std::process::id()));
    let secrets = Secrets::load_or_create(&folder.join("secret"))?;
    std::fs::remove_dir_all(&folder)?;
    let security = Security::Secret(secrets);
    let (a, b) = (start("a", &security)?, start("b", &security)?);
    let events = a.events();
    b.join(a.manager().local_addr().into())?;
    // The one that was joined counts the link a moment later.
    while !matches!(events.recv_timeout(PATIENCE)?.kind, EventKind::Up { .. }) {}
    let source = include_str!("../benches/traffic.iasm");
    let program = a.load(Assembler::new("traffic.iasm").assemble(source)?.module)?;
    let there = i64::from(b.scheduler().node());
    let echo = Echo::start()?;
    let mut found: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let run = |label, count, len| run(&a, &program, label, [there, i64::from(count), len]);
        found[0].push(run("round_trips", ROUND_TRIPS, 8)? / f64::from(ROUND_TRIPS));
        found[1].push(echo.round_trip(8)?);
        found[2].push(f64::from(SHORT.0) / run("one_way", SHORT.0, SHORT.1 as i64)?);
        let bytes = f64::from(LONG.0) * LONG.1 as f64;
        found[3].push(bytes / run("one_way", LONG.0, LONG.1 as i64)?);
    }
    let [trip, raw, short, long] = found.map(median);
    if json {
        println!(
            "{{\"round_trip_us\":{:.3},\"raw_round_trip_us\":{:.3},\"one_way_64_per_s\":{short:.0},\
             \"one_way_64k_bytes_per_s\":{long:.0}}}",
            trip * 1e6,
            raw * 1e6
        );
    } else {
        println!("round trip       {:8.1} us", trip * 1e6);
        println!("bare TCP echo    {:8.1} us   ratio {:.2}", raw * 1e6, trip / raw);
        println!("one way, 64 B    {:8.2} M messages/s", short / 1e6);
        println!("one way, 64 KiB  {:8.2} GB/s", long / 1e9);
    }
    Ok(())
}

fn start(name: &str, security: &Security) -> Result<Node, Box<dyn Error>> {
    let mut mesh = iridium_net::Config::new("127.0.0.1:0".parse()?, security.clone());
    mesh.alias = Some(NodeAlias::new(name)?);
    Ok(Node::start(Config::new(mesh, Arc::new(Silent)))?)
}

/// Runs a measurement and gives the seconds that it took.
fn run(
    node: &Node,
    program: &Arc<Program>,
    label: &str,
    arguments: [i64; 3],
) -> Result<f64, Box<dyn Error>> {
    let process = Process::at_label(program, label, Limits::default());
    let mut process = process.ok_or_else(|| format!("no label {label}"))?;
    for (number, int) in (0..).zip(arguments) {
        process.set_register(number, Register { int, float: 0.0 });
    }
    let begun = Instant::now();
    let ended = node.scheduler().spawn_with(process, program, SpawnOptions::default())?.exit;
    let exit = ended.recv_timeout(PATIENCE).map_err(|error| format!("{label}: {error}"))?;
    if exit.reason.0 != 0 {
        return Err(format!("{label} ended: {}", exit.reason).into());
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// A thread that sends back what it gets.
struct Echo(TcpStream);

impl Echo {
    fn start() -> Result<Self, Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let there = TcpStream::connect(listener.local_addr()?)?;
        let (mut back, _) = listener.accept()?;
        there.set_nodelay(true)?;
        back.set_nodelay(true)?;
        // Ends when the other end is dropped.
        thread::Builder::new().name("echo".into()).spawn(move || {
            let mut buffer = [0; 8];
            while back.read_exact(&mut buffer).and_then(|()| back.write_all(&buffer)).is_ok() {}
        })?;
        Ok(Self(there))
    }

    /// Seconds for a round trip.
    fn round_trip(&self, len: usize) -> Result<f64, Box<dyn Error>> {
        let mut there = &self.0;
        let mut buffer = vec![1; len];
        let begun = Instant::now();
        for _ in 0..ROUND_TRIPS {
            there.write_all(&buffer)?;
            there.read_exact(&mut buffer)?;
        }
        Ok(begun.elapsed().as_secs_f64() / f64::from(ROUND_TRIPS))
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
