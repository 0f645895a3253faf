//! What an embedder provides to a scheduler.

use std::fmt;
use std::sync::Arc;

use crate::process::exit_info::ExitInfo;
use crate::supervisor::Supervision;
use iridium_vm::Pid;

/// Where the output of processes goes. Called by the workers; must not wait.
pub trait Output: Send + Sync {
    /// Takes output of a process: text in UTF-8, all that it has written since its last effect that
    /// others could notice (a send, an exit). It is to be taken also when there is
    /// [no room](Self::has_room), which can have been used up meanwhile: each thread that runs
    /// processes exceeds it by less than 128 KiB.
    fn write(&self, from: Pid, text: &[u8]);

    /// Whether processes may write. When not, those that are about to write wait, until
    /// [told](OutputRoom::notify) that there is room.
    fn has_room(&self) -> bool {
        true
    }

    /// Called by a scheduler that starts, with what to tell of new room.
    fn on_room(&self, _room: OutputRoom) {}
}

/// Tells a scheduler that there is room for output again.
#[derive(Clone)]
pub struct OutputRoom(Arc<dyn Fn() + Send + Sync>);

impl OutputRoom {
    pub(crate) fn new(notify: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(notify))
    }

    /// There is room again. Does nothing when the scheduler is gone, or no process waits.
    pub fn notify(&self) {
        (self.0)();
    }
}

impl fmt::Debug for OutputRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputRoom").finish_non_exhaustive()
    }
}

/// Who is told how processes end. Called by the workers; must not wait.
pub trait Observer: Send + Sync {
    /// A process has ended with a reason other than normal.
    fn exited(&self, exit: &ExitInfo);

    /// A supervisor has started a child again, or has given up.
    fn supervised(&self, _supervisor: Pid, _what: &Supervision) {}

    /// No process can go on unless something comes from outside.
    fn idle(&self) {}

    /// No process runs, and there is no [fuel](crate::Config::fuel) left for those that could. Others
    /// may sleep.
    fn out_of_fuel(&self) {}
}
