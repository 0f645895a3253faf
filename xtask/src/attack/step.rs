//! The attacks.

use std::time::Duration;

use super::figures::{Bounds, USUAL};

/// An attack.
#[derive(Debug)]
pub(super) struct Step {
    /// As the liar calls it, if it makes it.
    pub(super) name: &'static str,
    pub(super) by: By,
    /// How often it is said.
    pub(super) count: u64,
    /// How often in a short run, if it is a part of such.
    pub(super) short: Option<u64>,
    /// How long the liar stays afterwards, or has the attack last.
    pub(super) stay: Duration,
    /// Whether the nodes have a secret, and encrypt.
    pub(super) sealed: bool,
    /// Who is to be answered all the time, and at whose door the attack is made.
    pub(super) asked: Asked,
    pub(super) bounds: Bounds,
}

/// Who makes the attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Liar,
    /// Another user of the machine, by symbolic links where the newcomer is to write.
    Links,
}

/// What is asked of the first node while it is attacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The members.
    Members,
    /// The page of metrics.
    Metrics,
}

const LIE: Step = Step {
    name: "",
    by: By::Liar,
    count: 0,
    short: None,
    stay: Duration::from_secs(6),
    sealed: true,
    asked: Asked::Members,
    bounds: USUAL,
};

/// Frames that are not in records of Noise, where lengths and nonsense are met first.
const CLEAR: Step = Step { sealed: false, ..LIE };

const MINUTE: Step = Step { stay: Duration::from_secs(60), ..LIE };

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
    Step { name: "digests", count: 200_000, ..CLEAR },
    Step { name: "half-frames", count: 60, ..CLEAR },
    Step { name: "half-messages", count: 60, short: Some(20), ..LIE },
    Step { name: "wants", count: 60, ..LIE },
    Step { name: "drops", count: 60, ..LIE },
    Step { name: "ungranted", count: 60, ..LIE },
    Step { name: "controls", count: 300, ..LIE },
    Step { name: "ties", count: 2_000_000, ..LIE },
    Step { name: "forged", count: 200_000, ..LIE },
    Step { name: "garbage", count: 200_000, short: Some(20_000), ..CLEAR },
    Step { name: "queries", count: 200_000, ..LIE },
    Step { name: "deaf", count: 24, ..LIE },
    // All that may wait for them does.
    Step { name: "absent", count: 24, bounds: Bounds { memory: 80, ..USUAL }, ..LIE },
    Step { name: "mean", count: 8, ..LIE },
    // Who has long messages wait is believed for a minute; the programs that send them have memory, too.
    Step {
        name: "puts-off",
        count: 24,
        stay: Duration::from_secs(75),
        bounds: Bounds { memory: 112, ..USUAL },
        ..LIE
    },
    Step { name: "spawns", count: 200_000, ..LIE },
    Step { name: "codes-wanted", count: 200_000, ..LIE },
    // All that is kept on disk may take 256 MiB.
    Step { name: "cache", count: 24, bounds: Bounds { disk: 256 << 10, ..USUAL }, ..LIE },
    Step { name: "codes-untaken", count: 40, bounds: Bounds { disk: 256 << 10, ..USUAL }, ..LIE },
    // Each link that shares the threads of others has two descriptors.
    Step { name: "links", count: 300, bounds: Bounds { files: 700, ..USUAL }, ..LIE },
    // Refusals come faster than they are read: all that may wait for members does, beside all ties.
    Step { name: "crowd-ties", count: 64, bounds: Bounds { memory: 96, ..USUAL }, ..LIE },
    Step { name: "crowd-asks", count: 64, ..LIE },
    // As much waits, beside processes that wait for their code and the code that comes; all that is kept on
    // disk may take 256 MiB.
    Step {
        name: "crowd-spawns",
        count: 32,
        bounds: Bounds { memory: 96, disk: 256 << 10, ..USUAL },
        ..LIE
    },
    // Some places are left for the operator that is answered.
    Step { name: "crowd-blocks", count: 56, stay: Duration::from_secs(20), ..LIE },
    // Lists take all room for long messages, beside what the clients have not read.
    Step {
        name: "crowd-readers",
        count: 56,
        stay: Duration::from_secs(30),
        bounds: Bounds { memory: 80, ..USUAL },
        ..LIE
    },
    Step { name: "symlink", by: By::Links, short: Some(0), ..LIE },
    Step { name: "silent", count: 10_000, ..LIE },
    Step { name: "dripping", count: 10_000, ..LIE },
    Step { name: "introduced", count: 10_000, ..LIE },
    // A thousand a second.
    Step { name: "coming", count: 60_000, ..MINUTE },
    Step { name: "http", count: 1_000, short: Some(100), ..LIE },
    Step { name: "handshakes", count: 1_000, ..LIE },
    Step { name: "silent-metrics", count: 10, asked: Asked::Metrics, ..LIE },
    // Places at the door, lying links and clients of operators at the same time, and all that may take
    // the disk.
    Step {
        name: "strangers-and-liar",
        count: 10_000,
        bounds: Bounds { files: 512, disk: 256 << 10, ..USUAL },
        ..MINUTE
    },
];
