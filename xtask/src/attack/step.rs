//! The attacks.

use super::figures::{Bounds, USUAL};

/// An attack, by the name that the liar has for it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    /// How often it is said.
    pub(super) count: u64,
    /// How often in a short run, if it is a part of such.
    pub(super) short: Option<u64>,
    /// Whether the nodes have a secret. The liar speaks in clear.
    pub(super) sealed: bool,
    /// Who is to be answered all the time, and at whose door the attack is made.
    pub(super) asked: Asked,
    pub(super) bounds: Bounds,
}

/// What is asked of the first node while it is attacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The members.
    Members,
    /// The page of metrics.
    Metrics,
}

const LIE: Step =
    Step { name: "", count: 0, short: None, sealed: false, asked: Asked::Members, bounds: USUAL };

const CROWD: Step = Step { sealed: true, ..LIE };

/// All attacks.
pub(super) const STEPS: &[Step] = &[
    Step { name: "hellos", count: 1200, ..LIE },
    Step { name: "outdated", count: 100_000, ..LIE },
    Step { name: "members", count: 60_000, short: Some(5_000), ..LIE },
    Step { name: "silent-members", count: 2_000, ..LIE },
    Step { name: "forgotten", count: 60_000, ..LIE },
    Step { name: "left", count: 10_000, ..LIE },
    Step { name: "ping-requests", count: 200_000, short: Some(20_000), ..LIE },
    Step { name: "not-dialable", count: 200_000, ..LIE },
    Step { name: "digests", count: 200_000, ..LIE },
    Step { name: "half-frames", count: 60, ..LIE },
    // Messages of all links that are not complete may take 256 MiB; the system's allocator keeps more
    // of what they leave behind as they grow.
    Step { name: "half-messages", count: 60, bounds: Bounds { memory: 512, ..USUAL }, ..LIE },
    Step { name: "controls", count: 300, ..LIE },
    Step { name: "ties", count: 2_000_000, ..LIE },
    Step { name: "forged", count: 200_000, ..LIE },
    Step { name: "garbage", count: 200_000, short: Some(20_000), ..LIE },
    Step { name: "queries", count: 200_000, ..LIE },
    Step { name: "spawns", count: 200_000, ..LIE },
    Step { name: "codes-wanted", count: 200_000, ..LIE },
    Step { name: "silent", count: 10_000, ..CROWD },
    Step { name: "dripping", count: 10_000, ..CROWD },
    Step { name: "http", count: 1_000, short: Some(100), ..CROWD },
    Step { name: "handshakes", count: 1_000, ..CROWD },
    Step { name: "silent-metrics", count: 10, asked: Asked::Metrics, ..LIE },
];
