//! Connections that are open and ask nothing: what they cost, and whether others notice them.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::contender::{Contenders, Name};
use super::server::Server;
use crate::bench::memory::resident;
use crate::bench::samples::Samples;

/// Descriptors that a process has besides.
const OTHERS: u64 = 200;
/// Requests beside the connections that wait.
const FRESH: usize = 101;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// How many waited.
    pub(super) connections: u64,
    /// Bytes of memory for each, where the system tells.
    pub(super) ours: Option<f64>,
    pub(super) hyper: Option<f64>,
    /// Seconds for a request on a connection of its own, while they waited.
    pub(super) fresh: Samples,
}

impl Idle {
    /// Opens so many connections to ours and to hyper, as far as the system lets it.
    pub(super) fn measure(contenders: &Contenders, most: u64) -> Result<Self> {
        let connections = most.min(descriptors()?.saturating_sub(OTHERS));
        println!("{connections} connections that wait");
        let mut idle = Self { connections, ..Self::default() };
        for (name, command) in contenders.services() {
            let server = Server::start(name, command)?;
            match name {
                Name::Ours => {
                    let (bytes, waiting) = open(&server, connections)?;
                    idle.ours = bytes;
                    idle.fresh = fresh(&server)?;
                    waiting.iter().try_for_each(check)?;
                }
                Name::Hyper => idle.hyper = open(&server, connections)?.0,
                _ => {}
            }
        }
        Ok(idle)
    }
}

/// Lets this process and what it starts have as many descriptors as it may. Says how many.
fn descriptors() -> Result<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let (current, maximum) = (current.unwrap_or(u64::MAX), maximum.unwrap_or(u64::MAX));
    if current < maximum {
        let raised = Rlimit { current: Some(maximum), maximum: Some(maximum) };
        setrlimit(Resource::Nofile, raised).context("cannot raise the limit of descriptors")?;
    }
    Ok(maximum)
}

/// Opens connections, which have each been answered once. Gives the memory that each took.
fn open(server: &Server, connections: u64) -> Result<(Option<f64>, Vec<TcpStream>)> {
    let before = resident(server.pid());
    let open = (0..connections).map(|_| server.client());
    let open = open.collect::<Result<Vec<_>>>().context("not all connections could be opened")?;
    let after = resident(server.pid());
    let bytes = before.zip(after).map(|(before, after)| after.saturating_sub(before) as f64);
    Ok((bytes.map(|bytes| bytes / connections as f64), open))
}

fn fresh(server: &Server) -> Result<Samples> {
    let mut samples = Samples::new();
    for _ in 0..FRESH {
        let begun = Instant::now();
        server.client()?;
        samples.push(begun.elapsed().as_secs_f64());
    }
    Ok(samples)
}

/// It is still open.
fn check(mut stream: &TcpStream) -> Result<()> {
    stream.set_nonblocking(true)?;
    match stream.read(&mut [0]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        ended => bail!("a connection that waited was not kept: {ended:?}"),
    }
}
