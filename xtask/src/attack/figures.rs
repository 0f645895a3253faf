//! What an attack has cost, and what it may cost.

use std::time::Duration;

use super::usage::Usage;

/// The most that any node has used while it was attacked, and what became of the others.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    pub(super) peak: Usage,
    /// The longest answer to an operator.
    pub(super) answer: Duration,
    /// Answers that did not come.
    pub(super) unanswered: usize,
    /// How long a newcomer took to be a member; `None` when it did not get in.
    pub(super) newcomer: Option<Duration>,
    /// The longest log, and the most that a node has in its folder, in KiB.
    pub(super) log: u64,
    pub(super) disk: u64,
    /// How often an honest node called another suspect or down.
    pub(super) alarms: usize,
    /// Files of others that were written to.
    pub(super) harmed: usize,
    /// What was not given back.
    pub(super) left: Usage,
}

/// What an attack may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) threads: u64,
    pub(super) files: u64,
    /// In MiB.
    pub(super) memory: u64,
    /// In KiB.
    pub(super) log: u64,
    pub(super) disk: u64,
    pub(super) answer: Duration,
    pub(super) newcomer: Duration,
}

/// For those attacks that say nothing else. Dials have 128 threads at most, and those who greet 256.
pub(super) const USUAL: Bounds = Bounds {
    threads: 200,
    files: 400,
    memory: 64,
    log: 1024,
    disk: 64,
    answer: Duration::from_secs(1),
    newcomer: Duration::from_secs(2),
};
/// Threads and descriptors of a newcomer, or of an operator who is just being answered.
const TOLERANCE: u64 = 4;

impl Bounds {
    /// The bounds that the figures break, in words.
    pub(super) fn broken(&self, figures: &Figures) -> Vec<String> {
        let counts = [
            ("threads", figures.peak.threads, self.threads),
            ("descriptors", figures.peak.files, self.files),
            ("MiB of memory", figures.peak.memory >> 20, self.memory),
            ("KiB of log", figures.log, self.log),
            ("KiB on disk", figures.disk, self.disk),
            ("unanswered questions", figures.unanswered as u64, 0),
            ("false alarms", figures.alarms as u64, 0),
            ("files of others written to", figures.harmed as u64, 0),
            ("threads not given back", figures.left.threads, TOLERANCE),
            ("descriptors not given back", figures.left.files, TOLERANCE),
        ];
        let counts = counts.into_iter().filter(|(_, figure, bound)| figure > bound);
        let counts =
            counts.map(|(what, figure, bound)| format!("{figure} {what} (at most {bound})"));
        let newcomer = figures.newcomer.unwrap_or(Duration::MAX);
        let times = [("an operator waits", figures.answer, self.answer)].into_iter().chain([(
            "a newcomer waits",
            newcomer,
            self.newcomer,
        )]);
        let times = times.filter(|(_, figure, bound)| figure > bound);
        let times = times.map(|(what, figure, bound)| match figure {
            Duration::MAX => format!("{what} in vain"),
            figure => {
                format!("{what} {:.1} s (at most {} s)", figure.as_secs_f64(), bound.as_secs())
            }
        });
        counts.chain(times).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_can_be_broken() {
        let good = Figures { newcomer: Some(Duration::from_secs(1)), ..Figures::default() };
        assert_eq!(USUAL.broken(&good), Vec::<String>::new());
        let bad = Figures { newcomer: None, log: 5000, ..good };
        let broken = USUAL.broken(&bad);
        assert_eq!(broken, ["5000 KiB of log (at most 1024)", "a newcomer waits in vain"]);
        let slow = Figures { answer: Duration::from_millis(1500), ..good };
        assert_eq!(USUAL.broken(&slow), ["an operator waits 1.5 s (at most 1 s)"]);
    }
}
