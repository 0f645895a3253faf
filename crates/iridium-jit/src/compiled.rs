//! What the engine keeps with a program: its native code, and where its runs end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use iridium_vm::{EntryHook, EntryState, Program, Resume};

use crate::code_memory::CodeMemory;
use crate::compile::{Batch, Progress};
use crate::enter::Native;
use crate::entries::EntryTable;

/// A place that the fuel of runs has ended at is worth to be compiled when they had so much: a program
/// has spent about as much time there as a small function takes to compile.
const HOT: u64 = 32_768;

/// To come to native code and back costs as much as it saves in about so much fuel: of each run, only
/// what is above counts. So nothing is compiled for processes that do less than this for a message.
const SHORT: u64 = 64;

/// The compiler is told of a place again when it has become hotter by this factor: there may be several
/// functions at it.
const HOTTER: u64 = 4;

/// Instructions that are counted as one place.
const PLACE: u32 = 128;

/// Places that are counted at a time. When there are more, counting begins anew.
const MOST_PLACES: usize = 256;

/// To come to native code costs as much as some dozens of instructions. Where that so often leads
/// to less than this fuel's worth, one time after the other, the interpreter no longer comes to it.
const LITTLE_FUEL: i64 = 16;
const TIMES: u8 = 32;

/// How many programs of an engine have [news](Compiled::take_up): what each turn can look at quickly.
#[derive(Debug, Default)]
pub(crate) struct News(AtomicUsize);

impl News {
    /// Those of an engine for which each run may be the first of a program.
    pub(crate) fn at_all_times() -> Self {
        Self(AtomicUsize::new(1))
    }

    pub(crate) fn are_there(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}

/// What the engine keeps with a program.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// Made when there is code.
    native: OnceLock<(EntryTable, Arc<CodeMemory>)>,
    /// All code, as long as the program is there.
    memory: Mutex<Vec<CodeMemory>>,
    /// Code that no run has taken up yet.
    finished: Mutex<Vec<Batch>>,
    /// Entries that are not worth it, and that runs still come to.
    idle: Mutex<Vec<u32>>,
    /// Whether there is any of these.
    has_news: AtomicBool,
    news: Arc<News>,
    /// What the compiler knows.
    pub(crate) progress: Mutex<Progress>,
    heat: Mutex<Heat>,
}

/// Where runs end.
#[derive(Debug, Default)]
struct Heat {
    places: BTreeMap<u32, Place>,
}

#[derive(Debug)]
struct Place {
    fuel: u64,
    /// At so much the compiler is told.
    hot_at: u64,
}

impl Compiled {
    pub(crate) fn new(news: Arc<News>) -> Self {
        Self {
            native: OnceLock::new(),
            memory: Mutex::default(),
            finished: Mutex::default(),
            idle: Mutex::default(),
            has_news: AtomicBool::new(false),
            news,
            progress: Mutex::default(),
            heat: Mutex::default(),
        }
    }

    /// A run that had this fuel has ended here without any. Whether that was now so much that the
    /// place is to be compiled; [`ask_again`](Self::ask_again) undoes that.
    pub(crate) fn is_hot(&self, pc: u32, fuel: u64) -> bool {
        let number = pc / PLACE;
        let mut heat = lock(&self.heat);
        if heat.places.len() >= MOST_PLACES && !heat.places.contains_key(&number) {
            heat.places.clear();
        }
        let place = heat.places.entry(number).or_insert(Place { fuel: 0, hot_at: HOT });
        place.fuel = place.fuel.saturating_add(fuel.saturating_sub(SHORT));
        let is_hot = place.fuel >= place.hot_at;
        if is_hot {
            place.hot_at = place.hot_at.saturating_mul(HOTTER);
        }
        is_hot
    }

    /// The compiler had no time for this place.
    pub(crate) fn ask_again(&self, pc: u32) {
        lock(&self.heat).places.remove(&(pc / PLACE));
    }

    /// There is code, which the next run takes up.
    pub(crate) fn finish(&self, batch: Batch) {
        lock(&self.finished).push(batch);
        self.announce();
    }

    /// There is something to be taken up.
    fn announce(&self) {
        if !self.has_news.swap(true, Ordering::AcqRel) {
            self.news.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether there was something to be taken up.
    fn forget_news(&self) -> bool {
        let had_news = self.has_news.swap(false, Ordering::AcqRel);
        if had_news {
            self.news.0.fetch_sub(1, Ordering::Relaxed);
        }
        had_news
    }

    /// Takes code up that has been finished: from now on runs of the program come to it, also those
    /// that are under way. And lets them no longer come to what is not worth it.
    pub(crate) fn take_up(self: &Arc<Self>, program: &Program) {
        if !self.has_news.load(Ordering::Relaxed) || !self.forget_news() {
            return;
        }
        for index in lock(&self.idle).drain(..) {
            program.unhook_entry(index);
        }
        // The lock is held until all is there, so that a second thread does not run ahead.
        let mut finished = lock(&self.finished);
        for batch in finished.drain(..) {
            let (table, _) = self.native.get_or_init(|| {
                (EntryTable::new(program.module().code().len()), Arc::clone(&batch.trampoline))
            });
            program.set_entry_hook(Arc::new(Hook(Arc::clone(self))));
            // It is kept before anything can call it.
            lock(&self.memory).push(batch.memory);
            for (index, entry) in batch.entries {
                table.publish(index, entry);
                program.hook_entry(index);
            }
        }
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        self.forget_news();
    }
}

/// Takes over from the interpreter where there is native code.
#[derive(Debug)]
struct Hook(Arc<Compiled>);

impl EntryHook for Hook {
    fn enter(&self, state: &mut EntryState<'_, '_>) -> Resume {
        let Some((entries, trampoline)) = self.0.native.get() else { return Resume::Interpret };
        let Some(trampoline) = trampoline.piece(0) else { return Resume::Interpret };
        let (index, fuel) = (state.pc(), state.fuel());
        let resume = Native { entries, trampoline }.enter(state);
        if resume != Resume::OutOfFuel {
            let is_worth_it = fuel - state.fuel() >= LITTLE_FUEL;
            if entries.judge(index, is_worth_it) == TIMES {
                lock(&self.0.idle).push(index);
                self.0.announce();
            }
        }
        resume
    }
}

/// What a thread has left in the middle of a panic is whole: it is changed by single calls.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fuel above [`SHORT`] of these runs.
    const RUN: u64 = HOT / 8;

    #[test]
    fn a_place_is_hot_when_so_much_fuel_has_ended_there_and_again_when_it_is_hotter() {
        let compiled = Compiled::new(Arc::default());
        let hot = |pcs: [u32; 3]| -> Vec<u64> {
            let runs = (1..).zip(pcs.into_iter().cycle()).take(40);
            runs.filter(|(_, pc)| compiled.is_hot(*pc, SHORT + RUN)).map(|(run, _)| run).collect()
        };
        assert_eq!(hot([200; 3]), [8, 8 * HOTTER]);
        assert!(!compiled.is_hot(300, HOT), "another place");
        compiled.ask_again(200);
        assert_eq!(hot([128, 129, 255]), [8, 8 * HOTTER], "one place");
        assert!(compiled.is_hot(1000, u64::MAX), "a single run");
    }

    #[test]
    fn a_place_that_short_runs_end_at_is_never_hot() {
        let compiled = Compiled::new(Arc::default());
        assert!((0..2 * HOT).all(|run| !compiled.is_hot(200, run % (SHORT + 1))));
    }

    #[test]
    fn news_are_counted_until_they_are_taken_up_or_nobody_is_left_to_do_that() {
        let news = Arc::<News>::default();
        let [one, other] = [(); 2].map(|()| Compiled::new(Arc::clone(&news)));
        assert!(!news.are_there());
        one.announce();
        one.announce();
        other.announce();
        assert_eq!((one.forget_news(), one.forget_news()), (true, false));
        assert!(news.are_there());
        drop(other);
        assert!(!news.are_there());
    }

    #[test]
    fn places_that_are_counted_are_few() {
        let compiled = Compiled::new(Arc::default());
        for place in 0..10 * MOST_PLACES as u32 {
            assert!(!compiled.is_hot(place * PLACE, RUN));
        }
        assert!(lock(&compiled.heat).places.len() <= MOST_PLACES);
    }
}
