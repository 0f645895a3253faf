//! The books of the processes: what they have counted, and whether it balances.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use iridium_sched::supervisor::Supervision;
use iridium_sched::{ExitInfo, Observer, Reason};
use iridium_vm::Pid;

/// What all processes have counted.
#[derive(Default)]
pub(crate) struct Books {
    /// By the columns of [`COLUMNS`].
    sums: [AtomicI64; COLUMNS.len()],
    crashes: AtomicU64,
    killed: AtomicU64,
    trapped: AtomicU64,
    restarts: AtomicU64,
    gave_up: AtomicU64,
    digest: AtomicU64,
    /// Traps that nobody wanted.
    unwanted: Mutex<Vec<String>>,
}

/// What a process counts, in the order of its heap.
const COLUMNS: [&str; 9] = [
    "sent to mortals",
    "sent to eternals",
    "received by mortals",
    "received by eternals",
    "processes started",
    "links made",
    "monitors made",
    "monitors fired",
    "exit signals received",
];
const SENT_TO_MORTALS: usize = 0;
const SENT_TO_ETERNALS: usize = 1;
const RECEIVED_BY_MORTALS: usize = 2;
const RECEIVED_BY_ETERNALS: usize = 3;
const MADE: usize = 6;
const FIRED: usize = 7;

impl Books {
    fn sum(&self, column: usize) -> i64 {
        self.sums[column].load(Ordering::SeqCst)
    }

    /// All numbers with their names.
    pub(crate) fn lines(&self) -> Vec<(&'static str, i64)> {
        let counted = COLUMNS.iter().enumerate().map(|(column, name)| (*name, self.sum(column)));
        let ends = [
            ("ended with a code", &self.crashes),
            ("trapped", &self.trapped),
            ("killed", &self.killed),
            ("restarted", &self.restarts),
            ("supervisors gave up", &self.gave_up),
        ];
        let load = |(name, number): (_, &AtomicU64)| (name, number.load(Ordering::SeqCst) as i64);
        counted.chain(ends.into_iter().map(load)).collect()
    }

    /// A number that is the same when all processes have done the same.
    pub(crate) fn digest(&self) -> u64 {
        self.digest.load(Ordering::SeqCst)
    }

    /// What does not balance. `left` messages were in the mailboxes of eternals at their end, and so
    /// many were dead letters.
    pub(crate) fn faults(&self, left: i64, dead_letters: i64) -> Vec<String> {
        let mut faults = Vec::new();
        for (whom, sent, received, rest) in [
            ("eternals", SENT_TO_ETERNALS, RECEIVED_BY_ETERNALS, left),
            ("mortals", SENT_TO_MORTALS, RECEIVED_BY_MORTALS, dead_letters),
        ] {
            let (sent, received) = (self.sum(sent), self.sum(received));
            if sent != received + rest {
                faults.push(format!(
                    "{sent} messages were sent to {whom}, {received} received, and {rest} not"
                ));
            }
        }
        if self.gave_up.load(Ordering::SeqCst) > 0 {
            faults.push("supervisors gave up".into());
        }
        if self.sum(FIRED) > self.sum(MADE) {
            faults.push("monitors have fired more often than once".into());
        }
        if let Ok(unwanted) = self.unwanted.lock() {
            faults.extend(unwanted.iter().take(3).cloned());
        }
        faults
    }
}

/// The observer, which adds up.
pub(crate) struct Clerk(pub(crate) Arc<Books>);

impl Observer for Clerk {
    fn exited(&self, ending: &ExitInfo) {
        let books = &self.0;
        match (&ending.trap, ending.reason) {
            (Some(trap), _) if trap.kind.name() != "divide-by-zero" => {
                if let Ok(mut unwanted) = books.unwanted.lock() {
                    unwanted.push(trap.to_string());
                }
            }
            (Some(_), _) => drop(books.trapped.fetch_add(1, Ordering::Relaxed)),
            (None, Reason::KILLED) => drop(books.killed.fetch_add(1, Ordering::Relaxed)),
            _ => drop(books.crashes.fetch_add(1, Ordering::Relaxed)),
        }
        let heap = ending.process.as_ref().map_or(&[][..], |process| process.heap());
        let mut digest = ending.pid.bits() as u64 ^ ending.reason.0 as u64;
        for (sum, word) in books.sums.iter().zip(heap.chunks_exact(8)) {
            let word = word.try_into().map_or(0, i64::from_le_bytes);
            sum.fetch_add(word, Ordering::SeqCst);
            digest = (digest ^ word as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
        // A sum: at the end, when all wait, the driver's orders may come sooner or later.
        books.digest.fetch_add(digest, Ordering::SeqCst);
    }

    fn supervised(&self, _: Pid, what: &Supervision) {
        match what {
            Supervision::GaveUp { .. } => self.0.gave_up.fetch_add(1, Ordering::Relaxed),
            _ => self.0.restarts.fetch_add(1, Ordering::Relaxed),
        };
    }
}
