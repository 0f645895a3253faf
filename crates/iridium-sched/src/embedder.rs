//! What an embedder provides to a scheduler.

use crate::process::exit_info::ExitInfo;
use crate::supervisor::Supervision;
use iridium_vm::Pid;

/// Where the output of processes goes. Called by the workers.
pub trait Output: Send + Sync {
    /// Takes output of a process: text in UTF-8, all that it has written since its last effect that
    /// others could notice (a send, an exit). May wait until there is room.
    fn write(&self, from: Pid, text: &[u8]);

    /// Whether a process that writes now would not have to wait. [Inline
    /// workers](crate::InlineWorker), which must not be held up, leave processes to the other workers
    /// when not.
    fn has_room(&self) -> bool {
        true
    }

    /// As [`write`](Self::write), for threads that must not be held up: it does not wait, and may
    /// exceed the buffer by what a process writes in a turn.
    fn write_at_once(&self, from: Pid, text: &[u8]) {
        self.write(from, text);
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
