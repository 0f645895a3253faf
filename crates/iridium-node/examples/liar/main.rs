//! A member of a mesh that lies: it is let in, as any that holds the secret would be, and then says
//! what no honest node says. `cargo xtask attack` starts it against real nodes and checks that they
//! keep their bounds.
//!
//! `cargo run -p iridium-node --example liar -- HOST:PORT LIE COUNT SECONDS [SECRET-FILE]`
//!
//! It lies `COUNT` times, and then stays a member for so many `SECONDS`; in clear, if no file with a
//! secret is named. All that it sends is made here from what `iridium-proto` and the specification of
//! Noise tell anyone, so no crate has a way around the protocol for it. Some are no members:
//! strangers that do not get past the door of any node.

mod cipher;
mod crowds;
mod gossip;
mod half;
mod link;
mod processes;
mod strangers;
mod together;
mod wire;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use crate::link::Lie;
use crate::wire::Door;

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
    ("wants", half::wants),
    ("drops", half::drops),
    ("ungranted", half::ungranted),
    ("controls", half::controls),
    ("ties", processes::ties),
    ("forged", processes::forged),
    ("garbage", processes::garbage),
    ("queries", processes::queries),
    ("deaf", processes::deaf),
    ("absent", processes::absent),
    ("mean", processes::mean),
    ("puts-off", processes::puts_off),
    ("spawns", processes::spawns),
    ("codes-wanted", processes::codes_wanted),
    ("cache", processes::codes),
    ("codes-untaken", processes::codes_untaken),
    ("links", half::links),
    ("crowd-ties", crowds::ties),
    ("crowd-asks", crowds::asks),
    ("crowd-spawns", crowds::spawns),
    ("crowd-blocks", crowds::blocks),
    ("crowd-readers", crowds::readers),
    ("silent", strangers::silent),
    ("silent-metrics", strangers::silent),
    ("dripping", strangers::dripping),
    ("introduced", strangers::introduced),
    ("coming", strangers::coming),
    ("http", strangers::http),
    ("handshakes", strangers::handshakes),
    ("strangers-and-liar", together::strangers_and_liar),
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
    let (needed, secret) = arguments.split_at(arguments.len().min(4));
    let [to, name, count, seconds] = needed else {
        let names: Vec<_> = LIES.iter().map(|(name, _)| *name).collect();
        let usage = "liar HOST:PORT LIE COUNT SECONDS [SECRET-FILE]";
        return Err(format!("{usage}; lies: {}", names.join(" ")).into());
    };
    let key = secret.first().map(|path| key(path)).transpose()?;
    let to = Door { addr: to.parse()?, key };
    let (count, seconds) = (count.parse()?, seconds.parse()?);
    let Some((_, lie)) = LIES.iter().find(|(known, _)| known == name) else {
        return Err(format!("there is no lie {name}").into());
    };
    let said = lie(&to, count, Duration::from_secs(seconds))?;
    println!("{name}: said {said} of {count}");
    Ok(())
}

/// The first key in a file.
fn key(path: &str) -> Result<[u8; 32], Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let digits = line.ok_or("there is no key in it")?;
    let mut key = [0; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        let pair = digits.get(2 * at..2 * at + 2).ok_or("the key is too short")?;
        *byte = u8::from_str_radix(pair, 16)?;
    }
    Ok(key)
}
