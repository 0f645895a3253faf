//! Calls of processes by operators.

use std::time::{Duration, Instant};

use iridium_net::StreamError;
use iridium_sched::Progress;
use iridium_vm::{Completion, Effect, Limits, Message, Payload, Pid};

use super::attach::{Attached, idle_program};
use super::client::Client;
use super::error::{At as _, ClientError};

/// How much longer than the call the node may take.
const GRACE: Duration = Duration::from_secs(5);

impl Client {
    /// Calls a process: sends it what `payload` makes for whoever is to be answered (a pid and the
    /// tag of the reply), and waits for the reply. The process on the node that is answered lives as
    /// long as the call.
    ///
    /// `None` when no reply comes within the time. One of 9 bytes says that the process has ended.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn call(
        self,
        to: Pid,
        tag: i64,
        payload: impl FnOnce(Pid, i64) -> Vec<u8>,
        within: Duration,
    ) -> Result<Option<Payload>, ClientError> {
        let mut caller = self.attach()?;
        let reply = Message::REPLY;
        let payload = Payload::Bytes(payload(caller.pid(), reply).into());
        let deadline = Instant::now() + within + GRACE;
        let timeout = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        act(&mut caller, Effect::MonitorReply { pid: to.bits(), tag: reply }, deadline)?;
        act(&mut caller, Effect::Send { to: to.bits(), tag, payload }, deadline)?;
        match act(&mut caller, Effect::Receive { tag: reply, timeout }, deadline)? {
            Completion::Received(message) => Ok(message.map(|message| message.payload)),
            _ => Err(ClientError::UnexpectedAnswer { to: caller.node().to_owned() }),
        }
    }
}

/// Has the caller do something, and waits until it is done.
fn act(
    caller: &mut Attached,
    effect: Effect,
    deadline: Instant,
) -> Result<Completion, ClientError> {
    let idle = idle_program();
    let idle =
        idle.ok_or_else(|| ClientError::UnexpectedAnswer { to: caller.node().to_owned() })?;
    let mut progress = caller.perform(effect, &idle, Limits::default())?;
    loop {
        match progress {
            Progress::Done(completion) => return Ok(completion),
            Progress::Waits => {
                if caller.wakes().recv_deadline(deadline).is_err() && Instant::now() >= deadline {
                    return Err(StreamError::TimedOut.at(caller.node()));
                }
                progress = caller.poll()?;
            }
            _ => return Err(ClientError::UnexpectedAnswer { to: caller.node().to_owned() }),
        }
    }
}
