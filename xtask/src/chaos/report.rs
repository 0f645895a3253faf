//! What happened, as lines and as a table of the worst times.

use std::fmt::Write as _;
use std::time::Duration;

use super::node::alias;
use super::plan::{Kind, Step};
use super::step::{Outcome, Timed};
use super::watch::{POLL, TOLERANCE};

/// All steps so far.
#[derive(Default)]
pub(super) struct Report {
    outcomes: Vec<(Kind, Outcome)>,
}

impl Report {
    pub(super) fn add(&mut self, kind: Kind, outcome: Outcome) {
        self.outcomes.push((kind, outcome));
    }

    pub(super) fn steps(&self) -> usize {
        self.outcomes.len()
    }

    /// For each kind of step how often it was, and the worst times.
    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "The worst times until all have seen it, asked every {}; {} late is not late.\n",
            seconds(POLL),
            seconds(TOLERANCE)
        );
        let _ = writeln!(
            text,
            "{:<12} {:>5} {:>8} {:>8} {:>8} {:>8}",
            "step", "times", "seen", "limit", "healed", "limit"
        );
        for kind in Kind::ALL {
            let of_kind = || self.outcomes.iter().filter(|(k, _)| *k == kind).map(|(_, o)| o);
            let times = of_kind().count();
            let worst = |timed: Option<Timed>| match timed {
                Some(Timed { took, limit }) => [seconds(took), seconds(limit)],
                None => ["–".to_owned(), "–".to_owned()],
            };
            let seen = of_kind().filter_map(|outcome| outcome.seen);
            let [seen, seen_limit] = worst(seen.max_by_key(|timed| timed.took));
            let whole = of_kind().map(|outcome| outcome.whole);
            let [whole, whole_limit] = worst(whole.max_by_key(|timed| timed.took));
            let _ = writeln!(
                text,
                "{kind:<12} {times:>5} {seen:>8} {seen_limit:>8} {whole:>8} {whole_limit:>8}"
            );
        }
        text
    }
}

/// What a step is, before it is known how it goes.
pub(super) fn step(number: usize, step: &Step) -> String {
    let names: Vec<String> = step.to.iter().map(|node| alias(*node)).collect();
    format!("{number:>3}. {:<12} {}", step.kind, names.join(" "))
}

/// How it went.
pub(super) fn outcome(outcome: &Outcome) -> String {
    let whole = seconds(outcome.whole.took);
    match outcome.seen {
        Some(seen) => {
            format!("seen by all after {}, one mesh again after {whole}", seconds(seen.took))
        }
        None => format!("nobody was alarmed, one mesh after {whole}"),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_each_kind_is_shown_beside_its_limit() {
        let timed = |took, limit| Timed {
            took: Duration::from_millis(took),
            limit: Duration::from_secs(limit),
        };
        let mut report = Report::default();
        for (seen, whole) in [(200, 900), (400, 300)] {
            let outcome = Outcome { seen: Some(timed(seen, 1)), whole: timed(whole, 10) };
            report.add(Kind::Kill, outcome);
        }
        report.add(Kind::Blip, Outcome { seen: None, whole: timed(100, 10) });
        let table = report.table();
        let line = |kind: &str| table.lines().find(|line| line.starts_with(kind)).unwrap();
        let cells = |kind| line(kind).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(cells("kill"), "kill -9 2 0.40 s 1.00 s 0.90 s 10.00 s");
        assert_eq!(cells("link blip"), "link blip 1 – – 0.10 s 10.00 s");
        assert_eq!(cells("leave"), "leave 0 – – – –");
        assert_eq!(report.steps(), 3);
    }
}
