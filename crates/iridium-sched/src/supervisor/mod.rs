//! Supervision: processes whose children start again when they end.
//!
//! A supervisor is the body of a process like any other, which has a pid and a mailbox, traps
//! exits and is linked to its children. It is a state machine without I/O, clock or threads: whoever
//! runs the process hands in what happened and the time, and does what comes out as actions.
//!
//! Strategies, kinds of restart and the limit on restarts are those of Erlang/OTP's supervisors; see
//! "Supervisor Behaviour" in the OTP Design Principles and the reference of the module `supervisor`
//! in stdlib. Three things differ. A child that cannot be started counts as one that has ended for
//! [`Reason::NO_PROCESS`], the first time too. A supervisor that gives up ends with
//! [`Reason::GAVE_UP`], so that a transient one starts again as well. And programs can neither end a
//! supervisor nor send it anything: only its own supervisor and an operator ask it to end.

mod action;
pub mod app;
mod flat;
mod intensity;
mod spec;
mod state;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

pub(crate) use self::action::Action;
pub use self::action::Supervision;
use self::intensity::Intensity;
pub use self::spec::{
    Child, ChildBody, Entry, MAX_DEPTH, MAX_MS, MAX_RESTARTS, Restart, Shutdown, Spec, Strategy,
};
use self::state::{ChildState, ChildStatus, Mode, Terminating, Then};
use crate::clock::LAST_TIME;
use crate::process::reason::Reason;
use iridium_vm::Pid;

/// How many former children are remembered.
const MAX_FORMER: usize = 256;

/// A supervisor as a state machine.
///
/// After every call that takes the time, call [`poll`](Self::poll) until it gives `None` and do what
/// it says. Call [`timeout`](Self::timeout) when the clock has reached [`deadline`](Self::deadline);
/// calling it earlier, or twice, does nothing. Times are nanoseconds of one monotonic clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Supervisor {
    spec: Spec,
    /// The state of each child of the spec.
    states: Vec<ChildState>,
    mode: Mode,
    intensity: Intensity,
    /// The processes of former children, the last ones last.
    former: VecDeque<Pid>,
    actions: VecDeque<Action>,
}

impl Supervisor {
    /// A supervisor that has not started anything.
    pub(crate) fn new(spec: Spec) -> Self {
        let states =
            vec![ChildState { status: ChildStatus::Idle, ended: None }; spec.children.len()];
        Self {
            spec,
            states,
            mode: Mode::New,
            intensity: Intensity::default(),
            former: VecDeque::new(),
            actions: VecDeque::new(),
        }
    }

    /// Starts the children, one after the other. Only the first call does anything.
    pub(crate) fn start(&mut self, now: u64) {
        if self.mode == Mode::New {
            self.want_from(0);
            self.advance(now);
        }
    }

    /// The answer to [`Action::Start`]: the child's process, or what is wrong.
    pub(crate) fn started(&mut self, index: usize, result: Result<Pid, String>, now: u64) {
        let Some((child_state, child)) =
            self.states.get_mut(index).zip(self.spec.children.get(index))
        else {
            return;
        };
        if child_state.status != ChildStatus::Starting {
            return;
        }
        let name = || child.name.clone();
        match result {
            Ok(pid) => {
                child_state.status = ChildStatus::Alive(pid);
                if let Some(reason) = child_state.ended.take() {
                    self.report(Supervision::Restarted { child: name(), pid, reason });
                }
            }
            Err(error) => {
                self.report(Supervision::NotStarted { child: name(), error });
                self.ended(index, Reason::NO_PROCESS, now);
            }
        }
        self.advance(now);
    }

    /// An exit signal has come as a message, from a child that has ended or from its own supervisor, as
    /// [`stop`](Self::stop) then.
    pub(crate) fn exited(&mut self, pid: Pid, reason: Reason, now: u64) {
        let Some(index) = self
            .states
            .iter()
            .position(|child_state| child_state.status == ChildStatus::Alive(pid))
        else {
            if !self.former.contains(&pid) {
                self.stop(reason, now);
            }
            return;
        };
        if self.former.len() >= MAX_FORMER {
            self.former.pop_front();
        }
        self.former.push_back(pid);
        self.ended(index, reason, now);
        self.advance(now);
    }

    /// Stops the children in reverse order, each given its shutdown time, and ends for this reason.
    /// The first reason stands.
    pub(crate) fn stop(&mut self, reason: Reason, now: u64) {
        self.end(reason);
        self.advance(now);
    }

    /// The time has come, if it has.
    pub(crate) fn timeout(&mut self, now: u64) {
        let Mode::Stopping { terminating: Some(terminating), .. } = &mut self.mode else { return };
        if terminating.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        terminating.deadline = None;
        if let Some(ChildState { status: ChildStatus::Alive(pid), .. }) =
            self.states.get(terminating.index)
        {
            self.actions.push_back(Action::Kill { pid: *pid, reason: Reason::KILLED });
        }
    }

    /// When [`timeout`](Self::timeout) wants to be called.
    pub(crate) fn deadline(&self) -> Option<u64> {
        match &self.mode {
            Mode::Stopping { terminating: Some(terminating), .. } => terminating.deadline,
            _ => None,
        }
    }

    /// What is to be done next.
    pub(crate) fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What it was told to do.
    pub(crate) fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The children in their order, with the processes of those that run.
    pub(crate) fn children(&self) -> impl Iterator<Item = (&Child, Option<Pid>)> {
        self.spec.children.iter().zip(&self.states).map(|(child, child_state)| {
            match child_state.status {
                ChildStatus::Alive(pid) => (child, Some(pid)),
                _ => (child, None),
            }
        })
    }

    /// The memory that it takes, in bytes; an estimate, since names have different lengths.
    pub(crate) fn memory(&self) -> u64 {
        const STRINGS: usize = 64;
        let child = size_of::<Child>() + size_of::<ChildState>() + STRINGS;
        let former = self.former.capacity() * size_of::<Pid>();
        (size_of::<Self>() + self.states.len() * child + former) as u64
    }

    /// Whether a process is a child that runs, as far as is known.
    pub(crate) fn has_child(&self, pid: Pid) -> bool {
        self.states.iter().any(|child_state| child_state.status == ChildStatus::Alive(pid))
    }

    /// Moves its deadlines to a clock that stands at `there` when the present one stands at `here`.
    pub(crate) fn rebase(&mut self, here: u64, there: u64) {
        if let Mode::Stopping {
            terminating: Some(Terminating { deadline: Some(time), .. }), ..
        } = &mut self.mode
        {
            *time = time.saturating_sub(here).saturating_add(there).min(LAST_TIME);
        }
        self.intensity.rebase(here, there);
    }

    /// Whether the parts of a restored state go together.
    pub(crate) fn is_consistent(&self) -> bool {
        let count = self.states.len();
        let mode = match &self.mode {
            Mode::New | Mode::Ended => true,
            Mode::Running { next } => *next <= count,
            Mode::Stopping { below, terminating, .. } => {
                *below <= count && terminating.is_none_or(|terminating| terminating.index < count)
            }
        };
        mode && count == self.spec.children.len()
    }

    /// A child has ended.
    fn ended(&mut self, index: usize, reason: Reason, now: u64) {
        let Some((child_state, child)) =
            self.states.get_mut(index).zip(self.spec.children.get(index))
        else {
            return;
        };
        child_state.ended = Some(reason);
        child_state.status =
            if child.restart == Restart::Temporary { ChildStatus::Gone } else { ChildStatus::Idle };
        if let Mode::Stopping { from, terminating, .. } = &mut self.mode {
            if terminating.is_some_and(|terminating| terminating.index == index) {
                *terminating = None;
            }
            // It was to be stopped anyway.
            if *from <= index {
                return;
            }
        }
        if !child.restart.restarts_after(reason) {
            return;
        }
        let Spec { restarts, within_ms, .. } = self.spec;
        if self.intensity.allows(restarts.min(MAX_RESTARTS), within_ms.min(MAX_MS), now) {
            self.restart(index);
        } else {
            let child = child.name.clone();
            self.report(Supervision::GaveUp { child, reason });
            self.end(Reason::GAVE_UP);
        }
    }

    /// Starts a child again that has ended, in the way of the strategy.
    fn restart(&mut self, index: usize) {
        let first = match self.spec.strategy {
            Strategy::OneForOne => {
                if let (Some(child_state), Mode::Running { next }) =
                    (self.states.get_mut(index), &mut self.mode)
                {
                    child_state.status = ChildStatus::Wanted;
                    *next = index.min(*next);
                }
                return;
            }
            Strategy::OneForAll => 0,
            Strategy::RestForOne => index,
        };
        self.stop_from(first, Then::Restart);
    }

    fn end(&mut self, reason: Reason) {
        self.stop_from(0, Then::End(reason));
    }

    /// Goes about stopping the children from `first` on, with those that are being stopped already.
    fn stop_from(&mut self, first: usize, next: Then) {
        match &mut self.mode {
            Mode::Stopping { from, then, .. } => {
                *from = first.min(*from);
                if *then == Then::Restart {
                    *then = next;
                }
            }
            Mode::New | Mode::Running { .. } => {
                let below = self.states.len();
                self.mode = Mode::Stopping { from: first, below, terminating: None, then: next };
            }
            Mode::Ended => {}
        }
    }

    /// Goes on with what is to be done.
    fn advance(&mut self, now: u64) {
        if let Mode::Stopping { from, then, .. } = self.mode {
            if !self.stopped(now) {
                return;
            }
            match then {
                Then::Restart => self.want_from(from),
                Then::End(reason) => {
                    self.mode = Mode::Ended;
                    self.actions.push_back(Action::End(reason));
                }
            }
        }
        self.start_next();
    }

    /// Stops the next child that is to be stopped. `true` when there is none.
    fn stopped(&mut self, now: u64) -> bool {
        let Mode::Stopping { from, below, terminating, .. } = &mut self.mode else { return true };
        if terminating.is_some() {
            return false;
        }
        while let Some(index) = below.checked_sub(1).filter(|index| index >= from) {
            match self.states.get(index).map(|child_state| child_state.status) {
                Some(ChildStatus::Alive(pid)) => {
                    let shutdown = self.spec.children.get(index).map(|child| child.shutdown);
                    let (reason, deadline) = match shutdown {
                        None | Some(Shutdown::BrutalKill) => (Reason::KILLED, None),
                        Some(Shutdown::Timeout(ms)) => {
                            (Reason::SHUTDOWN, after(now, ms.min(MAX_MS)))
                        }
                        Some(Shutdown::Infinity) => (Reason::SHUTDOWN, None),
                    };
                    *terminating = Some(Terminating { index, deadline });
                    self.actions.push_back(Action::Kill { pid, reason });
                    return false;
                }
                // It will live when it is answered for, and can only be stopped then.
                Some(ChildStatus::Starting) => return false,
                _ => *below = index,
            }
        }
        true
    }

    fn start_next(&mut self) {
        let Mode::Running { next } = &mut self.mode else { return };
        while let Some(child_state) = self.states.get_mut(*next) {
            match child_state.status {
                ChildStatus::Wanted => {
                    child_state.status = ChildStatus::Starting;
                    self.actions.push_back(Action::Start(*next));
                    return;
                }
                ChildStatus::Starting => return,
                ChildStatus::Idle | ChildStatus::Alive(_) | ChildStatus::Gone => *next += 1,
            }
        }
    }

    /// Has the children from `first` on started.
    fn want_from(&mut self, first: usize) {
        for child_state in self.states.iter_mut().skip(first) {
            if child_state.status == ChildStatus::Idle {
                child_state.status = ChildStatus::Wanted;
            }
        }
        // Before `first` a start may have been put off by the stop.
        self.mode = Mode::Running { next: 0 };
    }

    fn report(&mut self, supervision: Supervision) {
        self.actions.push_back(Action::Report(supervision));
    }
}

/// The time `ms` after `now`; `None` when it never comes.
fn after(now: u64, ms: u64) -> Option<u64> {
    now.checked_add(ms.checked_mul(1_000_000)?).filter(|time| *time <= LAST_TIME)
}
