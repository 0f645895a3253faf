//! Names of processes: one process a name, as long as it lives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::memory::Memory;
use crate::sync::lock;
use iridium_isa::MAX_NAME;
use iridium_vm::{ALLOCATION, Pid};

/// The most names of a process.
pub(crate) const MAX_NAMES: usize = 1 << 16;
/// What keeping a name takes beyond its length, in bytes: its places in two trees.
const NAME_OVERHEAD: u64 = 100 + 2 * ALLOCATION;

/// The names of a node. Their memory is counted by itself, and not as that of their holders, who may
/// have nothing to do with them.
#[derive(Debug, Default)]
pub(crate) struct Names {
    state: Mutex<State>,
    /// How many there are, so that processes end without the lock while there are none.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    pids: BTreeMap<Arc<str>, Pid>,
    names: BTreeMap<Pid, BTreeSet<Arc<str>>>,
}

/// What came of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registered {
    /// The process has the name.
    Yes,
    /// The name is taken, and stays where it is; or the process does not live.
    No,
    /// The process has as many names as it may have.
    TooMany,
}

impl Names {
    /// Gives a name to a process. One that is taken stays where it is, and one of more than
    /// [`MAX_NAME`] bytes is refused.
    pub(crate) fn register(&self, name: &str, pid: Pid, memory: &Memory) -> Registered {
        let mut state = lock(&self.state);
        if name.len() > MAX_NAME || state.pids.contains_key(name) {
            return Registered::No;
        }
        let names = state.names.entry(pid).or_default();
        if names.len() >= MAX_NAMES {
            return Registered::TooMany;
        }
        let name: Arc<str> = name.into();
        names.insert(Arc::clone(&name));
        memory.adjust(memory_of(&name) as i64);
        state.pids.insert(name, pid);
        self.count.store(state.pids.len(), Ordering::SeqCst);
        Registered::Yes
    }

    /// Takes a name from a process, if it has it.
    pub(crate) fn unregister(&self, name: &str, pid: Pid, memory: &Memory) {
        let mut state = lock(&self.state);
        if state.pids.get(name) == Some(&pid) {
            memory.adjust(-(memory_of(name) as i64));
            state.pids.remove(name);
            let left = state.names.get_mut(&pid).is_some_and(|names| {
                names.remove(name);
                !names.is_empty()
            });
            if !left {
                state.names.remove(&pid);
            }
            self.count.store(state.pids.len(), Ordering::SeqCst);
        }
    }

    /// Takes all names from a process that has ended.
    pub(crate) fn forget(&self, pid: Pid, memory: &Memory) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut state = lock(&self.state);
        for name in state.names.remove(&pid).unwrap_or_default() {
            memory.adjust(-(memory_of(&name) as i64));
            state.pids.remove(&name);
        }
        self.count.store(state.pids.len(), Ordering::SeqCst);
    }

    /// The process behind a name.
    pub(crate) fn find(&self, name: &str) -> Option<Pid> {
        lock(&self.state).pids.get(name).copied()
    }

    /// The names of a process.
    pub(crate) fn of(&self, pid: Pid) -> Vec<String> {
        let state = lock(&self.state);
        state.names.get(&pid).into_iter().flatten().map(ToString::to_string).collect()
    }

    /// All names.
    pub(crate) fn all(&self) -> Vec<(String, Pid)> {
        lock(&self.state).pids.iter().map(|(name, pid)| (name.to_string(), *pid)).collect()
    }
}

/// The memory that a name takes, in bytes.
fn memory_of(name: &str) -> u64 {
    name.len() as u64 + NAME_OVERHEAD
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_so_many_names_and_all_of_them_are_counted() {
        let (names, memory) = (Names::default(), Memory::new(MAX_NAMES as u64 * 200));
        let (one, other) = (Pid::new(1, 1), Pid::new(1, 2));
        for name in 0..MAX_NAMES {
            assert_eq!(names.register(&name.to_string(), one, &memory), Registered::Yes);
        }
        assert_eq!(names.register("more", one, &memory), Registered::TooMany);
        assert_eq!(names.register("0", other, &memory), Registered::No);
        assert_eq!(names.register("more", other, &memory), Registered::Yes);
        assert!(!memory.try_grow(MAX_NAMES as u64 * 100), "they take memory");
        names.unregister("7", one, &memory);
        assert_eq!(names.register("again", one, &memory), Registered::Yes);
        names.forget(one, &memory);
        names.forget(other, &memory);
        assert!(memory.try_grow(MAX_NAMES as u64 * 200), "it is free again");
    }
}
