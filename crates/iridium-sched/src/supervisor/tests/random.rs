//! What holds whatever happens: supervisors under random schedules.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::Strategy as Any;

use super::*;
use crate::supervisor::Strategy;

/// Something that happens to a supervisor.
#[derive(Debug, Clone)]
enum Step {
    /// One of the living children ends.
    End(usize, i64),
    /// The child that was asked to end does so, with this reason.
    Obey(i64),
    /// Time passes, in ms.
    Wait(u64),
    /// A child cannot be started from now on, or can again.
    Break(usize),
    /// An exit comes from a process that has ended.
    Stale(usize),
    /// Somebody asks the supervisor to end.
    Stop(i64),
    /// It is saved and restored where the clock shows this time.
    Move(u64),
}

/// A supervisor and what it can be held to.
struct Environment {
    supervisor: Supervisor,
    now: i64,
    serial: u64,
    living: BTreeMap<Pid, usize>,
    dead: Vec<Pid>,
    broken: BTreeSet<usize>,
    /// The child that is being stopped: since when, and whether it was killed.
    asked: Option<(Pid, i64, bool)>,
    /// Ends that can have been counted as reasons to restart.
    counted: Vec<i64>,
    /// For each restart, the end that has brought it about.
    restarts: Vec<i64>,
    /// The first end since the last start, and the lowest child that has ended.
    trigger: Option<(i64, usize)>,
    gone: BTreeSet<usize>,
    ending: Option<Reason>,
    over: bool,
}

impl Environment {
    fn new(spec: Spec) -> Self {
        let mut world = Self {
            supervisor: Supervisor::new(spec),
            now: 0,
            serial: 0,
            living: BTreeMap::new(),
            dead: Vec::new(),
            broken: BTreeSet::new(),
            asked: None,
            counted: Vec::new(),
            restarts: Vec::new(),
            trigger: None,
            gone: BTreeSet::new(),
            ending: None,
            over: false,
        };
        world.supervisor.start(0);
        world.carry_out();
        world
    }

    fn spec(&self) -> &Spec {
        self.supervisor.spec()
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::End(which, reason) if !self.living.is_empty() => {
                let pid = *self.living.keys().nth(which % self.living.len()).unwrap();
                self.end(pid, Reason(reason));
            }
            Step::Obey(reason) => {
                if let Some((pid, _, killed)) = self.asked {
                    self.end(pid, if killed { Reason::KILLED } else { Reason(reason) });
                }
            }
            Step::Wait(ms) => {
                self.now += (ms * MS) as i64;
                self.supervisor.timeout(self.now as u64);
            }
            Step::Break(child) => {
                let child = child % self.spec().children.len();
                if !self.broken.remove(&child) {
                    self.broken.insert(child);
                }
            }
            Step::Stale(which) if !self.dead.is_empty() => {
                let pid = self.dead[which % self.dead.len()];
                self.supervisor.exited(pid, Reason(7), self.now as u64);
                assert_eq!(self.supervisor.poll(), None, "a stale exit does nothing");
            }
            Step::Stop(reason) => {
                self.ending.get_or_insert(Reason(reason));
                self.supervisor.stop(Reason(reason), self.now as u64);
            }
            Step::Move(there) => self.rebase(there as i64),
            Step::End(..) | Step::Stale(_) => {}
        }
        self.carry_out();
    }

    fn end(&mut self, pid: Pid, reason: Reason) {
        let index = self.living.remove(&pid).unwrap();
        self.dead.push(pid);
        if self.asked.is_some_and(|(asked, ..)| asked == pid) {
            self.asked = None;
        }
        self.has_ended(index, reason);
        self.supervisor.exited(pid, reason, self.now as u64);
    }

    fn has_ended(&mut self, index: usize, reason: Reason) {
        let restart = self.spec().children[index].restart;
        if restart == Restart::Temporary {
            self.gone.insert(index);
        }
        if restart.restarts_after(reason) {
            self.counted.push(self.now);
            let (first, lowest) = self.trigger.unwrap_or((self.now, index));
            self.trigger = Some((first, lowest.min(index)));
        }
    }

    fn rebase(&mut self, there: i64) {
        let bytes = iridium_vm::codec::encode(&self.supervisor).unwrap();
        let restored: Supervisor = iridium_vm::codec::decode(&bytes).unwrap();
        assert_eq!(restored, self.supervisor);
        self.supervisor = restored;
        self.supervisor.rebase(self.now as u64, there as u64);
        let moved = |time: &mut i64| *time += there - self.now;
        self.counted.iter_mut().chain(&mut self.restarts).for_each(moved);
        self.asked.iter_mut().for_each(|(_, since, _)| moved(since));
        self.trigger.iter_mut().for_each(|(first, _)| moved(first));
        self.now = there;
    }

    /// Does what the supervisor wants, and checks that it may want it.
    fn carry_out(&mut self) {
        for _ in 0..10_000 {
            let Some(action) = self.supervisor.poll() else { return self.at_rest() };
            assert!(!self.over, "{action:?} after the end");
            match action {
                Action::Start(index) => self.start(index),
                Action::Kill { pid, reason } => self.kill(pid, reason),
                Action::Report(report) => self.hear(report),
                Action::End(reason) => {
                    assert!(self.living.is_empty(), "nobody is left behind");
                    assert_eq!(self.ending, Some(reason));
                    self.over = true;
                }
            }
        }
        panic!("it never comes to rest");
    }

    fn start(&mut self, index: usize) {
        let now = self.now;
        assert!(self.living.values().all(|living| *living != index), "one process a child");
        assert!(!self.gone.contains(&index), "a temporary child is not restarted");
        assert_eq!(self.asked, None, "first all are stopped");
        assert_eq!(self.ending, None);
        if self.spec().strategy != Strategy::OneForOne {
            let last = self.living.values().max();
            assert!(last.is_none_or(|last| *last < index), "started in order");
        }
        if let Some((first, _)) = self.trigger.take() {
            self.restarts.push(first);
            assert!(self.within(&self.restarts) <= self.spec().restarts as usize);
        }
        if self.broken.contains(&index) {
            self.has_ended(index, Reason::NO_PROCESS);
            self.supervisor.started(index, Err("broken".into()), now as u64);
        } else {
            self.serial += 1;
            let pid = Pid::new(1, self.serial);
            self.living.insert(pid, index);
            self.supervisor.started(index, Ok(pid), now as u64);
        }
    }

    fn kill(&mut self, pid: Pid, reason: Reason) {
        let index = self.living[&pid];
        let time = match self.spec().children[index].shutdown {
            Shutdown::BrutalKill => 0,
            Shutdown::Timeout(ms) => ms,
            Shutdown::Infinity => panic!("none is patient here"),
        };
        match self.asked {
            Some((asked, since, killed)) => {
                assert_eq!((asked, reason, killed), (pid, Reason::KILLED, false));
                assert!(self.now - since >= (time * MS) as i64, "not before its time");
            }
            None => {
                assert_eq!(reason == Reason::KILLED, time == 0);
                assert_eq!(Some(&index), self.living.values().max(), "the last one first");
                match (self.ending, self.trigger, self.spec().strategy) {
                    (Some(_), ..) | (None, Some(_), Strategy::OneForAll) => {}
                    (None, Some((_, lowest)), Strategy::RestForOne) => assert!(index > lowest),
                    other => panic!("nothing calls for stopping {index}: {other:?}"),
                }
            }
        }
        let since = self.asked.map_or(self.now, |(_, since, _)| since);
        self.asked = Some((pid, since, reason == Reason::KILLED));
    }

    fn hear(&mut self, report: Supervision) {
        match report {
            Supervision::Restarted { pid, .. } => assert!(self.living.contains_key(&pid)),
            Supervision::NotStarted { .. } => {}
            Supervision::GaveUp { .. } => {
                assert!(self.within(&self.counted) > self.spec().restarts as usize);
                assert_eq!(self.ending, None);
                self.ending = Some(Reason::GAVE_UP);
            }
        }
    }

    /// How many of these times are recent enough to count.
    fn within(&self, times: &[i64]) -> usize {
        let time = (self.spec().within_ms * MS) as i64;
        times.iter().filter(|at| self.now - **at <= time).count()
    }

    fn at_rest(&self) {
        let told: BTreeMap<_, _> = self
            .supervisor
            .children()
            .zip(0..)
            .collect::<Vec<_>>()
            .iter()
            .filter_map(|((_, pid), index)| Some(((*pid)?, *index)))
            .collect();
        assert_eq!(told, self.living);
        if self.asked.is_some() || self.over {
            return;
        }
        assert_eq!(self.ending, None, "an end goes on");
        for (index, child) in self.spec().children.iter().enumerate() {
            let lives = self.living.values().any(|living| *living == index);
            assert!(lives || child.restart != Restart::Permanent, "{index} was forgotten");
        }
        if self.spec().strategy == Strategy::OneForOne {
            assert!(self.within(&self.counted) <= self.spec().restarts as usize);
        }
    }

    /// From here on all do as they are told.
    fn settle(&mut self) {
        while self.asked.is_some() {
            self.take(&Step::Obey(SHUTDOWN));
        }
    }
}

fn spec() -> impl Any<Value = Spec> {
    let strategies = vec![Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
    let restarts =
        vec![Restart::Permanent, Restart::Permanent, Restart::Transient, Restart::Temporary];
    let child = (prop::sample::select(restarts), prop::sample::select(&[0, 5, 20, 60][..]));
    let child = child.prop_map(|(restart, ms)| {
        let shutdown = if ms == 0 { Shutdown::BrutalKill } else { Shutdown::Timeout(ms) };
        let body = ChildBody::Supervisor(Spec::default());
        Child { name: String::new(), registered: None, restart, shutdown, body }
    });
    let children = prop::collection::vec(child, 1..7);
    (prop::sample::select(strategies), 0..4_u32, 5..50_u64, children).prop_map(
        |(strategy, restarts, within_ms, children)| Spec {
            strategy,
            restarts,
            within_ms,
            children,
        },
    )
}

fn step() -> impl Any<Value = Step> {
    let reason = || prop::sample::select(&[0, SHUTDOWN, 7, 7, -1][..]);
    prop_oneof![
        6 => (any::<usize>(), reason()).prop_map(|(which, reason)| Step::End(which, reason)),
        8 => reason().prop_map(Step::Obey),
        8 => (0..30_u64).prop_map(Step::Wait),
        1 => any::<usize>().prop_map(Step::Break),
        2 => any::<usize>().prop_map(Step::Stale),
        1 => reason().prop_map(Step::Stop),
        1 => (0..200 * MS).prop_map(Step::Move),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(spec in spec(), steps in prop::collection::vec(step(), 0..60)) {
        let mut world = Environment::new(spec);
        for step in &steps {
            world.take(step);
        }
        world.settle();
        world.take(&Step::Stop(3));
        world.settle();
        assert!(world.over);
        assert_eq!(world.supervisor.deadline(), None);
    }
}
