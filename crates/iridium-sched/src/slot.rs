//! The place of a process: its letters, and itself while it waits.
//!
//! A process that can run is owned by whoever holds its box: a queue, or the worker that runs it.
//! One that waits is *parked* in its slot. Both the parking and the arrival of a letter happen under
//! the slot's lock, so either the letter is there when the process is about to park, and it does
//! not, or the process is there when the letter comes, and it is taken out to run. No wake-up can be
//! lost, and no process can run twice at a time.

use super::sync::model::{Mutex, lock};

/// The place of a process `T` that gets letters `L` and may be driven from outside, by somebody who
/// is woken through `G`.
#[derive(Debug)]
pub(crate) struct Slot<T, L, G>(Mutex<State<T, L, G>>);

#[derive(Debug)]
struct State<T, L, G> {
    /// Whose place it is; 0 is nobody.
    serial: u64,
    /// Letters that have come while the process was away.
    letters: Vec<L>,
    /// The memory that they take, and how much it may be, in bytes.
    weight: u64,
    room: u64,
    holder: Holder<T, G>,
}

/// What is put into a slot.
pub(crate) trait Weigh: Sized {
    /// The memory that it takes, in bytes. What weighs nothing is always taken.
    fn weight(&self) -> u64;
    /// What a process finds instead of letters that there was no room for.
    fn overflow() -> Self;
}

/// Where the process is.
#[derive(Debug)]
enum Holder<T, G> {
    /// It can run, or runs; or there is none.
    Away,
    /// It waits here.
    Parked(Box<T>),
    /// It is driven from outside.
    NativeProcess(G),
}

/// What became of a letter.
#[derive(Debug)]
pub(crate) enum Delivered<T, L, G> {
    /// The process will find it.
    Kept,
    /// The process is to run. What it knows is up to the one who took the letter in.
    Ready(Box<T>),
    /// The process will find it when it is woken.
    Wake(G),
    /// There was no room for it, which the process will find instead; if it is to be woken for that,
    /// so.
    NoRoom(L, Option<G>),
    /// Nobody of that serial lives here.
    Nobody(L),
}

/// What to do with a letter to a parked process.
#[derive(Debug)]
pub(crate) enum Reaction<L> {
    /// It has taken the letter in, and waits on.
    Wait,
    /// It has taken the letter in, and is to run.
    Run,
    /// It is to run and to find the letter.
    RunAndRead(L),
}

impl<T, L: Weigh, G: Clone> Slot<T, L, G> {
    pub(crate) fn new() -> Self {
        let (letters, holder) = (Vec::new(), Holder::Away);
        Self(Mutex::new(State { serial: 0, letters, weight: 0, room: 0, holder }))
    }

    /// Makes it the place of a process that is away, whose letters may weigh so much.
    pub(crate) fn occupy(&self, serial: u64, room: u64) {
        let mut state = lock(&self.0);
        state.serial = serial;
        state.room = room;
    }

    /// Makes it the place of a process that is driven from outside.
    pub(crate) fn lend(&self, serial: u64, room: u64, wake: G) {
        let mut state = lock(&self.0);
        state.serial = serial;
        state.room = room;
        state.holder = Holder::NativeProcess(wake);
    }

    /// Ends the place's belonging to a process that is away or driven from outside. Gives the
    /// letters that it will not read.
    pub(crate) fn vacate(&self) -> Vec<L> {
        let mut state = lock(&self.0);
        state.serial = 0;
        state.holder = Holder::Away;
        state.take_letters()
    }

    /// Whether it is the place of a process that is driven from outside.
    pub(crate) fn is_lent(&self) -> bool {
        matches!(lock(&self.0).holder, Holder::NativeProcess(_))
    }

    /// Delivers a letter to the process with this serial. `react` shows it to one that is parked.
    pub(crate) fn deliver(
        &self,
        serial: u64,
        letter: L,
        react: impl FnOnce(&mut T, L) -> Reaction<L>,
    ) -> Delivered<T, L, G> {
        let mut state = lock(&self.0);
        let state = &mut *state;
        if state.serial != serial || serial == 0 {
            return Delivered::Nobody(letter);
        }
        let task = match &mut state.holder {
            Holder::Parked(task) => task,
            Holder::Away => {
                let refused = state.keep(letter);
                return refused.map_or(Delivered::Kept, |letter| Delivered::NoRoom(letter, None));
            }
            Holder::NativeProcess(wake) => {
                let wake = wake.clone();
                return match state.keep(letter) {
                    None => Delivered::Wake(wake),
                    Some(letter) => Delivered::NoRoom(letter, Some(wake)),
                };
            }
        };
        let refused = match react(task, letter) {
            Reaction::Wait => return Delivered::Kept,
            Reaction::Run => None,
            Reaction::RunAndRead(letter) => state.keep(letter),
        };
        debug_assert!(refused.is_none(), "one that is parked has no letters, so there is room");
        match std::mem::replace(&mut state.holder, Holder::Away) {
            Holder::Parked(task) => Delivered::Ready(task),
            // It was parked a moment ago, under the same lock.
            Holder::Away | Holder::NativeProcess(_) => Delivered::Kept,
        }
    }

    /// Parks a process, unless there are letters for it: then it comes back, and so do they.
    pub(crate) fn park(&self, task: Box<T>) -> Result<(), (Box<T>, Vec<L>)> {
        let mut state = lock(&self.0);
        if state.letters.is_empty() {
            state.holder = Holder::Parked(task);
            return Ok(());
        }
        Err((task, state.take_letters()))
    }

    /// Takes the letters for a process that is away or driven from outside.
    pub(crate) fn collect(&self) -> Vec<L> {
        lock(&self.0).take_letters()
    }

    /// Looks at whoever lives here: the serial, the process if it is parked, and its letters.
    pub(crate) fn look<R>(&self, look: impl FnOnce(u64, Option<&T>, &[L]) -> R) -> R {
        let state = lock(&self.0);
        let parked = match &state.holder {
            Holder::Parked(task) => Some(&**task),
            Holder::Away | Holder::NativeProcess(_) => None,
        };
        look(state.serial, parked, &state.letters)
    }
}

impl<T, L: Weigh, G> State<T, L, G> {
    /// Keeps a letter, if there is room, or else gives it back; that there was none is kept once.
    fn keep(&mut self, letter: L) -> Option<L> {
        let weight = letter.weight();
        if weight == 0 || self.weight + weight <= self.room {
            self.weight += weight;
            self.letters.push(letter);
            return None;
        }
        if self.weight <= self.room {
            self.weight += weight;
            self.letters.push(L::overflow());
        }
        Some(letter)
    }

    fn take_letters(&mut self) -> Vec<L> {
        self.weight = 0;
        std::mem::take(&mut self.letters)
    }
}
