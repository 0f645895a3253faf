//! Waits until the nodes see what they should, and checks that they see nothing else.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::node::{Answer, Nodes, alias};
use crate::cluster::{Member, Members};
use crate::interrupt;

/// How often the nodes are asked.
pub(super) const POLL: Duration = Duration::from_millis(100);
/// What is allowed beyond a limit, because the machine may be busy with other things. The
/// time that asking takes needs no allowance: a node is late only if it was asked after the
/// limit and did not know.
pub(super) const TOLERANCE: Duration = Duration::from_millis(500);

/// What is to be seen.
pub(super) struct Expected {
    pub(super) what: &'static str,
    pub(super) within: Duration,
    pub(super) sights: Vec<Sight>,
    /// Whether a member is to be seen as suspect before.
    pub(super) suspect_first: bool,
    /// Whether all who look must say the same of all who are alive.
    pub(super) one_mesh: bool,
    /// Groups of nodes to which nothing was done. Those of one group must never report each
    /// other as down.
    pub(super) calm: Vec<Vec<usize>>,
}

/// How one node is to see another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sight {
    pub(super) observer: usize,
    pub(super) target: usize,
    pub(super) state: &'static str,
}

/// All expected views of these nodes by those.
pub(super) fn sights(observers: &[usize], targets: &[usize], state: &'static str) -> Vec<Sight> {
    let of = |observer: &usize| {
        let observer = *observer;
        let others = targets.iter().filter(move |target| **target != observer);
        others.map(move |target| Sight { observer, target: *target, state })
    };
    observers.iter().flat_map(of).collect()
}

/// Waits for what is expected since the moment `since`, at which it began to be true. Returns
/// how long it took until the last node had seen it.
pub(super) fn wait(nodes: &mut Nodes, expected: &Expected, since: Instant) -> Result<Duration> {
    let observers: BTreeSet<usize> = (expected.sights.iter().map(|sight| sight.observer))
        .chain(expected.calm.iter().flatten().copied())
        .collect();
    let observers: Vec<usize> = observers.into_iter().collect();
    let mut suspected = BTreeSet::new();
    loop {
        let round = Instant::now();
        interrupt::check()?;
        nodes.refuse_dead()?;
        let answers = nodes.ask(&observers);
        refuse_false_alarm(&answers, &expected.calm)?;
        let missing = missing(&answers, expected, &mut suspected);
        if missing.is_empty() {
            let last = answers.iter().map(|answer| answer.answered).max();
            return Ok(last.unwrap_or(round).saturating_duration_since(since));
        }
        // A node that was asked after the limit, and does not know, is too late.
        let asked = answers.iter().map(|answer| answer.asked).min().unwrap_or(round);
        if asked.saturating_duration_since(since) > expected.within + TOLERANCE {
            let missing: Vec<_> = missing.into_iter().take(6).collect();
            bail!(
                "{}: not within {:.1} s: {}",
                expected.what,
                expected.within.as_secs_f64(),
                missing.join("; ")
            );
        }
        thread::sleep((round + POLL).saturating_duration_since(Instant::now()));
    }
}

/// Checks for some time that no node reports another as down.
pub(super) fn stay_calm(nodes: &mut Nodes, calm: &[Vec<usize>], time: Duration) -> Result<()> {
    let all: Vec<usize> = calm.iter().flatten().copied().collect();
    let end = Instant::now() + time;
    while Instant::now() < end {
        interrupt::check()?;
        nodes.refuse_dead()?;
        refuse_false_alarm(&nodes.ask(&all), calm)?;
        thread::sleep(POLL.min(end.saturating_duration_since(Instant::now())));
    }
    Ok(())
}

/// An error if a node reports another as down to which nothing was done.
fn refuse_false_alarm(answers: &[Answer], calm: &[Vec<usize>]) -> Result<()> {
    for group in calm {
        for Sight { observer, target, .. } in sights(group, group, "alive") {
            if let Some(seen) = seen_by(answers, observer)
                && let Some(state) = state(seen, target).filter(|s| matches!(*s, "down" | "left"))
            {
                bail!("{} falsely sees {} as {state}", alias(observer), alias(target));
            }
        }
    }
    Ok(())
}

/// What is not seen as expected.
fn missing(
    answers: &[Answer],
    expected: &Expected,
    suspected: &mut BTreeSet<(usize, usize)>,
) -> Vec<String> {
    let mut missing = Vec::new();
    for answer in answers {
        if let Err(why) = &answer.seen {
            missing.push(format!("{} does not answer: {why}", alias(answer.node)));
        }
    }
    for Sight { observer, target, state: wanted } in &expected.sights {
        let Some(seen) = seen_by(answers, *observer) else { continue };
        let state = state(seen, *target).unwrap_or("unknown");
        if state == "suspect" {
            suspected.insert((*observer, *target));
        }
        let (who, whom) = (alias(*observer), alias(*target));
        if state != *wanted {
            missing.push(format!("{who} sees {whom} as {state}"));
        } else if expected.suspect_first && !suspected.contains(&(*observer, *target)) {
            missing.push(format!("{who} calls {whom} {state} without having suspected it"));
        }
    }
    if missing.is_empty() && expected.one_mesh {
        let lists =
            || answers.iter().filter_map(|answer| answer.seen.as_ref().ok()).map(identities);
        if lists().zip(lists().skip(1)).any(|(one, next)| one != next) {
            missing.push("the nodes differ on addresses or incarnations".into());
        }
    }
    missing
}

fn seen_by(answers: &[Answer], observer: usize) -> Option<&Members> {
    let answer = answers.iter().find(|answer| answer.node == observer)?;
    answer.seen.as_ref().ok()
}

fn state(seen: &Members, target: usize) -> Option<&str> {
    let alias = alias(target);
    seen.members.iter().find(|member| member.alias == alias).map(|member| member.state.as_str())
}

/// Which nodes are alive, in which incarnation, and where.
fn identities(seen: &Members) -> BTreeSet<(&str, &str, u64)> {
    let alive = |member: &&Member| matches!(member.state.as_str(), "self" | "alive");
    let alive = seen.members.iter().filter(alive);
    alive.map(|m| (m.alias.as_str(), m.ip.as_str(), m.incarnation)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(node: usize, states: &[&str]) -> Answer {
        let member = |(target, state): (usize, &&str)| Member {
            alias: alias(target),
            ip: "10.0.0.1".into(),
            port: 2254,
            incarnation: 1,
            state: (*state).into(),
            rtt_us: None,
        };
        let seen = Members { members: states.iter().enumerate().map(member).collect() };
        let now = Instant::now();
        Answer { node, asked: now, answered: now, seen: Ok(seen) }
    }

    fn expected(sights: Vec<Sight>) -> Expected {
        let (what, within, calm) = ("", Duration::ZERO, Vec::new());
        Expected { what, within, sights, suspect_first: false, one_mesh: true, calm }
    }

    #[test]
    fn everyone_has_a_sight_of_everyone_else() {
        let all = sights(&[0, 1], &[0, 1, 2], "down");
        let pairs: Vec<_> = all.iter().map(|s| (s.observer, s.target)).collect();
        assert_eq!(pairs, [(0, 1), (0, 2), (1, 0), (1, 2)]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let answers =
            [answer(0, &["self", "alive", "down"]), answer(1, &["alive", "self", "suspect"])];
        let mut suspected = BTreeSet::new();
        let met = expected(sights(&[0], &[2], "down"));
        assert!(missing(&answers, &met, &mut suspected).is_empty());
        let unmet = expected(sights(&[0, 1], &[2], "down"));
        assert_eq!(missing(&answers, &unmet, &mut suspected), ["node2 sees node3 as suspect"]);
        let hasty = Expected { suspect_first: true, ..expected(sights(&[0], &[2], "down")) };
        assert_eq!(missing(&answers, &hasty, &mut suspected).len(), 1);
        let mut elsewhere = answer(1, &["alive", "self", "down"]);
        if let Ok(seen) = &mut elsewhere.seen {
            seen.members[0].incarnation = 2;
        }
        let differing = [answer(0, &["self", "alive", "down"]), elsewhere];
        let seen = missing(&differing, &met, &mut suspected);
        assert_eq!(seen, ["the nodes differ on addresses or incarnations"]);
    }

    #[test]
    fn only_those_to_whom_nothing_was_done_must_not_be_called_down() {
        let answers = [answer(0, &["self", "alive", "down"])];
        assert!(refuse_false_alarm(&answers, &[vec![0, 1], vec![2]]).is_ok());
        let error = refuse_false_alarm(&answers, &[vec![0, 2]]).unwrap_err().to_string();
        assert_eq!(error, "node1 falsely sees node3 as down");
    }
}
