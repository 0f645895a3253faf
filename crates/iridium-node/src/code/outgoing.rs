//! Code on its way to other nodes. This node has so much memory for all of it together, and a module that
//! goes to several is there once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use iridium_isa::ModuleId;
use iridium_net::SharedBytes;

/// When so many bytes are under way, no other module is made ready. So together they are these and the
/// longest module at most.
const ENOUGH: usize = 8 << 20;
/// What a module takes beside its bytes.
const OVERHEAD: usize = 256;
/// How long a link may keep a module while others wait for room: as long as anybody waits for one, and time
/// by its length.
const GRACE: Duration = Duration::from_secs(30);
const BYTES_A_SECOND: usize = 512 * 1024;

/// The modules that are under way.
pub(crate) struct Outgoing {
    room: Arc<Room>,
    files: HashMap<ModuleId, Weak<File>>,
    parcels: Vec<Parcel>,
}

/// Counts the bytes of all files, and tells when some are given back.
struct Room {
    taken: AtomicUsize,
    freed: Box<dyn Fn() + Send + Sync>,
}

/// The message with a module, which is the same for all to whom it goes.
pub(super) struct File {
    bytes: Vec<u8>,
    room: Arc<Room>,
}

/// A file as it is queued on one link.
struct Queued(Arc<File>);

/// A file that was queued on a link.
struct Parcel {
    /// The number of the node at its other end.
    to: u32,
    queued: Weak<Queued>,
    /// When it is to have been sent.
    by: Instant,
}

impl Outgoing {
    /// Calls `freed` when a module is under way no more, from wherever that happens: it must not wait.
    pub(crate) fn new(freed: impl Fn() + Send + Sync + 'static) -> Self {
        let room = Arc::new(Room { taken: AtomicUsize::new(0), freed: Box::new(freed) });
        Self { room, files: HashMap::new(), parcels: Vec::new() }
    }

    /// Whether another module may be made ready.
    pub(super) fn has_room(&self) -> bool {
        self.room.taken.load(Ordering::SeqCst) < ENOUGH
    }

    /// The message with a module that is on its way to somebody.
    pub(super) fn find(&self, module: ModuleId) -> Option<Arc<File>> {
        self.files.get(&module)?.upgrade()
    }

    /// Takes in the message with a module.
    pub(super) fn add(&mut self, module: ModuleId, bytes: Vec<u8>) -> Arc<File> {
        let room = Arc::clone(&self.room);
        room.taken.fetch_add(bytes.len() + OVERHEAD, Ordering::SeqCst);
        let file = Arc::new(File { bytes, room });
        self.files.retain(|_, file| file.strong_count() > 0);
        self.files.insert(module, Arc::downgrade(&file));
        file
    }

    /// A file for the link to a node. It is noted that it is queued there.
    pub(super) fn address(&mut self, file: Arc<File>, to: u32, now: Instant) -> SharedBytes {
        let time = Duration::from_millis((file.bytes.len() * 1000 / BYTES_A_SECOND) as u64);
        let queued = Arc::new(Queued(file));
        self.parcels.retain(Parcel::is_there);
        let by = now + GRACE + time;
        self.parcels.push(Parcel { to, queued: Arc::downgrade(&queued), by });
        queued
    }

    /// When the first link is to have sent what it has.
    pub(super) fn until(&self) -> Option<Instant> {
        self.parcels.iter().filter(|parcel| parcel.is_there()).map(|parcel| parcel.by).min()
    }

    /// The nodes to which a module takes too long. Each is given once for each module.
    pub(super) fn take_late(&mut self, now: Instant) -> Vec<u32> {
        let late = self.parcels.extract_if(.., |parcel| parcel.by <= now);
        late.filter(Parcel::is_there).map(|parcel| parcel.to).collect()
    }
}

impl Parcel {
    /// Whether it has neither been sent nor dropped.
    fn is_there(&self) -> bool {
        self.queued.strong_count() > 0
    }
}

impl AsRef<[u8]> for Queued {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes.len() + OVERHEAD, Ordering::SeqCst);
        (self.room.freed)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_there_once_and_others_wait_until_it_is_sent() {
        let freed = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&freed);
        let mut outgoing = Outgoing::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let (long, other) = (ModuleId([1; 32]), ModuleId([2; 32]));
        assert!(outgoing.has_room() && outgoing.find(long).is_none());
        let file = outgoing.add(long, vec![7; ENOUGH]);
        let again = outgoing.find(long).unwrap();
        assert!(Arc::ptr_eq(&file, &again) && outgoing.find(other).is_none());
        assert!(!outgoing.has_room());
        drop(file);
        assert_eq!((outgoing.has_room(), freed.load(Ordering::SeqCst)), (false, 0));
        drop(again);
        assert_eq!((outgoing.has_room(), freed.load(Ordering::SeqCst)), (true, 1));
        assert!(outgoing.find(long).is_none());
    }

    #[test]
    fn who_does_not_take_a_module_is_named_when_its_time_is_over() {
        let (mut outgoing, now) = (Outgoing::new(|| ()), Instant::now());
        let file = outgoing.add(ModuleId([1; 32]), vec![7; 2 * BYTES_A_SECOND]);
        let _slow = outgoing.address(Arc::clone(&file), 7, now);
        let quick = outgoing.address(file, 8, now);
        let by = now + GRACE + Duration::from_secs(2);
        assert_eq!(outgoing.until(), Some(by));
        assert!(outgoing.take_late(by - Duration::from_millis(1)).is_empty());
        drop(quick);
        assert_eq!(outgoing.take_late(by), [7]);
        assert_eq!((outgoing.until(), outgoing.take_late(by)), (None, vec![]));
    }
}
