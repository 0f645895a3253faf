//! How processes wait for room for their output, and are woken.

use super::context::Context;
use crate::process::slot_message::SlotMessage;
use iridium_vm::Pid;

impl Context<'_> {
    /// Whether a process that waits for room may write now. When not, it will be woken.
    pub(crate) fn may_write(&self, pid: Pid) -> bool {
        // Before looking: room that comes from now on is told of.
        self.shared.awaiting_output.insert(pid);
        if !self.shared.output.has_room() {
            return false;
        }
        self.shared.awaiting_output.remove(pid);
        self.wake_output_waiter();
        true
    }

    /// Forgets a process that waited for room. If it was woken already, another one is in its place.
    pub(crate) fn stop_awaiting_output(&self, pid: Pid) {
        if !self.shared.awaiting_output.remove(pid) {
            self.wake_output_waiter();
        }
    }

    /// Wakes the next process that waits for room.
    pub(crate) fn wake_output_waiter(&self) {
        if let Some(pid) = self.shared.awaiting_output.next() {
            self.deliver(pid, SlotMessage::PollWait);
        }
    }
}
