//! All processes of a node, by serial.
//!
//! A serial is the index of a slot with, above it, the number of the life in that slot. So finding a
//! process takes no search, and a serial never comes again: a slot whose lives are used up is not
//! used any more. Slots are made in chunks, when they are first needed, and stay.
//!
//! Workers have serials in stock, which they take from the common ones and give back by the dozen, so
//! that they do not meet at one lock for each process. How many processes live is still counted one
//! by one, and serials in a stock are there for everybody when there are no others, so the limit is
//! exact. A single worker gets the serials that it would get without a stock.

use std::collections::HashSet;
use std::sync::OnceLock;

use crossbeam_utils::CachePadded;
use serde::{Deserialize, Serialize};

use super::letter::{Letter, Wake};
use super::shared::Full;
use super::slot::Slot;
use super::snapshot::RestoreError;
use super::sync::model::{AtomicUsize, Mutex, Ordering, lock};
use super::task::Task;
use iridium_vm::MAX_SERIAL;

/// The place of a process.
pub(crate) type Place = Slot<Task, Letter, Wake>;

/// What serials a table gives out, and in which order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// The node whose processes are in it.
    pub(crate) node: u32,
    bits: u32,
    /// The serials of the next lives of slots that nobody lives in, the next one last.
    free: Vec<u64>,
    /// How many slots were ever used, with the one that stays empty.
    used: u64,
}

/// Slots that are made at a time.
const CHUNK: usize = 1 << 10;
/// Serials that a worker takes or gives back at a time; it has three times as many at most.
const BATCH: usize = 32;

/// All processes of a node.
#[derive(Debug)]
pub(crate) struct Table {
    chunks: Box<[OnceLock<Box<[Place]>>]>,
    /// Bits of a serial that are the slot's index.
    bits: u32,
    /// Most processes that may live at a time.
    limit: usize,
    live: AtomicUsize,
    /// The most that have lived at a time, but for some that had their serials from a stock.
    most: AtomicUsize,
    /// Slots that nobody lives in, and how many were ever used.
    free: Mutex<Free>,
    /// The serials that workers have in stock, the next one last. Whoever needs the lock of `free`
    /// too takes that first.
    stocks: Box<[CachePadded<Mutex<Vec<u64>>>]>,
}

#[derive(Debug)]
struct Free {
    /// The serials of the next lives.
    serials: Vec<u64>,
    used: usize,
}

impl Table {
    /// A table for so many processes at a time, and for so many workers.
    pub(crate) fn new(limit: usize, workers: usize) -> Self {
        let most = (MAX_SERIAL >> 8) as usize;
        let limit = limit.clamp(1, most);
        // The slot with index 0 stays empty, so that no process has a serial of 0.
        let slots = (limit + 1).next_power_of_two().max(CHUNK);
        Self {
            chunks: (0..slots / CHUNK).map(|_| OnceLock::new()).collect(),
            bits: slots.trailing_zeros(),
            limit,
            live: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            free: Mutex::new(Free { serials: Vec::new(), used: 1 }),
            stocks: (0..workers).map(|_| CachePadded::new(Mutex::new(Vec::new()))).collect(),
        }
    }

    /// The place that a process with this serial has, if it lives.
    pub(crate) fn place(&self, serial: u64) -> Option<&Place> {
        let index = (serial & ((1 << self.bits) - 1)) as usize;
        let chunk = self.chunks.get(index / CHUNK)?.get()?;
        chunk.get(index % CHUNK)
    }

    /// A serial for a new process, for a worker or for somebody from outside; `None` when there are
    /// as many as there may be. It is to be given back with [`release`](Self::release).
    pub(crate) fn reserve(&self, worker: Option<usize>) -> Option<u64> {
        // Never more than the limit, not even for a moment: somebody else would be refused for it.
        let one_more = |live| (live < self.limit).then_some(live + 1);
        let counted = self.live.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more);
        counted.ok()?;
        let at_hand = || worker.and_then(|worker| lock(self.stocks.get(worker)?).pop());
        let serial = at_hand().or_else(|| self.restock(worker));
        if serial.is_none() {
            self.live.fetch_sub(1, Ordering::SeqCst);
        }
        serial
    }

    /// A serial from the common ones, or else from anybody's stock. A worker gets more with it.
    fn restock(&self, worker: Option<usize>) -> Option<u64> {
        self.most.fetch_max(self.live(), Ordering::Relaxed);
        let mut free = lock(&self.free);
        if free.serials.is_empty() {
            self.make_some(&mut free, if worker.is_some() { BATCH } else { 1 });
        }
        let serial = free.serials.pop();
        if serial.is_none() {
            // Nobody else moves serials between stocks meanwhile, so none is overlooked.
            return self.stocks.iter().find_map(|stock| lock(stock).pop());
        }
        if let Some(stock) = worker.and_then(|worker| self.stocks.get(worker)) {
            let rest = free.serials.len().saturating_sub(BATCH - 1);
            lock(stock).extend(free.serials.drain(rest..));
        }
        serial
    }

    /// Makes serials of slots that were never used; fewer when there are not so many.
    fn make_some(&self, free: &mut Free, wanted: usize) {
        let end = free.used.saturating_add(wanted).min(1 << self.bits);
        free.serials.extend((free.used..end).rev().map(|index| index as u64));
        free.serials.iter().for_each(|serial| self.make(*serial));
        free.used = end;
    }

    /// Makes sure that the slot for a serial exists.
    fn make(&self, serial: u64) {
        let index = (serial & ((1 << self.bits) - 1)) as usize;
        if let Some(chunk) = self.chunks.get(index / CHUNK) {
            chunk.get_or_init(|| (0..CHUNK).map(|_| Slot::new()).collect());
        }
    }

    /// Gives a serial back whose process has ended and whose place is vacated.
    pub(crate) fn release(&self, worker: Option<usize>, serial: u64) {
        let next = serial + (1 << self.bits);
        if next <= MAX_SERIAL {
            match worker.and_then(|worker| self.stocks.get(worker)) {
                None => lock(&self.free).serials.push(next),
                Some(stock) => self.put_in_stock(stock, next),
            }
        }
        self.live.fetch_sub(1, Ordering::SeqCst);
    }

    fn put_in_stock(&self, stock: &Mutex<Vec<u64>>, serial: u64) {
        let mut at_hand = lock(stock);
        at_hand.push(serial);
        if at_hand.len() > 3 * BATCH {
            drop(at_hand);
            let mut free = lock(&self.free);
            let mut at_hand = lock(stock);
            // The oldest ones, so that the order stays as it is.
            let some = BATCH.min(at_hand.len());
            free.serials.extend(at_hand.drain(..some));
        }
    }

    /// What it takes to go on elsewhere with these serials of those who live: further processes get
    /// the serials there that they would get here. Whoever else lives here has ended there.
    pub(crate) fn shape(&self, node: u32, serials: &HashSet<u64>) -> Shape {
        let lives = self.places().map(|place| place.look(|serial, _, _| serial));
        let others = lives.filter(|serial| *serial != 0 && !serials.contains(serial));
        let next = others.map(|serial| serial + (1 << self.bits));
        let mut free: Vec<u64> = next.filter(|next| *next <= MAX_SERIAL).collect();
        let here = lock(&self.free);
        free.extend(&here.serials);
        self.stocks.iter().for_each(|stock| free.extend(lock(stock).iter()));
        Shape { node, bits: self.bits, free, used: here.used as u64 }
    }

    /// Gives out these serials, as they were in a table of that shape, when none are given out.
    /// Others are never given out that were before.
    pub(crate) fn claim(&self, shape: Shape, serials: &HashSet<u64>) -> Result<(), RestoreError> {
        if shape.bits != self.bits || serials.len() > self.limit {
            return Err(Full.into());
        }
        let used = usize::try_from(shape.used).unwrap_or(usize::MAX);
        if used > 1 << self.bits {
            return Err(RestoreError::Damaged);
        }
        // Each slot is somebody's, or free, and not both.
        let mut slots = HashSet::new();
        let index = |serial: &u64| (serial & ((1 << self.bits) - 1)) as usize;
        let sound = serials.iter().chain(&shape.free).all(|serial| {
            let index = index(serial);
            *serial <= MAX_SERIAL && (1..used).contains(&index) && slots.insert(index)
        });
        if !sound {
            return Err(RestoreError::Damaged);
        }
        for serial in serials.iter().chain(&shape.free) {
            self.make(*serial);
        }
        let mut free = lock(&self.free);
        self.stocks.iter().for_each(|stock| lock(stock).clear());
        (free.serials, free.used) = (shape.free, used);
        self.live.fetch_add(serials.len(), Ordering::SeqCst);
        Ok(())
    }

    /// How many processes live.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    /// The most that have lived at a time since that was [counted anew](Self::start_counting_anew),
    /// give or take a few.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// Forgets how many have lived at a time before. Gives how many that was.
    pub(crate) fn start_counting_anew(&self) -> usize {
        self.most.swap(self.live(), Ordering::Relaxed)
    }

    /// All places that were ever used.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.chunks.iter().filter_map(OnceLock::get).flatten()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exact_wherever_the_serials_are_in_stock() {
        let table = Table::new(CHUNK - 1, 2);
        let mut seen = HashSet::new();
        // All but one end at the second worker, whose stock is then full.
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
    fn one_worker_gets_the_serials_that_it_would_get_without_a_stock() {
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
