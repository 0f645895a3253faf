//! The slot of a process: its incoming messages, and itself while it waits.
//!
//! A process that can run is owned by whoever holds its box: a queue, or the worker that runs it.
//! One that waits is *parked* in its slot. Both the parking and the arrival of a message happen under
//! the slot's lock, so either the message is there when the process is about to park, and it does
//! not, or the process is there when the message comes, and it is taken out to run. No wake-up can be
//! lost, and no process can run twice at a time.

use std::num::NonZeroU64;

use crate::sync::model::{Mutex, lock};

/// The slot of a process `T` that gets messages `M`. Whoever drives a native process is woken
/// through `W`.
#[derive(Debug)]
pub(crate) struct Slot<T, M, W>(Mutex<State<T, M, W>>);

#[derive(Debug)]
struct State<T, M, W> {
    /// The serial of the process, if there is one.
    serial: Option<NonZeroU64>,
    /// Messages that have come while the process was away.
    messages: Vec<M>,
    /// The memory that they take, and how much they may take, in bytes.
    weight: u64,
    max_weight: u64,
    holder: Holder<T, W>,
}

/// What is put into a slot.
pub(crate) trait Weigh: Sized {
    /// The memory that it takes, in bytes. What weighs nothing is always kept.
    fn weight(&self) -> u64;
    /// What a process finds instead of messages that were too many.
    fn overflow() -> Self;
}

/// Where the process is.
#[derive(Debug)]
enum Holder<T, W> {
    /// It can run, or runs; or there is none.
    Away,
    /// It waits here.
    Parked(Box<T>),
    /// It is native, and driven from outside of the scheduler.
    Native(W),
}

/// What came of a delivery.
#[derive(Debug)]
pub(crate) enum Delivered<T, M, W> {
    /// The process will find it.
    Kept,
    /// The process was taken out of the slot and is to run.
    Ready(Box<T>),
    /// The process will find it, and whoever drives it is to be woken.
    Wake(W),
    /// Too much waits already, of which the process will find a note instead; whoever drives it is
    /// to be woken.
    Overflow(M, Option<W>),
    /// No process with that serial is here.
    NoProcess(M),
}

/// What to do with a parked process after it was shown a message.
#[derive(Debug)]
pub(crate) enum Reaction<M> {
    /// It has the message, and stays parked.
    Wait,
    /// It has the message, and is to run.
    Run,
    /// It is to run and to find the message in its slot.
    RunAndRead(M),
}

impl<T, M: Weigh, W: Clone> Slot<T, M, W> {
    pub(crate) fn new() -> Self {
        let (messages, holder) = (Vec::new(), Holder::Away);
        Self(Mutex::new(State { serial: None, messages, weight: 0, max_weight: 0, holder }))
    }

    /// Makes it the slot of a process that is away, whose messages may take `max_weight` bytes.
    pub(crate) fn occupy(&self, serial: u64, max_weight: u64) {
        let mut state = lock(&self.0);
        state.serial = NonZeroU64::new(serial);
        state.max_weight = max_weight;
    }

    /// Makes it the slot of a native process.
    pub(crate) fn occupy_native(&self, serial: u64, max_weight: u64, wake: W) {
        let mut state = lock(&self.0);
        state.serial = NonZeroU64::new(serial);
        state.max_weight = max_weight;
        state.holder = Holder::Native(wake);
    }

    /// Makes it nobody's slot, after a process that was away or native. Returns the messages that it
    /// will not read.
    pub(crate) fn vacate(&self) -> Vec<M> {
        let mut state = lock(&self.0);
        state.serial = None;
        let holder = std::mem::replace(&mut state.holder, Holder::Away);
        let messages = state.take_messages();
        drop(state);
        // Not under the lock: what is dropped with a process may come back here.
        drop(holder);
        messages
    }

    /// Whether it is the slot of the process with this serial.
    pub(crate) fn is_of(&self, serial: u64) -> bool {
        lock(&self.0).serial.is_some_and(|occupied| occupied.get() == serial)
    }

    /// Whether it is the slot of a native process.
    pub(crate) fn is_native(&self) -> bool {
        matches!(lock(&self.0).holder, Holder::Native(_))
    }

    /// Delivers a message to the process with this serial. One that is parked is shown it by `react`.
    pub(crate) fn deliver(
        &self,
        serial: u64,
        message: M,
        react: impl FnOnce(&mut T, M) -> Reaction<M>,
    ) -> Delivered<T, M, W> {
        let mut state = lock(&self.0);
        let state = &mut *state;
        if state.serial.is_none_or(|occupied| occupied.get() != serial) {
            return Delivered::NoProcess(message);
        }
        match std::mem::replace(&mut state.holder, Holder::Away) {
            Holder::Away => match state.keep(message) {
                None => Delivered::Kept,
                Some(message) => Delivered::Overflow(message, None),
            },
            Holder::Native(wake) => {
                state.holder = Holder::Native(wake.clone());
                match state.keep(message) {
                    None => Delivered::Wake(wake),
                    Some(message) => Delivered::Overflow(message, Some(wake)),
                }
            }
            Holder::Parked(mut process) => match react(&mut process, message) {
                Reaction::Wait => {
                    state.holder = Holder::Parked(process);
                    Delivered::Kept
                }
                Reaction::Run => Delivered::Ready(process),
                Reaction::RunAndRead(message) => {
                    // A parked process has no others, so there is no limit to check.
                    state.put(message);
                    Delivered::Ready(process)
                }
            },
        }
    }

    /// Parks a process, unless there are messages for it: then it comes back with them.
    pub(crate) fn park(&self, process: Box<T>) -> Result<(), (Box<T>, Vec<M>)> {
        let mut state = lock(&self.0);
        if state.messages.is_empty() {
            state.holder = Holder::Parked(process);
            return Ok(());
        }
        Err((process, state.take_messages()))
    }

    /// Takes the messages for a process that is away or native.
    pub(crate) fn collect(&self) -> Vec<M> {
        lock(&self.0).take_messages()
    }

    /// Shows what is here: the serial if there is a process, the process if it is parked, and its
    /// messages.
    pub(crate) fn inspect<R>(
        &self,
        inspect: impl FnOnce(Option<NonZeroU64>, Option<&T>, &[M]) -> R,
    ) -> R {
        let state = lock(&self.0);
        let parked = match &state.holder {
            Holder::Parked(process) => Some(&**process),
            Holder::Away | Holder::Native(_) => None,
        };
        inspect(state.serial, parked, &state.messages)
    }
}

impl<T, M: Weigh, W> State<T, M, W> {
    /// Keeps a message, unless that is too much: then it comes back, and a note of that is kept once.
    fn keep(&mut self, message: M) -> Option<M> {
        let weight = message.weight();
        if weight == 0 || self.weight + weight <= self.max_weight {
            self.put(message);
            return None;
        }
        if self.weight <= self.max_weight {
            self.weight += weight;
            self.messages.push(M::overflow());
        }
        Some(message)
    }

    fn put(&mut self, message: M) {
        self.weight += message.weight();
        self.messages.push(message);
    }

    fn take_messages(&mut self) -> Vec<M> {
        self.weight = 0;
        std::mem::take(&mut self.messages)
    }
}
