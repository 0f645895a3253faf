//! The slot of a process: its incoming messages, and itself while it waits.
//!
//! A process that can run is owned by whoever holds its box: a queue, or the worker that runs it.
//! One that waits is *parked* in its slot. Both the parking and the arrival of a message happen under
//! the slot's lock, so either the message is there when the process is about to park, and it does
//! not, or the process is there when the message comes, and it is taken out to run. No wake-up can be
//! lost, and no process can run twice at a time.

use std::num::NonZeroU64;

use crate::memory::Memory;
use crate::sync::model::{Mutex, MutexGuard, lock};

/// The slot of a process `T` that gets messages `M`. Whoever drives a native process is woken
/// through `W`.
#[derive(Debug)]
pub(crate) struct Slot<T, M, W>(Mutex<State<T, M, W>>);

/// A slot that is locked.
#[derive(Debug)]
pub(crate) struct Locked<'s, T, M, W>(MutexGuard<'s, State<T, M, W>>);

#[derive(Debug)]
struct State<T, M, W> {
    /// The serial of the process, if there is one.
    serial: Option<NonZeroU64>,
    /// Messages that have come while the process was away.
    messages: Vec<M>,
    /// What they weigh together, and how much that may be.
    weight: u64,
    max_weight: u64,
    /// Whether some was refused, of which there is a note among the messages.
    refused: bool,
    /// The memory that is counted for them, in bytes.
    counted: u64,
    /// Whether the process is one of the runtime's own.
    system: bool,
    holder: Holder<T, W>,
}

/// What is put into a slot.
pub(crate) trait Weigh: Sized {
    /// Whether it may be refused.
    fn kind(&self) -> Kind;
    /// What it weighs, in bytes, beyond its place in the list of messages.
    fn weight(&self) -> u64;
    /// What a process finds instead of messages that weighed too much.
    fn overflow() -> Self;
    /// What a process finds instead of messages for which the node had no memory.
    fn out_of_memory() -> Self;
}

/// Whether a message may be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Never.
    Vital,
    /// A message to a program. None is kept for a process of the runtime's own.
    Mail,
    /// Somebody asks for something. Refused when too much waits.
    Request,
    /// An order to end. It always reaches a process of the runtime's own, which gets such orders
    /// only from the runtime; for others it is as a request.
    Order,
}

/// The messages of a slot, with the memory that was counted for them.
#[derive(Debug)]
pub(crate) struct Collected<M> {
    pub(crate) messages: Vec<M>,
    /// In bytes; whoever has the messages counts it from now on.
    pub(crate) counted: u64,
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
    /// It was refused. The process will find a note instead, and is to run if it was taken out;
    /// whoever drives it is to be woken.
    Refused(M, Option<Box<T>>, Option<W>),
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
    /// It does not get the message, and stays parked.
    Refuse(M),
    /// There is no memory for the message: it is to run, and to find a note of that.
    OutOfMemory(M),
}

impl<T, M: Weigh, W: Clone> Slot<T, M, W> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            serial: None,
            messages: Vec::new(),
            weight: 0,
            max_weight: 0,
            refused: false,
            counted: 0,
            system: false,
            holder: Holder::Away,
        }))
    }

    /// Makes it the slot of a process that is away, whose messages may weigh `max_weight` bytes.
    pub(crate) fn occupy(&self, serial: u64, max_weight: u64) {
        let mut state = lock(&self.0);
        state.serial = NonZeroU64::new(serial);
        state.max_weight = max_weight;
        state.system = false;
    }

    /// Makes it the slot of a process of the runtime's own that is away, for which no mail is kept.
    pub(crate) fn occupy_system(&self, serial: u64, max_weight: u64) {
        self.occupy(serial, max_weight);
        lock(&self.0).system = true;
    }

    /// Makes it the slot of a native process.
    pub(crate) fn occupy_native(&self, serial: u64, max_weight: u64, wake: W) {
        self.occupy(serial, max_weight);
        lock(&self.0).holder = Holder::Native(wake);
    }

    /// Makes it nobody's slot, after a process that was away or native. Returns the messages that it
    /// will not read.
    pub(crate) fn vacate(&self) -> Collected<M> {
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
        lock(&self.0).is_of(serial)
    }

    /// Whether it is the slot of the process with this serial, and that is one of the runtime's own.
    pub(crate) fn is_of_system(&self, serial: u64) -> bool {
        let state = lock(&self.0);
        state.system && state.is_of(serial)
    }

    /// Whether it is the slot of a native process.
    pub(crate) fn is_native(&self) -> bool {
        matches!(lock(&self.0).holder, Holder::Native(_))
    }

    /// Locks it, for several steps at once.
    #[inline(always)]
    pub(crate) fn locked(&self) -> Locked<'_, T, M, W> {
        Locked(lock(&self.0))
    }

    /// Parks a process, unless there are messages for it: then it comes back with them, and those that
    /// come next are put into `spare`, so that their sender need not make room under the lock. Without
    /// messages the slot keeps no room: what it has becomes the spare.
    pub(crate) fn park(
        &self,
        process: Box<T>,
        spare: &mut Vec<M>,
    ) -> Result<(), (Box<T>, Collected<M>)> {
        let mut state = lock(&self.0);
        if state.messages.is_empty() {
            if state.messages.capacity() > 0 {
                *spare = std::mem::take(&mut state.messages);
            }
            state.holder = Holder::Parked(process);
            return Ok(());
        }
        let collected = state.take_messages();
        state.messages = std::mem::take(spare);
        Err((process, collected))
    }

    /// Takes the messages for a process that is away or native.
    pub(crate) fn collect(&self) -> Collected<M> {
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

impl<T, M: Weigh, W: Clone> Locked<'_, T, M, W> {
    /// Whether more waits in the slot than may, so that what is vital is refused too if anybody could send any
    /// number of it. The process is told.
    pub(crate) fn is_flooded(&mut self, serial: u64) -> bool {
        let state = &mut *self.0;
        let is_flooded = state.is_of(serial) && state.weight > state.max_weight;
        if is_flooded && !state.system {
            state.note_refusal(M::overflow());
        }
        is_flooded
    }

    /// The process with this serial, if it is parked.
    #[inline(always)]
    pub(crate) fn parked(&mut self, serial: u64) -> Option<&mut T> {
        let is_here = self.0.is_of(serial);
        match &mut self.0.holder {
            Holder::Parked(process) if is_here => Some(process),
            _ => None,
        }
    }

    /// Takes out the process that is parked, which is to run.
    #[inline(always)]
    pub(crate) fn unpark(mut self) -> Option<Box<T>> {
        match std::mem::replace(&mut self.0.holder, Holder::Away) {
            Holder::Parked(process) => Some(process),
            other => {
                self.0.holder = other;
                None
            }
        }
    }

    /// Keeps mail for the process with this serial, while it is away and what waits for it is not too
    /// much. Otherwise the mail comes back.
    #[inline(always)]
    pub(crate) fn keep_mail(&mut self, serial: u64, mail: M) -> Option<M> {
        let state = &mut *self.0;
        if !state.takes_mail(serial, mail.weight()) {
            return Some(mail);
        }
        state.messages.push(mail);
        None
    }

    /// As [`keep_mail`](Self::keep_mail), all of a list or nothing. What is left of the list is room for
    /// another.
    pub(crate) fn keep_all_mail(&mut self, serial: u64, mail: &mut Vec<M>) -> bool {
        let state = &mut *self.0;
        if !state.takes_mail(serial, mail.iter().map(M::weight).sum()) {
            return false;
        }
        if state.messages.is_empty() {
            std::mem::swap(&mut state.messages, mail);
        } else {
            state.messages.append(mail);
        }
        true
    }

    /// Delivers a message to the process with this serial. One that is parked is shown it by `react`.
    pub(crate) fn deliver(
        mut self,
        serial: u64,
        message: M,
        memory: &Memory,
        react: impl FnOnce(&mut T, M) -> Reaction<M>,
    ) -> Delivered<T, M, W> {
        let state = &mut *self.0;
        if !state.is_of(serial) {
            return Delivered::NoProcess(message);
        }
        match std::mem::replace(&mut state.holder, Holder::Away) {
            Holder::Away => match state.keep(message, memory) {
                None => Delivered::Kept,
                Some(message) => Delivered::Refused(message, None, None),
            },
            Holder::Native(wake) => {
                state.holder = Holder::Native(wake.clone());
                match state.keep(message, memory) {
                    None => Delivered::Wake(wake),
                    Some(message) => Delivered::Refused(message, None, Some(wake)),
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
                    state.put(message, memory);
                    Delivered::Ready(process)
                }
                Reaction::Refuse(message) => {
                    state.holder = Holder::Parked(process);
                    Delivered::Refused(message, None, None)
                }
                Reaction::OutOfMemory(message) => {
                    state.note_refusal(M::out_of_memory());
                    Delivered::Refused(message, Some(process), None)
                }
            },
        }
    }
}

impl<T, M: Weigh, W> State<T, M, W> {
    #[inline(always)]
    fn is_of(&self, serial: u64) -> bool {
        self.serial.is_some_and(|occupied| occupied.get() == serial)
    }

    /// Takes the weight of mail for the process with this serial, while that is away and not one of the
    /// runtime's own, if it is not too much.
    #[inline(always)]
    fn takes_mail(&mut self, serial: u64, weight: u64) -> bool {
        let weight = self.weight + weight;
        let is_plain = matches!(self.holder, Holder::Away) && !self.system;
        let takes = is_plain && self.is_of(serial) && weight <= self.max_weight;
        if takes {
            self.weight = weight;
        }
        takes
    }

    /// Keeps a message, unless that is too much: then it comes back, and the process finds a note.
    #[inline]
    fn keep(&mut self, message: M, memory: &Memory) -> Option<M> {
        let (kind, weight) = (message.kind(), message.weight());
        if kind != Kind::Vital
            && (self.system || self.weight + weight > self.max_weight)
            && self.is_refused(kind)
        {
            return Some(message);
        }
        if memory.is_limited() && !self.count(kind, weight, memory) {
            self.note_refusal(M::out_of_memory());
            return Some(message);
        }
        self.weight += weight;
        self.messages.push(message);
        None
    }

    fn put(&mut self, message: M, memory: &Memory) {
        let weight = message.weight();
        if memory.is_limited() {
            self.count(Kind::Vital, weight, memory);
        }
        self.weight += weight;
        self.messages.push(message);
    }

    /// Whether a message is refused, because it weighs too much or the process is one of the runtime's
    /// own. Others find a note of that.
    #[cold]
    fn is_refused(&mut self, kind: Kind) -> bool {
        if self.system {
            return match kind {
                Kind::Vital | Kind::Order => false,
                Kind::Mail => true,
                Kind::Request => self.weight > self.max_weight,
            };
        }
        self.note_refusal(M::overflow());
        true
    }

    /// Counts the memory for one more message. `false` when there is no room for it, which only mail
    /// can be refused for. A native process ends with its own limits only, not for what others take.
    #[cold]
    fn count(&mut self, kind: Kind, weight: u64, memory: &Memory) -> bool {
        let taken = self.taken() + weight + size_of::<M>() as u64;
        // Not each message, but an eighth more at the latest.
        if taken <= self.counted + self.counted / 8 {
            return true;
        }
        let grown = taken - self.counted;
        let fits = match (kind, &self.holder) {
            (Kind::Mail, Holder::Away | Holder::Parked(_)) => memory.try_grow(grown),
            _ => {
                memory.adjust(grown as i64);
                true
            }
        };
        if fits {
            self.counted = taken;
        }
        fits
    }

    /// The memory that the messages take, in bytes.
    fn taken(&self) -> u64 {
        self.weight + (self.messages.len() * size_of::<M>()) as u64
    }

    /// Leaves a note, once, that something was refused.
    fn note_refusal(&mut self, note: M) {
        if !self.refused {
            self.refused = true;
            self.messages.push(note);
        }
    }

    fn take_messages(&mut self) -> Collected<M> {
        self.weight = 0;
        self.refused = false;
        let counted = std::mem::take(&mut self.counted);
        Collected { messages: std::mem::take(&mut self.messages), counted }
    }
}
