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

/// What serials are made of in a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// The node whose processes are in it.
    pub(crate) node: u32,
    bits: u32,
    /// How many slots were ever used, and the first life of the others.
    used: usize,
    first_life: u64,
    /// The serials of the next lives of slots that nobody lives in, so that processes get the pids
    /// that they would have got here.
    free: Vec<u64>,
    /// The first life that no slot has had.
    unlived: u64,
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
    /// The first life of slots that were never used.
    first_life: u64,
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
            free: Mutex::new(Free { serials: Vec::new(), used: 1, first_life: 0 }),
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
        let serial = (free.used < 1 << self.bits)
            .then_some((free.first_life << self.bits) | free.used as u64);
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

    /// What it takes to give processes their serials again elsewhere.
    pub(crate) fn shape(&self, node: u32) -> Shape {
        let free = lock(&self.free);
        let lives = free.serials.iter().map(|serial| serial >> self.bits);
        let live = self.places().map(|place| place.look(|serial, _, _| serial >> self.bits));
        let last = lives.chain(live).chain([free.first_life]).max().unwrap_or(0);
        Shape {
            node,
            bits: self.bits,
            used: free.used,
            first_life: free.first_life,
            free: free.serials.clone(),
            unlived: last + 1,
        }
    }

    /// Gives out these serials, as they were in a table of that shape, when none are given out.
    /// Others are never given out that were before.
    pub(crate) fn claim(&self, shape: &Shape, serials: &HashSet<u64>) -> Result<(), RestoreError> {
        if shape.bits != self.bits || serials.len() > self.limit {
            return Err(Full.into());
        }
        let mask = (1 << self.bits) - 1;
        let used = shape.used;
        let mut slots = HashSet::new();
        let mut has_slot = |serial: &u64| {
            let index = serial & mask;
            *serial <= MAX_SERIAL && index > 0 && (index as usize) < used && slots.insert(index)
        };
        let most = MAX_SERIAL >> self.bits;
        let sound = used <= 1 << self.bits
            && serials.iter().chain(&shape.free).all(&mut has_slot)
            && shape.first_life <= most
            && shape.unlived <= most;
        if !sound {
            return Err(RestoreError::Damaged);
        }
        for index in 0..used as u64 {
            self.make(index);
        }
        let mut free = lock(&self.free);
        free.first_life = shape.first_life;
        free.used = used;
        // Those who were driven from outside are gone without having given theirs back.
        let lost = (1..used as u64).rev().filter(|index| !slots.contains(index));
        free.serials = lost.map(|index| (shape.unlived << self.bits) | index).collect();
        free.serials.extend(&shape.free);
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
