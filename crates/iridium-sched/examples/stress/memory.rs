//! The memory of this process of the system.

use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;

/// Counts what is in use, to the byte.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// How much more may be in use after later rounds than after the first: the places of processes,
/// which stay, are some more or fewer by chance.
const MORE: usize = 256 << 10;
/// What may be resident beyond what was in the beginning and what is in use: pages of which only a
/// part is, and what so few processes leave that it is not given back.
const AROUND: u64 = 16 << 20;
/// How long the giving back may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was found after a round, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    in_use: usize,
    resident: u64,
}

/// The memory at the start and after each round.
pub(crate) struct Memory {
    before: Sample,
    after: Vec<Sample>,
}

impl Memory {
    pub(crate) fn start() -> Self {
        Self { before: Sample::now(), after: Vec::new() }
    }

    /// Waits until what the processes had is given back to the system, and looks.
    pub(crate) fn round_is_over(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.is_given_back(Sample::now()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.after.push(Sample::now());
    }

    fn is_given_back(&self, sample: Sample) -> bool {
        let grown = sample.in_use.saturating_sub(self.before.in_use) as u64;
        sample.resident <= self.before.resident + grown + AROUND
    }

    /// All numbers with their names.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let list = |of: fn(&Sample) -> u64| {
            let samples = std::iter::once(&self.before).chain(&self.after);
            samples.map(|sample| (of(sample) >> 10).to_string()).collect::<Vec<_>>().join(" ")
        };
        vec![
            ("KiB in use at most", (ALLOCATOR.peak_usage() >> 10).to_string()),
            ("KiB in use by round", list(|sample| sample.in_use as u64)),
            ("KiB resident at most", (peak() >> 10).to_string()),
            ("KiB resident by round", list(|sample| sample.resident)),
        ]
    }

    /// What was not given back.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let first = self.after.first().map_or(0, |first| first.in_use);
        if self.after.iter().any(|sample| sample.in_use > first + first / 10 + MORE) {
            faults.push("from round to round more memory is in use".into());
        }
        if self.after.iter().any(|sample| !self.is_given_back(*sample)) {
            faults.push("memory is resident that nothing uses".into());
        }
        faults
    }
}

impl Sample {
    fn now() -> Self {
        Self { in_use: ALLOCATOR.current_usage(), resident: resident() }
    }
}

/// Resident memory in bytes; 0 where the system does not say.
fn resident() -> u64 {
    field("VmRSS:")
}

/// The most memory that was ever resident, in bytes; 0 where the system does not say.
fn peak() -> u64 {
    field("VmHWM:")
}

fn field(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
    value.and_then(|kib| kib.trim().parse::<u64>().ok()).unwrap_or(0) << 10
}
