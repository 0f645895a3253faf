//! Lines about what may happen very often, such as restarts: bounded in number, and never without
//! the last one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How many lines are printed in a [`SECOND`]; the rest are merged.
const AT_ONCE: usize = 10;
const SECOND: Duration = Duration::from_secs(1);

/// Merges lines that come too often. Those about one thing, such as a child, become one line.
pub(crate) struct MergedNotices {
    since: Instant,
    printed: usize,
    held: BTreeMap<String, Held>,
}

struct Held {
    count: u64,
    last: String,
}

impl MergedNotices {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, printed: 0, held: BTreeMap::new() }
    }

    /// Takes a line about a thing. `Some` when it is to be printed now.
    pub(crate) fn take(&mut self, about: &str, line: String, now: Instant) -> Option<String> {
        if self.held.is_empty() && now >= self.since + SECOND {
            (self.since, self.printed) = (now, 0);
        }
        if self.printed < AT_ONCE && self.held.is_empty() {
            self.printed += 1;
            return Some(line);
        }
        match self.held.get_mut(about) {
            Some(held) => *held = Held { count: held.count + 1, last: line },
            None => drop(self.held.insert(about.into(), Held { count: 1, last: line })),
        }
        None
    }

    /// How long until what is held is to be printed; `None` when nothing is.
    pub(crate) fn timeout(&self, now: Instant) -> Option<Duration> {
        (!self.held.is_empty()).then(|| (self.since + SECOND).saturating_duration_since(now))
    }

    /// What is held, to print it now.
    pub(crate) fn take_held(&mut self, now: Instant) -> Vec<String> {
        (self.since, self.printed) = (now, 0);
        let held = std::mem::take(&mut self.held);
        held.into_values()
            .map(|Held { count, last }| match count {
                1 => last,
                count => format!("{last} (the last of {count} in a short time)"),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_a_few_lines_and_its_last_word_is_heard() {
        let start = Instant::now();
        let mut notices = MergedNotices::new(start);
        let printed = (0..1000).filter_map(|n| notices.take("a", format!("a {n}"), start)).count();
        assert_eq!(printed, AT_ONCE);
        assert_eq!(notices.take("b", "b 0".into(), start), None);
        assert_eq!(notices.timeout(start), Some(SECOND));
        let later = start + SECOND;
        assert_eq!(notices.timeout(later), Some(Duration::ZERO));
        let held = notices.take_held(later);
        assert_eq!(held, ["a 999 (the last of 990 in a short time)", "b 0"]);
        assert_eq!(notices.timeout(later), None);
        assert_eq!(notices.take("a", "a".into(), later), Some("a".into()));
    }

    #[test]
    fn what_comes_now_and_then_is_printed_as_it_comes() {
        let start = Instant::now();
        let mut notices = MergedNotices::new(start);
        for second in 0..100 {
            assert!(notices.take("a", "a".into(), start + SECOND * second).is_some());
        }
    }
}
