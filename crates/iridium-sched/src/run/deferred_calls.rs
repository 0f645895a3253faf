//! Host functions that answer later: the process waits as data, and the answer comes to its slot.

use std::sync::{Arc, Mutex, Weak};

use super::shared::Shared;
use crate::process::pending_reply::{PendingReply, ReplyState};
use crate::process::slot_message::SlotMessage;
use crate::sync::lock;
use iridium_vm::{Answer, Pid, Reply, ReplySink};

/// Where the answer to a call goes.
struct Sink {
    shared: Weak<Shared>,
    pid: Pid,
    number: u64,
    state: Arc<Mutex<ReplyState>>,
}

/// Begins a call of the process `pid`, the one with this number. Returns what the process keeps, and
/// what the host function gets.
pub(crate) fn begin(shared: &Arc<Shared>, pid: Pid, number: u64) -> (Box<PendingReply>, Reply) {
    let (pending, state) = PendingReply::new(number, &shared.deferred);
    let reply = Reply::new(Sink { shared: Arc::downgrade(shared), pid, number, state });
    (Box::new(pending), reply)
}

impl ReplySink for Sink {
    fn deliver(self: Box<Self>, answer: Answer) {
        if let Some(shared) = self.shared.upgrade().filter(|_| self.is_wanted()) {
            shared.context().deliver(self.pid, SlotMessage::HostAnswer(self.number, answer));
        }
    }

    fn is_wanted(&self) -> bool {
        !lock(&self.state).is_over()
    }

    fn on_cancel(&self, action: Box<dyn FnOnce() + Send>) {
        let late = lock(&self.state).on_cancel(action);
        if let Some(action) = late {
            action();
        }
    }
}
