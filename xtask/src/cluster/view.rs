//! The cluster on the terminal.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::folder::{Cluster, POLL};
use super::members::{self, Member, Seen};
use super::state::{Node, State};

/// How often the live view asks the nodes.
const REFRESH: Duration = Duration::from_secs(1);
/// How many reasons why the cluster is not whole the live view has room for.
const REASONS: usize = 3;

impl Cluster {
    /// Shows what each node sees; an error unless all see all.
    pub(crate) fn status(&self) -> Result<()> {
        let Some(state) = State::load(&self.folder)? else {
            bail!("no cluster is running; `cargo xtask cluster-up` starts one");
        };
        let seen = members::ask_all(self, &state);
        print!("{}", table(&state, &seen));
        let reasons = members::reasons(&state, &seen);
        if !reasons.is_empty() {
            bail!("the cluster is not whole:\n  {}", reasons.join("\n  "));
        }
        Ok(())
    }
}

/// One line for each node: what it is and whom it sees.
pub(super) fn table(state: &State, seen: &[Seen]) -> String {
    let mut rows = vec![["NODE", "ADDRESS", "PID", "SEES ALIVE", "RTT"].map(String::from)];
    rows.extend(state.nodes.iter().zip(seen).map(|(node, seen)| row(node, seen)));
    let mut width = [0; 5];
    for row in &rows {
        for (width, cell) in width.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(width).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn row(node: &Node, seen: &Seen) -> [String; 5] {
    let (alive, rtt) = match seen {
        Err(_) => ("does not answer".into(), String::new()),
        Ok(seen) => {
            let others: Vec<_> = seen.members.iter().filter(|m| m.state != "self").collect();
            (sees(&others), rtt(&others))
        }
    };
    [node.alias.clone(), node.addr().to_string(), node.process.pid.to_string(), alive, rtt]
}

/// The others that are alive: by name while the line has room, else by number.
fn sees(others: &[&Member]) -> String {
    const ROOM: usize = 30;
    let alive: Vec<&str> =
        others.iter().filter(|m| m.state == "alive").map(|m| m.alias.as_str()).collect();
    let names = alive.join(" ");
    if names.len() <= ROOM && alive.len() == others.len() {
        return names;
    }
    format!("{} of {}", alive.len(), others.len())
}

/// The least and the most round-trip time.
fn rtt(others: &[&Member]) -> String {
    let times = || others.iter().filter_map(|m| m.rtt_us);
    let ms = |us: u64| format!("{}.{:02}", us / 1000, us % 1000 / 10);
    match (times().min(), times().max()) {
        (Some(least), Some(most)) if ms(least) != ms(most) => {
            format!("{} to {} ms", ms(least), ms(most))
        }
        (Some(least), _) => format!("{} ms", ms(least)),
        _ => String::new(),
    }
}

/// Shows the cluster until `stop`, or until its last node has ended. Off a
/// terminal it shows each change once instead of drawing over itself.
pub(super) fn watch(cluster: &Cluster, state: &State, stop: &AtomicBool) -> Result<()> {
    let terminal = std::io::stdout().is_terminal();
    let mut shown = String::new();
    let mut lines_above = 0;
    while !stop.load(Ordering::Relaxed) && state.running().next().is_some() {
        let seen = members::ask_all(cluster, state);
        let reasons = members::reasons(state, &seen);
        if terminal {
            let mut text = table(state, &seen);
            for reason in reasons.iter().take(REASONS) {
                let _ = writeln!(text, "{}", fitted(reason));
            }
            if reasons.len() > REASONS {
                let _ = writeln!(text, "and {} more", reasons.len() - REASONS);
            }
            let _ = writeln!(text, "Ctrl-C stops the cluster.");
            // Moves up to the first line of the last view and clears from there.
            let back =
                if lines_above > 0 { format!("\x1b[{lines_above}A\x1b[J") } else { String::new() };
            lines_above = text.lines().count();
            print!("{back}{text}");
        } else if shown != reasons.join("\n") {
            shown = reasons.join("\n");
            println!("{}", if reasons.is_empty() { "the cluster is whole" } else { &shown });
        }
        std::io::stdout().flush()?;
        let next = Instant::now() + REFRESH;
        while Instant::now() < next && !stop.load(Ordering::Relaxed) {
            thread::sleep(POLL);
        }
    }
    Ok(())
}

/// A text cut to one line of a narrow terminal.
fn fitted(text: &str) -> String {
    const COLUMNS: usize = 79;
    if text.chars().count() <= COLUMNS {
        return text.to_string();
    }
    text.chars().take(COLUMNS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(alias: &str, state: &str, rtt_us: Option<u64>) -> Member {
        Member {
            alias: alias.into(),
            ip: "127.0.0.1".into(),
            port: 1,
            incarnation: 1,
            state: state.into(),
            rtt_us,
        }
    }

    #[test]
    fn names_are_shown_while_there_is_room() {
        let few = [member("node2", "alive", None), member("node3", "alive", None)];
        assert_eq!(sees(&few.iter().collect::<Vec<_>>()), "node2 node3");
        let hurt = [member("node2", "down", None), member("node3", "alive", None)];
        assert_eq!(sees(&hurt.iter().collect::<Vec<_>>()), "1 of 2");
        let many: Vec<_> = (2..=16).map(|i| member(&format!("node{i}"), "alive", None)).collect();
        assert_eq!(sees(&many.iter().collect::<Vec<_>>()), "15 of 15");
    }

    #[test]
    fn times_are_in_milliseconds() {
        let links = [member("a", "alive", Some(214)), member("b", "alive", Some(3050))];
        assert_eq!(rtt(&links.iter().collect::<Vec<_>>()), "0.21 to 3.05 ms");
        assert_eq!(rtt(&[&links[0]]), "0.21 ms");
        assert_eq!(rtt(&[]), "");
    }
}
