//! Names of processes: one process a name, as long as it lives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::sync::lock;
use iridium_vm::Pid;

/// The names of a node.
#[derive(Debug, Default)]
pub(crate) struct Names {
    state: Mutex<State>,
    /// How many there are, so that processes end without the lock while there are none.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    pids: BTreeMap<String, Pid>,
    names: BTreeMap<Pid, BTreeSet<String>>,
}

impl Names {
    /// Gives a name to a process. One that is taken stays where it is.
    pub(crate) fn register(&self, name: String, pid: Pid) -> bool {
        let mut state = lock(&self.state);
        if state.pids.contains_key(&name) {
            return false;
        }
        state.names.entry(pid).or_default().insert(name.clone());
        state.pids.insert(name, pid);
        self.count.store(state.pids.len(), Ordering::SeqCst);
        true
    }

    /// Takes a name from a process, if it has it.
    pub(crate) fn unregister(&self, name: &str, pid: Pid) {
        let mut state = lock(&self.state);
        if state.pids.get(name) == Some(&pid) {
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
    pub(crate) fn forget(&self, pid: Pid) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut state = lock(&self.state);
        for name in state.names.remove(&pid).unwrap_or_default() {
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
        state.names.get(&pid).into_iter().flatten().cloned().collect()
    }

    /// All names.
    pub(crate) fn all(&self) -> Vec<(String, Pid)> {
        lock(&self.state).pids.iter().map(|(name, pid)| (name.clone(), *pid)).collect()
    }
}
