//! All processes of a node, by serial.
//!
//! The low bits of a serial are the index of a slot, the high bits the generation: how many processes
//! have had that slot before. So finding a process takes no search, and a serial never comes again: a
//! slot whose generations are used up is retired. Slots are made in chunks, when they are first
//! needed, and stay.
//!
//! Each worker caches some free serials, which it takes from the common free list and gives back in
//! batches, so that workers do not meet at one lock for each process. How many processes live is still counted one
//! by one, and cached serials are there for everybody when there are no others, so the limit is
//! exact. A single worker gets the serials that it would get without a cache.

use std::collections::HashSet;
use std::num::NonZeroU64;
use std::sync::OnceLock;

use crossbeam_utils::CachePadded;
use serde::{Deserialize, Serialize};

use crate::process::slot_message::ProcessSlot;
use crate::sync::model::{AtomicUsize, Mutex, Ordering, lock};
use iridium_vm::MAX_SERIAL;

/// There are as many processes as the scheduler may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node has as many processes as it may have")]
pub struct TooManyProcesses;

/// Why a table cannot take over the serials of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimError {
    /// They are more than there is space for.
    TooMany,
    /// They contradict each other.
    Inconsistent,
}

/// The serials that a table gives out, in order: what it takes for the same pids elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Serials {
    /// The node whose processes are in it.
    pub(crate) node: u32,
    bits: u32,
    /// The serials of the next generations of empty slots, the next one last.
    free: Vec<u64>,
    /// How many slots were ever used, with the one that stays empty.
    used: u64,
}

/// Slots that are made at a time.
const CHUNK: usize = 1 << 10;
/// Serials that a worker takes or gives back at a time; it caches three times as many at most.
const BATCH: usize = 32;

/// All processes of a node, by serial.
#[derive(Debug)]
pub(crate) struct Table {
    chunks: Box<[OnceLock<Box<[ProcessSlot]>>]>,
    /// Bits of a serial that are the slot's index.
    bits: u32,
    /// Most processes that may live at a time.
    limit: usize,
    live: AtomicUsize,
    /// The most that have lived at a time; those with cached serials are not all counted.
    peak: AtomicUsize,
    /// Empty slots, and how many were ever used.
    free: Mutex<Free>,
    /// The free serials that each worker has cached, the next one last. Whoever needs the lock of
    /// `free` too takes that first.
    caches: Box<[CachePadded<Mutex<Vec<u64>>>]>,
}

#[derive(Debug)]
struct Free {
    /// The serials of the next generations.
    serials: Vec<u64>,
    used: usize,
}

impl Table {
    /// A table for `limit` processes at a time, and for so many workers.
    pub(crate) fn new(limit: usize, workers: usize) -> Self {
        // At least 256 generations for each slot.
        let most = (MAX_SERIAL >> 8) as usize;
        let limit = limit.clamp(1, most);
        // The slot with index 0 stays empty, so that no process has a serial of 0.
        let slots = (limit + 1).next_power_of_two().max(CHUNK);
        Self {
            chunks: (0..slots / CHUNK).map(|_| OnceLock::new()).collect(),
            bits: slots.trailing_zeros(),
            limit,
            live: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            free: Mutex::new(Free { serials: Vec::new(), used: 1 }),
            caches: (0..workers).map(|_| CachePadded::new(Mutex::new(Vec::new()))).collect(),
        }
    }

    /// The slot that a process with this serial has, if it lives; `None` for a serial that was never
    /// given out.
    #[inline]
    pub(crate) fn slot(&self, serial: u64) -> Option<&ProcessSlot> {
        let index = (serial & ((1 << self.bits) - 1)) as usize;
        let chunk = self.chunks.get(index / CHUNK)?.get()?;
        chunk.get(index % CHUNK)
    }

    /// A serial for a new process, from the cache of a worker if one asks; `None` when there are as
    /// many as there may be. It is to be given back with [`release`](Self::release).
    pub(crate) fn reserve(&self, worker: Option<usize>) -> Option<u64> {
        // Never more than the limit, not even for a moment: another caller would be refused for it.
        let one_more = |live| (live < self.limit).then_some(live + 1);
        let counted = self.live.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more);
        counted.ok()?;
        let cached = || worker.and_then(|worker| lock(self.caches.get(worker)?).pop());
        let serial = cached().or_else(|| self.refill(worker));
        match serial {
            Some(serial) => self.make(serial),
            None => {
                self.live.fetch_sub(1, Ordering::SeqCst);
            }
        }
        serial
    }

    /// A serial from the free list, or else from any cache. The cache of the worker is filled, too.
    fn refill(&self, worker: Option<usize>) -> Option<u64> {
        self.peak.fetch_max(self.live(), Ordering::Relaxed);
        let mut free = lock(&self.free);
        if free.serials.is_empty() {
            self.make_some(&mut free, if worker.is_some() { BATCH } else { 1 });
        }
        let serial = free.serials.pop();
        if serial.is_none() {
            // Nobody else moves serials between caches meanwhile, so none is overlooked.
            return self.caches.iter().find_map(|cache| lock(cache).pop());
        }
        if let Some(cache) = worker.and_then(|worker| self.caches.get(worker)) {
            let rest = free.serials.len().saturating_sub(BATCH - 1);
            lock(cache).extend(free.serials.drain(rest..));
        }
        serial
    }

    /// Makes serials of slots that were never used; fewer when there are not so many.
    fn make_some(&self, free: &mut Free, wanted: usize) {
        let end = free.used.saturating_add(wanted).min(1 << self.bits);
        free.serials.extend((free.used..end).rev().map(|index| index as u64));
        free.used = end;
    }

    /// Makes sure that the slot for a serial exists.
    fn make(&self, serial: u64) {
        let index = (serial & ((1 << self.bits) - 1)) as usize;
        if let Some(chunk) = self.chunks.get(index / CHUNK) {
            chunk.get_or_init(|| (0..CHUNK).map(|_| ProcessSlot::new()).collect());
        }
    }

    /// Gives a serial back whose process has exited and whose slot is vacated.
    pub(crate) fn release(&self, worker: Option<usize>, serial: u64) {
        let next = serial + (1 << self.bits);
        if next <= MAX_SERIAL {
            match worker.and_then(|worker| self.caches.get(worker)) {
                None => lock(&self.free).serials.push(next),
                Some(cache) => self.put_in_cache(cache, next),
            }
        }
        self.live.fetch_sub(1, Ordering::SeqCst);
    }

    fn put_in_cache(&self, cache: &Mutex<Vec<u64>>, serial: u64) {
        let mut cached = lock(cache);
        cached.push(serial);
        if cached.len() > 3 * BATCH {
            drop(cached);
            let mut free = lock(&self.free);
            let mut cached = lock(cache);
            // The oldest ones, so that the order stays as it is.
            let some = BATCH.min(cached.len());
            free.serials.extend(cached.drain(..some));
        }
    }

    /// What it takes to go on elsewhere with these living processes: further ones get the serials
    /// there that they would get here. The others that live here count as exited there.
    pub(crate) fn serials(&self, node: u32, living: &HashSet<u64>) -> Serials {
        let here = self.slots().filter_map(|slot| slot.inspect(|serial, _, _| serial));
        let others = here.map(NonZeroU64::get).filter(|serial| !living.contains(serial));
        let next = others.map(|serial| serial + (1 << self.bits));
        let mut free: Vec<u64> = next.filter(|next| *next <= MAX_SERIAL).collect();
        let common = lock(&self.free);
        free.extend(&common.serials);
        self.caches.iter().for_each(|cache| free.extend(lock(cache).iter()));
        Serials { node, bits: self.bits, free, used: common.used as u64 }
    }

    /// Takes over the serials of another table, where those that are `living` were given out, while
    /// this one has given out none.
    pub(crate) fn claim(&self, from: Serials, living: &HashSet<u64>) -> Result<(), ClaimError> {
        if from.bits != self.bits || living.len() > self.limit {
            return Err(ClaimError::TooMany);
        }
        let used = usize::try_from(from.used).ok().filter(|used| *used <= 1 << self.bits);
        let used = used.ok_or(ClaimError::Inconsistent)?;
        // Each slot is occupied or free, and not both.
        let mut slots = HashSet::new();
        let index = |serial: &u64| (serial & ((1 << self.bits) - 1)) as usize;
        let sound = living.iter().chain(&from.free).all(|serial| {
            let index = index(serial);
            *serial <= MAX_SERIAL && (1..used).contains(&index) && slots.insert(index)
        });
        if !sound {
            return Err(ClaimError::Inconsistent);
        }
        // Not those that are free: a few bytes could ask for slots by the million.
        living.iter().for_each(|serial| self.make(*serial));
        let mut free = lock(&self.free);
        self.caches.iter().for_each(|cache| lock(cache).clear());
        (free.serials, free.used) = (from.free, used);
        self.live.fetch_add(living.len(), Ordering::SeqCst);
        Ok(())
    }

    /// How many processes may live at a time.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// How many processes live.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    /// The most that have lived at a time since the [last reset](Self::reset_peak), give or take a
    /// few.
    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Starts a new peak, and gives the one before.
    pub(crate) fn reset_peak(&self) -> usize {
        self.peak.swap(self.live(), Ordering::Relaxed)
    }

    /// All slots that were made so far.
    pub(crate) fn slots(&self) -> impl Iterator<Item = &ProcessSlot> {
        self.chunks.iter().filter_map(OnceLock::get).flatten()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exact_wherever_serials_are_cached() {
        let table = Table::new(CHUNK - 1, 2);
        let mut seen = HashSet::new();
        // All but one end at the second worker, whose cache is then full.
        for round in 0..3 {
            let workers = [Some(0), Some(1), None].into_iter().cycle();
            let serials: Vec<_> = workers.map_while(|worker| table.reserve(worker)).collect();
            assert_eq!(serials.len(), CHUNK - 1, "round {round}");
            assert_eq!((table.live(), table.reserve(Some(round))), (CHUNK - 1, None));
            assert!(serials.iter().all(|serial| seen.insert(*serial)), "none comes again");
            serials.into_iter().for_each(|serial| table.release(Some(1), serial));
        }
        assert_eq!(table.live(), 0);
    }

    #[test]
    fn free_serials_of_a_state_take_no_slots_before_they_are_used() {
        let table = Table::new((1 << 20) - 1, 1);
        let free: Vec<u64> = (0..500).map(|chunk| (chunk * CHUNK + 5) as u64).collect();
        let used = 500 * CHUNK as u64;
        let claimed = Serials { node: 1, bits: table.bits, free: free.clone(), used };
        assert_eq!(table.claim(claimed, &HashSet::new()), Ok(()));
        assert_eq!(table.slots().count(), 0);
        let next = table.reserve(Some(0));
        assert_eq!(next, free.last().copied());
        assert!(next.is_some_and(|serial| table.slot(serial).is_some()));
        assert_eq!(table.slots().count(), CHUNK);
    }

    #[test]
    fn one_worker_gets_the_serials_that_it_would_get_without_a_cache() {
        let (with, without) = (Table::new(CHUNK - 1, 1), Table::new(CHUNK - 1, 0));
        let mut living = Vec::new();
        for step in 0..5_000_usize {
            if step % 700 < 400 {
                let serial = with.reserve(Some(0));
                assert_eq!(serial, without.reserve(Some(0)), "step {step}");
                living.extend(serial);
            } else if let Some(serial) =
                (!living.is_empty()).then(|| living.remove(step % living.len()))
            {
                with.release(Some(0), serial);
                without.release(Some(0), serial);
            }
        }
    }
}
