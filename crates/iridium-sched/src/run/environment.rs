//! The environment of a running program: how it sends and receives without leaving the engine.

use super::context::Context;
use super::local_queue::Role;
use crate::process::actor::ActorState;
use iridium_vm::{Environment, Message, Payload, Pid};

/// What is kept of the memory for output, in bytes.
const KEPT_OUTPUT: usize = 64 << 10;

/// The services of the scheduler that a running program gets without leaving the engine.
pub(crate) struct HostEnv<'e> {
    pub(crate) context: Context<'e>,
    pub(crate) actor: &'e mut ActorState,
    /// What it has written since the last flush.
    pub(crate) output: &'e mut Vec<u8>,
    /// How many effects its turn has left.
    pub(crate) effects: &'e mut u32,
    pub(crate) role: Role,
}

impl HostEnv<'_> {
    /// Passes on what the process has written, before anything that it does next can be noticed.
    pub(crate) fn flush_output(&mut self) {
        if !self.output.is_empty() {
            // Whoever takes the output may take their time.
            self.context.share_work();
            let output = &self.context.shared.output;
            match self.role {
                Role::Worker(_) => output.write(self.actor.pid, self.output),
                Role::Inline => output.write_at_once(self.actor.pid, self.output),
            }
            self.output.clear();
            self.output.shrink_to(KEPT_OUTPUT);
        }
    }

    /// Whether the turn has an effect left, which is taken from it.
    fn take_effect(&mut self) -> bool {
        let left = *self.effects > 1;
        *self.effects -= u32::from(left);
        left
    }
}

impl Environment for HostEnv<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    fn pid(&self) -> Pid {
        self.actor.pid
    }

    fn send(&mut self, to: i64, tag: i64, payload: Payload) -> Result<(), Payload> {
        let me = self.actor.pid;
        // The rest is done as an effect.
        if tag < 0 || to == me.bits() || !self.take_effect() {
            return Err(payload);
        }
        self.flush_output();
        let message = Message { tag, sender: me.bits(), payload };
        self.context
            .send_message(me, Pid::from_bits(to), message)
            .map_err(|refused| refused.into_message().payload)
    }

    fn receive(&mut self, tag: i64) -> Option<Message> {
        if self.take_effect() { self.actor.mailbox.take(tag) } else { None }
    }
}
