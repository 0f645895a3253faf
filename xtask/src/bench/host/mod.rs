//! The outside world: a service over HTTP beside others', connections that wait, lines of a file.

mod contender;
mod idle;
mod lines;
mod load;
mod report;
mod server;
mod target;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use self::contender::{Contenders, Name};
use self::idle::Idle;
use self::load::Load;
use self::report::{Report, Row, put};
use self::server::Server;
use super::results;
use super::samples;
use super::times::Times;
use crate::flags::BenchFlags;

/// Clients at a time that ask as fast as they are answered.
const CLIENTS: u64 = 64;
/// Requests that loop for ever, and as many that sleep, while others are answered.
const HUNG: usize = 8;

/// Measures what is outside.
pub(super) fn measure(flags: &BenchFlags) -> Result<()> {
    let folder = results::folder()?.join("host");
    std::fs::create_dir_all(&folder)?;
    let (contenders, mut missing) = Contenders::find(flags)?;
    let rounds = samples::rounds(flags);
    let mut programs = Vec::new();
    let time = Duration::from_secs(if flags.quick { 1 } else { 5 });
    match load::find(flags.alone) {
        Ok(()) => programs.extend(ask(&contenders, rounds, time)?),
        Err(remedy) => missing.push((Name::Wrk, remedy)),
    }
    let idle = Idle::measure(&contenders, if flags.quick { 500 } else { 10_000 })?;
    programs.push(lines::measure(&contenders, &folder, flags.quick, rounds)?);
    for (peer, remedy) in &missing {
        println!("not measured: {peer}; {remedy}");
    }

    let times = Times { what: "measurement", programs, missing, quick: flags.quick };
    let report = Report { times, idle };
    let verdicts = target::judge(&report);
    println!("\n{}", report.table(&verdicts));
    results::keep(&results::folder()?, "host", &report.json(&verdicts), &report.times.chart())
}

/// How fast requests are answered: the seconds for one, and those that 99 of 100 take at most; then
/// the same while others loop and sleep.
fn ask(contenders: &Contenders, rounds: usize, time: Duration) -> Result<[Row; 3]> {
    println!("hello over HTTP with {CLIENTS} clients, {rounds} rounds");
    let [mut each, mut slowest, mut disturbed] = [const { BTreeMap::new() }; 3];
    for _ in 0..rounds {
        for (name, command) in contenders.services() {
            let server = Server::start(name, command)?;
            let load = Load::put(server.port, CLIENTS, time)?;
            put(&mut each, name, load.seconds_each);
            put(&mut slowest, name, load.p99);
            if name == Name::Ours {
                put(&mut disturbed, Name::Calm, load.p99);
                let _hung = server.hang(HUNG)?;
                put(&mut disturbed, name, Load::put(server.port, CLIENTS, time)?.p99);
            }
        }
    }
    Ok([
        ("request", CLIENTS, each),
        ("p99", CLIENTS, slowest),
        ("p99 beside loops", HUNG as u64, disturbed),
    ])
}
