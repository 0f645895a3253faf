//! All processes of a node, by serial.
//!
//! A serial is the index of a slot with, above it, the number of the life in that slot. So finding a
//! process takes no search, and a serial never comes again: a slot whose lives are used up is not
//! used any more. Slots are made in chunks, when they are first needed, and stay.

use std::collections::HashSet;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::core::Full;
use super::letter::{Letter, Wake};
use super::slot::Slot;
use super::snapshot::RestoreError;
use super::sync::model::{AtomicUsize, Mutex, Ordering, lock};
use super::task::Task;
use crate::process::MAX_SERIAL;

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

/// All processes of a node.
#[derive(Debug)]
pub(crate) struct Table {
    chunks: Box<[OnceLock<Box<[Place]>>]>,
    /// Bits of a serial that are the slot's index.
    bits: u32,
    /// Most processes that may live at a time.
    limit: usize,
    live: AtomicUsize,
    /// Slots that nobody lives in, and how many were ever used.
    free: Mutex<Free>,
}

#[derive(Debug)]
struct Free {
    /// The serials of the next lives.
    serials: Vec<u64>,
    used: usize,
}

impl Table {
    /// A table for so many processes at a time.
    pub(crate) fn new(limit: usize) -> Self {
        let most = (MAX_SERIAL >> 8) as usize;
        let limit = limit.clamp(1, most);
        // The slot with index 0 stays empty, so that no process has a serial of 0.
        let slots = (limit + 1).next_power_of_two().max(CHUNK);
        Self {
            chunks: (0..slots / CHUNK).map(|_| OnceLock::new()).collect(),
            bits: slots.trailing_zeros(),
            limit,
            live: AtomicUsize::new(0),
            free: Mutex::new(Free { serials: Vec::new(), used: 1 }),
        }
    }

    /// The place that a process with this serial has, if it lives.
    pub(crate) fn place(&self, serial: u64) -> Option<&Place> {
        let index = (serial & ((1 << self.bits) - 1)) as usize;
        let chunk = self.chunks.get(index / CHUNK)?.get()?;
        chunk.get(index % CHUNK)
    }

    /// A serial for a new process; `None` when there are as many as there may be. It is to be given
    /// back with [`release`](Self::release).
    pub(crate) fn reserve(&self) -> Option<u64> {
        if self.live.fetch_add(1, Ordering::SeqCst) >= self.limit {
            self.live.fetch_sub(1, Ordering::SeqCst);
            return None;
        }
        let mut free = lock(&self.free);
        if let Some(serial) = free.serials.pop() {
            return Some(serial);
        }
        let serial = (free.used < 1 << self.bits).then_some(free.used as u64);
        free.used += usize::from(serial.is_some());
        drop(free);
        if serial.is_none_or(|serial| !self.make(serial)) {
            self.live.fetch_sub(1, Ordering::SeqCst);
            return None;
        }
        serial
    }

    /// Makes sure that the slot for a serial exists.
    fn make(&self, serial: u64) -> bool {
        let index = (serial & ((1 << self.bits) - 1)) as usize;
        let chunk = self.chunks.get(index / CHUNK);
        let make = || (0..CHUNK).map(|_| Slot::new()).collect();
        chunk.map(|chunk| chunk.get_or_init(make)).is_some()
    }

    /// Gives a serial back whose process has ended and whose place is vacated.
    pub(crate) fn release(&self, serial: u64) {
        let next = serial + (1 << self.bits);
        if next <= MAX_SERIAL {
            lock(&self.free).serials.push(next);
        }
        self.live.fetch_sub(1, Ordering::SeqCst);
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
        (free.serials, free.used) = (shape.free, used);
        self.live.fetch_add(serials.len(), Ordering::SeqCst);
        Ok(())
    }

    /// How many processes live.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    /// All places that were ever used.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.chunks.iter().filter_map(OnceLock::get).flatten()
    }
}
