//! A member of a mesh that lies: it is let in, as any that holds the secret would be, and then says
//! what no honest node says. `cargo xtask attack` starts it against real nodes and checks that they
//! keep their bounds.
//!
//! `cargo run -p iridium-node --example liar -- HOST:PORT LIE COUNT SECONDS`
//!
//! It lies `COUNT` times, and then stays a member for so many `SECONDS`. The nodes run with
//! `--insecure`, where the frames that are else encrypted go in clear: all that it sends is made here
//! from what `iridium-proto` tells anyone, so no crate has a way around the protocol for it. The last
//! four are no members: strangers that do not get past the door of any node.

mod gossip;
mod half;
mod link;
mod processes;
mod strangers;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use crate::link::Lie;

/// All lies, by name.
const LIES: &[(&str, Lie)] = &[
    ("hellos", gossip::hellos),
    ("outdated", gossip::outdated),
    ("members", gossip::members),
    ("silent-members", gossip::silent_members),
    ("forgotten", gossip::forgotten),
    ("left", gossip::left),
    ("ping-requests", gossip::ping_requests),
    ("not-dialable", gossip::not_dialable),
    ("digests", gossip::digests),
    ("half-frames", half::frames),
    ("half-messages", half::messages),
    ("controls", half::controls),
    ("ties", processes::ties),
    ("forged", processes::forged),
    ("garbage", processes::garbage),
    ("queries", processes::queries),
    ("spawns", processes::spawns),
    ("codes-wanted", processes::codes_wanted),
    ("silent", strangers::silent),
    ("silent-metrics", strangers::silent),
    ("dripping", strangers::dripping),
    ("http", strangers::http),
    ("handshakes", strangers::handshakes),
];

fn main() -> ExitCode {
    match lie() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn lie() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [to, name, count, seconds] = arguments.as_slice() else {
        let names: Vec<_> = LIES.iter().map(|(name, _)| *name).collect();
        return Err(format!("liar HOST:PORT LIE COUNT SECONDS; lies: {}", names.join(" ")).into());
    };
    let to: SocketAddr = to.parse()?;
    let (count, seconds) = (count.parse()?, seconds.parse()?);
    let Some((_, lie)) = LIES.iter().find(|(known, _)| known == name) else {
        return Err(format!("there is no lie {name}").into());
    };
    let said = lie(to, count, Duration::from_secs(seconds))?;
    println!("{name}: said {said} of {count}");
    Ok(())
}
