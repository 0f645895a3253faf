//! What a supervisor does, case by case.

mod random;

use super::*;

const MS: u64 = 1_000_000;

/// A supervisor with what it needs around it. What it does is told in words.
struct Bench {
    supervisor: Supervisor,
    now: u64,
    serial: u64,
    /// Children that cannot be started.
    broken: Vec<&'static str>,
}

impl Bench {
    /// Children are named by letters: `a` is permanent, `a?` transient, `a*` temporary, and `a!` is
    /// permanent and killed at once.
    fn new(strategy: Strategy, restarts: u32, children: &str) -> Self {
        let children = children.split(' ').filter(|name| !name.is_empty()).map(child).collect();
        let spec = Spec { strategy, restarts, within_ms: 10, children };
        let supervisor = Supervisor::new(spec);
        Self { supervisor, now: 0, serial: 0, broken: Vec::new() }
    }

    fn started(strategy: Strategy, restarts: u32, children: &str) -> Self {
        let mut bench = Self::new(strategy, restarts, children);
        bench.supervisor.start(0);
        bench.done();
        bench
    }

    /// The actions so far, carried out.
    fn done(&mut self) -> String {
        let mut log = Vec::new();
        while let Some(action) = self.supervisor.poll() {
            log.push(match action {
                Action::Start(index) => self.start(index),
                Action::Kill { pid, reason: Reason::SHUTDOWN } => format!("ask {}", self.name(pid)),
                Action::Kill { pid, reason } => {
                    assert_eq!(reason, Reason::KILLED);
                    format!("kill {}", self.name(pid))
                }
                Action::Report(Supervision::Restarted { child, reason, .. }) => {
                    format!("again {child} {}", reason.0)
                }
                Action::Report(Supervision::NotStarted { child, .. }) => format!("no {child}"),
                Action::Report(Supervision::GaveUp { child, reason }) => {
                    format!("enough of {child} {}", reason.0)
                }
                Action::End(reason) => format!("end {}", reason.0),
            });
        }
        log.join(", ")
    }

    fn start(&mut self, index: usize) -> String {
        let name = self.supervisor.spec().children[index].name.clone();
        self.serial += 1;
        let result = match self.broken.contains(&name.as_str()) {
            true => Err("no such label".into()),
            false => Ok(Pid::new(1, self.serial)),
        };
        self.supervisor.started(index, result, self.now);
        format!("start {name}")
    }

    fn pid(&self, name: &str) -> Pid {
        let named = self.supervisor.children().find(|(child, _)| child.name == name);
        named.unwrap().1.unwrap_or_else(|| panic!("{name} does not live"))
    }

    fn name(&self, pid: Pid) -> &str {
        let living = self.supervisor.children().find(|(_, living)| *living == Some(pid));
        &living.unwrap().0.name
    }

    fn ends(&mut self, name: &str, reason: i64) -> String {
        self.exited(self.pid(name), reason)
    }

    fn exited(&mut self, pid: Pid, reason: i64) -> String {
        self.supervisor.exited(pid, Reason(reason), self.now);
        self.done()
    }

    fn at(&mut self, ms: u64) -> String {
        self.now = ms * MS;
        self.supervisor.timeout(self.now);
        self.done()
    }

    fn living(&self) -> String {
        let living = self.supervisor.children().filter(|(_, pid)| pid.is_some());
        living.map(|(child, _)| child.name.as_str()).collect()
    }
}

#[test]
fn restarts_and_their_time_have_a_bound_whatever_a_state_says() {
    let mut bench = Bench::started(Strategy::OneForOne, u32::MAX, "a");
    bench.supervisor.spec.within_ms = u64::MAX;
    for _ in 0..MAX_RESTARTS {
        assert!(bench.ends("a", 9).starts_with("start a"));
    }
    assert!(bench.ends("a", 9).starts_with("enough of a 9"));
}

fn child(name: &str) -> Child {
    let (restart, shutdown) = match name.chars().nth(1) {
        Some('?') => (Restart::Transient, Shutdown::Timeout(100)),
        Some('*') => (Restart::Temporary, Shutdown::Timeout(100)),
        Some('!') => (Restart::Permanent, Shutdown::BrutalKill),
        Some('~') => (Restart::Permanent, Shutdown::Infinity),
        _ => (Restart::Permanent, Shutdown::Timeout(100)),
    };
    let body = ChildBody::Supervisor(Spec::default());
    Child { name: name[..1].into(), registered: None, restart, shutdown, body }
}

const STRANGER: Pid = Pid::new(2, 1);
const SHUTDOWN: i64 = Reason::SHUTDOWN.0;
const GAVE_UP: i64 = Reason::GAVE_UP.0;

#[test]
fn children_start_in_order() {
    let mut bench = Bench::new(Strategy::OneForOne, 3, "a b c");
    assert_eq!(bench.done(), "", "not before it is asked to");
    bench.supervisor.start(0);
    assert_eq!(bench.done(), "start a, start b, start c");
    bench.supervisor.start(0);
    assert_eq!(bench.done(), "", "once");
}

#[test]
fn one_for_one_restarts_the_one() {
    let mut bench = Bench::started(Strategy::OneForOne, 3, "a b c");
    let before = (bench.pid("a"), bench.pid("b"));
    assert_eq!(bench.ends("b", 7), "start b, again b 7");
    assert_eq!(bench.pid("a"), before.0);
    assert_ne!(bench.pid("b"), before.1);
}

#[test]
fn one_for_all_stops_the_others_in_reverse_order_one_by_one() {
    let mut bench = Bench::started(Strategy::OneForAll, 3, "a b c d");
    assert_eq!(bench.ends("b", 7), "ask d");
    assert_eq!(bench.ends("d", SHUTDOWN), "ask c");
    assert_eq!(bench.ends("c", SHUTDOWN), "ask a");
    let again = "start a, again a -4, start b, again b 7, start c, again c -4, start d, again d -4";
    assert_eq!(bench.ends("a", SHUTDOWN), again);
}

#[test]
fn rest_for_one_leaves_those_before_alone() {
    let mut bench = Bench::started(Strategy::RestForOne, 3, "a b c d");
    assert_eq!(bench.ends("c", 7), "ask d");
    assert_eq!(bench.ends("d", SHUTDOWN), "start c, again c 7, start d, again d -4");
    assert_eq!(bench.ends("d", 8), "start d, again d 8", "none comes after it");
}

#[test]
fn rest_for_one_widens_when_one_before_ends_meanwhile() {
    let mut bench = Bench::started(Strategy::RestForOne, 3, "a b c d");
    assert_eq!(bench.ends("c", 7), "ask d");
    assert_eq!(bench.ends("a", 8), "", "d is asked already");
    assert_eq!(bench.ends("d", SHUTDOWN), "ask b");
    let again = "start a, again a 8, start b, again b -4, start c, again c 7, start d, again d -4";
    assert_eq!(bench.ends("b", SHUTDOWN), again);
    // That were two.
    assert_eq!(bench.ends("d", 9), "start d, again d 9");
    assert_eq!(bench.ends("d", 9), "enough of d 9, ask c");
}

#[test]
fn an_end_while_the_group_stops_is_not_counted() {
    let mut bench = Bench::started(Strategy::OneForAll, 1, "a b c");
    assert_eq!(bench.ends("a", 7), "ask c");
    assert_eq!(bench.ends("b", 8), "");
    let again = "start a, again a 7, start b, again b 8, start c, again c -4";
    assert_eq!(bench.ends("c", SHUTDOWN), again);
}

#[test]
fn kinds_of_restart() {
    for reason in [Reason::NORMAL.0, SHUTDOWN, 7, Reason::KILLED.0] {
        let peaceful = reason == 0 || reason == SHUTDOWN;
        let mut bench = Bench::started(Strategy::OneForOne, 9, "a b? c*");
        assert_eq!(bench.ends("a", reason), format!("start a, again a {reason}"));
        let again = if peaceful { String::new() } else { format!("start b, again b {reason}") };
        assert_eq!(bench.ends("b", reason), again);
        assert_eq!(bench.ends("c", reason), "");
        assert_eq!(bench.living(), if peaceful { "a" } else { "ab" });
    }
}

#[test]
fn a_group_takes_transient_children_along_and_temporary_ones_not() {
    let mut bench = Bench::started(Strategy::OneForAll, 9, "a b? c* d?");
    assert_eq!(bench.ends("b", 0), "");
    assert_eq!(bench.ends("a", 7), "ask d");
    assert_eq!(bench.ends("d", SHUTDOWN), "ask c");
    let again = "start a, again a 7, start b, again b 0, start d, again d -4";
    assert_eq!(bench.ends("c", SHUTDOWN), again);
    assert_eq!(bench.living(), "abd");
}

#[test]
fn gives_up_after_too_many_restarts() {
    let mut bench = Bench::started(Strategy::OneForOne, 2, "a b");
    for _ in 0..2 {
        assert_eq!(bench.ends("a", 7), "start a, again a 7");
    }
    assert_eq!(bench.ends("a", 7), "enough of a 7, ask b");
    assert_eq!(bench.ends("b", SHUTDOWN), format!("end {GAVE_UP}"));
    assert_eq!(bench.exited(STRANGER, 1), "", "it is over");
}

#[test]
fn restarts_are_forgotten_in_time() {
    let mut bench = Bench::started(Strategy::OneForOne, 1, "a");
    for round in 0..20 {
        bench.at(11 * round);
        assert_eq!(bench.ends("a", 7), "start a, again a 7");
    }
    bench.now += 10 * MS;
    assert_eq!(bench.ends("a", 7), format!("enough of a 7, end {GAVE_UP}"));
}

#[test]
fn a_failed_start_counts_as_an_end() {
    let mut bench = Bench::new(Strategy::RestForOne, 2, "a b c");
    bench.broken.push("b");
    bench.supervisor.start(0);
    let tries = "start a, start b, no b, start b, no b, start b, no b, enough of b -2, ask a";
    assert_eq!(bench.done(), tries);
    assert_eq!(bench.ends("a", SHUTDOWN), format!("end {GAVE_UP}"));

    let mut bench = Bench::new(Strategy::OneForAll, 2, "a b* c");
    bench.broken.push("b");
    bench.supervisor.start(0);
    assert_eq!(bench.done(), "start a, start b, no b, start c", "a temporary one is gone");

    let mut bench = Bench::started(Strategy::OneForOne, 2, "a b");
    bench.broken.push("b");
    assert_eq!(bench.ends("b", 7), "start b, no b, start b, no b, enough of b -2, ask a");

    let mut bench = Bench::started(Strategy::OneForAll, 2, "a? b");
    bench.ends("a", 0);
    bench.broken.push("a");
    let tries = "start a, no a, start a, no a, enough of a -2, end -5";
    assert_eq!(bench.ends("b", 7), tries, "it had ended normally, but does not now");
}

#[test]
fn stops_in_reverse_order_for_whoever_asks() {
    let mut bench = Bench::started(Strategy::OneForOne, 3, "a b c");
    assert_eq!(bench.exited(STRANGER, SHUTDOWN), "ask c");
    assert_eq!(bench.exited(STRANGER, 5), "", "the first reason stands");
    assert_eq!(bench.ends("a", 7), "", "it is not started again");
    assert_eq!(bench.ends("c", 0), "ask b");
    assert_eq!(bench.ends("b", SHUTDOWN), format!("end {SHUTDOWN}"));
}

#[test]
fn a_child_that_does_not_end_in_time_is_killed() {
    let mut bench = Bench::started(Strategy::OneForOne, 3, "a b! c~ d");
    bench.at(50);
    assert_eq!(bench.exited(STRANGER, SHUTDOWN), "ask d");
    assert_eq!(bench.supervisor.deadline(), Some(150 * MS));
    assert_eq!(bench.at(149), "");
    assert_eq!(bench.at(150), "kill d");
    assert_eq!(bench.supervisor.deadline(), None);
    assert_eq!(bench.at(1_000), "", "once");
    assert_eq!(bench.ends("d", -1), "ask c");
    assert_eq!(bench.supervisor.deadline(), None, "it is waited for");
    assert_eq!(bench.ends("c", SHUTDOWN), "kill b", "not asked");
    assert_eq!(bench.ends("b", -1), "ask a");
    assert_eq!(bench.ends("a", SHUTDOWN), format!("end {SHUTDOWN}"));
}

#[test]
fn a_stop_overtakes_a_restart() {
    let mut bench = Bench::started(Strategy::RestForOne, 3, "a b c");
    assert_eq!(bench.ends("b", 7), "ask c");
    bench.supervisor.stop(Reason(9), bench.now);
    assert_eq!(bench.done(), "");
    assert_eq!(bench.ends("c", SHUTDOWN), "ask a");
    assert_eq!(bench.ends("a", SHUTDOWN), "end 9");
}

#[test]
fn a_child_that_starts_while_all_is_to_end_is_stopped_too() {
    let mut bench = Bench::new(Strategy::OneForOne, 3, "a b");
    bench.supervisor.start(0);
    assert_eq!(bench.supervisor.poll(), Some(Action::Start(0)));
    bench.supervisor.stop(Reason::SHUTDOWN, 0);
    assert_eq!(bench.done(), "", "nobody knows whom to stop");
    assert_eq!(bench.start(0), "start a");
    assert_eq!(bench.done(), "ask a");
    assert_eq!(bench.ends("a", SHUTDOWN), format!("end {SHUTDOWN}"));
}

#[test]
fn ends_that_come_late_or_from_before_do_nothing() {
    let mut bench = Bench::started(Strategy::OneForOne, 3, "a b");
    let (a, b) = (bench.pid("a"), bench.pid("b"));
    bench.ends("a", 7);
    assert_eq!(bench.exited(a, -1), "");
    assert_eq!(bench.living(), "ab");
    assert_eq!(bench.pid("b"), b);
    bench.supervisor.started(1, Ok(Pid::new(1, 99)), 0);
    bench.supervisor.started(77, Ok(Pid::new(1, 99)), 0);
    assert_eq!(bench.pid("b"), b, "nobody has asked for another");
}

#[test]
fn a_supervisor_without_children_waits_until_it_is_asked_to_end() {
    let mut bench = Bench::started(Strategy::OneForAll, 3, "");
    assert_eq!(bench.at(100), "");
    assert_eq!(bench.exited(STRANGER, 0), "end 0");
    let mut bench = Bench::new(Strategy::OneForAll, 3, "a");
    assert_eq!(bench.exited(STRANGER, 0), "end 0", "also before it has started");
}

#[test]
fn what_is_given_up_below_is_restarted_above() {
    let mut below = Bench::started(Strategy::OneForOne, 0, "x");
    let mut above = Bench::started(Strategy::OneForOne, 1, "a b?");
    assert_eq!(below.ends("x", 7), format!("enough of x 7, end {GAVE_UP}"));
    assert_eq!(above.ends("b", GAVE_UP), format!("start b, again b {GAVE_UP}"));
    assert_eq!(above.ends("b", GAVE_UP), format!("enough of b {GAVE_UP}, ask a"));
    assert_eq!(above.ends("a", SHUTDOWN), format!("end {GAVE_UP}"));
}

#[test]
fn a_move_to_another_clock_keeps_the_time_left() {
    let mut bench = Bench::started(Strategy::OneForOne, 3, "a");
    bench.now = 50 * MS;
    bench.exited(STRANGER, SHUTDOWN);
    let mut moved = bench.supervisor.clone();
    moved.rebase(60 * MS, 1_000 * MS);
    assert_eq!(moved.deadline(), Some(1_090 * MS));
    let mut late = moved.clone();
    late.rebase(1_200 * MS, 5);
    assert_eq!(late.deadline(), Some(5), "late is due now");
    let bytes = iridium_vm::codec::encode(&moved).unwrap();
    assert_eq!(iridium_vm::codec::decode(&bytes), Some(moved));
}

#[test]
fn reports_are_sentences() {
    let (child, reason) = (String::from("till"), Reason(7));
    let pid = Pid::new(0, 12);
    let restarted = Supervision::Restarted { child: child.clone(), pid, reason };
    assert_eq!(restarted.to_string(), "till runs again as process 12; it had ended: exit code 7");
    let gave_up = Supervision::GaveUp { child, reason: Reason::GAVE_UP };
    let text = "till has ended: its children ended too often; that was too often, so its \
                supervisor gives up";
    assert_eq!(gave_up.to_string(), text);
}
