//! The table.

use std::time::Duration;

use super::figures::Figures;

const HEAD: [&str; 11] = [
    "attack", "threads", "files", "MiB", "log KiB", "answer", "silent", "newcomer", "disk KiB",
    "alarms", "left",
];

/// The names of the columns.
pub(super) fn head() -> String {
    cells(HEAD.map(str::to_owned))
}

/// What one attack has cost.
pub(super) fn row(name: &str, figures: &Figures, broken: &[String]) -> String {
    let peak = figures.peak;
    let row = cells([
        name.to_owned(),
        peak.threads.to_string(),
        peak.files.to_string(),
        (peak.memory >> 20).to_string(),
        figures.log.to_string(),
        seconds(figures.answer),
        figures.unanswered.to_string(),
        figures.newcomer.map_or_else(|| "never".to_owned(), seconds),
        figures.disk.to_string(),
        figures.alarms.to_string(),
        format!("{}/{}", figures.left.threads, figures.left.files),
    ]);
    match broken {
        [] => row,
        broken => format!("{row}  ! {}", broken.join(", ")),
    }
}

/// What the columns mean.
pub(super) fn foot() -> &'static str {
    "The most that any of three nodes has used; the longest answer to an operator of the attacked \
     one, and how many got none;\nhow long a newcomer took; honest members called suspect, down or \
     left; threads and descriptors not given back."
}

fn cells(cells: [String; HEAD.len()]) -> String {
    let [name, rest @ ..] = cells;
    let rest: String = rest.iter().map(|cell| format!(" {cell:>9}")).collect();
    format!("{name:<18}{rest}")
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
