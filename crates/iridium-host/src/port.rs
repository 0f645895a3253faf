//! A process of the machine that a task drives.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use iridium_sched::{Ended, NativeProcess, Scheduler, SendRefused, TooManyProcesses};
use iridium_vm::{Message, Payload, Pid};

/// How often a message to another node is tried again for which there is no credit.
const CREDIT_PAUSE: Duration = Duration::from_millis(5);

/// A process of the machine that a task drives: a pid, and a mailbox that a task can wait for. The
/// process ends, normally, when this is dropped.
#[derive(Debug)]
pub(crate) struct Port {
    process: NativeProcess,
    woken: Arc<Notify>,
}

impl Port {
    pub(crate) fn open(scheduler: &Scheduler) -> Result<Self, TooManyProcesses> {
        let woken = Arc::new(Notify::new());
        let wake = Arc::clone(&woken);
        let process = scheduler.spawn_outside(move || wake.notify_one())?;
        Ok(Self { process, woken })
    }

    pub(crate) fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// Waits for the next message, whatever its tag. Nothing is lost when the wait is dropped.
    ///
    /// # Errors
    /// When the process was told to end: the port is to be dropped.
    pub(crate) async fn receive(&mut self) -> Result<Message, Ended> {
        loop {
            if let Some(message) = self.process.receive(None, Some(Duration::ZERO))? {
                return Ok(message);
            }
            // What has come since is remembered.
            self.woken.notified().await;
        }
    }

    /// Sends a message. One to another node waits for credit; whoever waits for no longer drops that.
    pub(crate) async fn send(&mut self, to: Pid, tag: i64, payload: Payload) {
        let mut payload = payload;
        while let Err(refused) = self.process.send(to, tag, payload) {
            match refused {
                SendRefused::NoCredit(message) => payload = message.payload,
                SendRefused::TooLong(_) => return,
            }
            sleep(CREDIT_PAUSE).await;
        }
    }

    /// As a program: it is told by a message with tag [`Message::DOWN`] when that process ends.
    pub(crate) fn monitor(&mut self, pid: Pid) -> i64 {
        self.process.monitor(pid)
    }

    /// Is told no more.
    pub(crate) fn demonitor(&mut self, reference: i64) {
        self.process.demonitor(reference);
    }
}
