//! Everything at the same time.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use crate::link::Lie;
use crate::wire::Door;
use crate::{gossip, half, processes, strangers};

/// Told in turn, and how often at a time.
const LIES: &[(Lie, u64)] = &[
    (gossip::hellos, 20),
    (gossip::outdated, 100),
    (gossip::members, 10_000),
    (gossip::forgotten, 10_000),
    (gossip::left, 1_000),
    (gossip::ping_requests, 20_000),
    (gossip::not_dialable, 20_000),
    (gossip::digests, 20_000),
    (half::frames, 20),
    (half::messages, 20),
    (half::wants, 20),
    (half::drops, 20),
    (half::controls, 100),
    (processes::ties, 50_000),
    (processes::forged, 20_000),
    (processes::garbage, 20_000),
    (processes::queries, 2_000),
    (processes::spawns, 20_000),
    (processes::codes_wanted, 20_000),
    (processes::codes, 4),
];
/// How long the liar stays after each.
const STAY: Duration = Duration::from_millis(500);

/// So many strangers, of whom one half is silent and the other drips, and a member that tells one lie
/// after the other.
pub(crate) fn strangers_and_liar(
    to: &Door,
    count: u64,
    stay: Duration,
) -> Result<u64, Box<dyn Error>> {
    let (to, end) = (*to, Instant::now() + stay);
    let crowds = [strangers::silent, strangers::dripping]
        .map(|crowd: Lie| thread::spawn(move || crowd(&to, count / 2, stay).unwrap_or_default()));
    let mut lies = LIES.iter().cycle();
    while let Some((lie, times)) = lies.next().filter(|_| Instant::now() < end) {
        // The node may have enough of it, and close the link.
        if let Err(error) = lie(&to, *times, STAY) {
            println!("a lie was not told: {error}");
        }
    }
    Ok(crowds.into_iter().map(|crowd| crowd.join().unwrap_or_default()).sum())
}
