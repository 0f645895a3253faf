//! What the nodes use at rest, first and last, beside what they may.

use std::fmt::Write as _;

use super::nodes::COUNT;
use super::plan::Fault;
use crate::attack::nodes::alias;
use crate::attack::usage::Usage;

/// Threads and descriptors of a connection that just comes or goes, or of an operator.
const TOLERANCE: u64 = 6;
/// An allocator keeps some of what was in use at the same time.
const MEMORY: u64 = 8 << 20;

/// One process, from the first look at it on.
#[derive(Debug, Clone, Copy)]
struct Life {
    node: usize,
    process: u32,
    first: Usage,
    last: Usage,
    most: Usage,
    looks: usize,
}

/// All that was seen.
#[derive(Default)]
pub(super) struct Report {
    lives: Vec<Life>,
    kills: usize,
    stops: usize,
    leaves: usize,
    /// How many answers the program of each node has had.
    pub(super) answers: Vec<u64>,
}

impl Report {
    pub(super) fn add(&mut self, fault: Fault) {
        match fault {
            Fault::Kill { .. } => self.kills += 1,
            Fault::Stop { .. } => self.stops += 1,
            Fault::Leave { .. } => self.leaves += 1,
        }
    }

    pub(super) fn note(&mut self, node: usize, process: u32, usage: Usage) {
        match self.lives.iter_mut().find(|life| (life.node, life.process) == (node, process)) {
            Some(life) => {
                life.last = usage;
                life.most = life.most.max(usage);
                life.looks += 1;
            }
            None => self.lives.push(Life {
                node,
                process,
                first: usage,
                last: usage,
                most: usage,
                looks: 1,
            }),
        }
    }

    /// For each node the process that was looked at most often.
    fn longest(&self) -> impl Iterator<Item = &Life> {
        (0..COUNT).filter_map(|node| {
            self.lives.iter().filter(|life| life.node == node).max_by_key(|life| life.looks)
        })
    }

    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "{} kills, {} stops, {} departures. For each node its longest process, at rest: first, \
             last, most.\n{:<10} {:>6} {:>14} {:>14} {:>20} {:>9}\n",
            self.kills,
            self.stops,
            self.leaves,
            "node",
            "looks",
            "threads",
            "descriptors",
            "MiB",
            "answers"
        );
        for life in self.longest() {
            let Life { first, last, most, .. } = life;
            let three = |of: fn(&Usage) -> u64| format!("{} {} {}", of(first), of(last), of(most));
            let mib = |usage: &Usage| usage.memory as f64 / f64::from(1 << 20);
            let memory = format!("{:.1} {:.1} {:.1}", mib(first), mib(last), mib(most));
            let _ = writeln!(
                text,
                "{:<10} {:>6} {:>14} {:>14} {:>20} {:>9}",
                alias(life.node),
                life.looks,
                three(|usage| usage.threads),
                three(|usage| usage.files),
                memory,
                self.answers.get(life.node).copied().unwrap_or(0)
            );
        }
        let _ = write!(
            text,
            "Allowed beyond the first: {TOLERANCE} threads, {TOLERANCE} descriptors, a quarter of the \
             memory and {} MiB.",
            MEMORY >> 20
        );
        text
    }

    /// Which nodes use more than they did, of what.
    pub(super) fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for Life { node, first, last, .. } in &self.lives {
            let memory = first.memory / 4 + MEMORY;
            for (what, first, last, more) in [
                ("threads", first.threads, last.threads, TOLERANCE),
                ("descriptors", first.files, last.files, TOLERANCE),
                ("bytes of memory", first.memory, last.memory, memory),
            ] {
                if last > first + more {
                    broken.push(format!("{}: {first} {what} became {last}", alias(*node)));
                }
            }
        }
        for (node, answers) in self.answers.iter().enumerate() {
            if *answers == 0 {
                broken.push(format!("{}: its program has had no answers", alias(node)));
            }
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_is_seen_and_a_new_process_begins_anew() {
        let usage = |threads, files, memory: u64| Usage { threads, files, memory: memory << 20 };
        let mut report = Report { answers: vec![1], ..Report::default() };
        report.note(0, 10, usage(20, 30, 20));
        report.note(0, 10, usage(24, 30, 28));
        report.note(1, 11, usage(20, 30, 20));
        report.note(1, 12, usage(30, 60, 60));
        assert_eq!(report.broken(), Vec::<String>::new());
        report.note(0, 10, usage(27, 37, 40));
        let broken = report.broken();
        assert_eq!(broken.len(), 3, "{broken:?}");
        assert!(broken[0].contains("20 threads became 27"), "{broken:?}");
        report.answers.push(0);
        assert_eq!(report.broken().len(), 4);
    }
}
