//! The environment of a running program: how it sends, receives and asks without leaving the engine.

use super::context::Context;
use super::effects::{may_ask, monitor_reply, number};
use super::outgoing::Outgoing;
use crate::process::actor::ActorState;
use iridium_vm::{Effect, Environment, Message, Payload, Pid};

/// What a process may write before it is passed on, in bytes; one instruction may exceed it. Also what
/// is kept of the memory for it.
const OUTPUT_BUFFER: usize = 32 << 10;

/// The services of the scheduler that a running program gets without leaving the engine.
pub(crate) struct HostEnv<'e> {
    pub(crate) context: Context<'e>,
    pub(crate) actor: &'e mut ActorState,
    /// The memory in bytes that it is counted with.
    pub(crate) memory: &'e mut u64,
    /// What it has written since the last flush.
    pub(crate) output: &'e mut Vec<u8>,
    /// How many effects its turn has left.
    pub(crate) effects: &'e mut u32,
    /// What it sends.
    pub(crate) outgoing: &'e mut Outgoing,
    /// Whether there is room for output; `None` until it is about to write.
    pub(crate) has_room: Option<bool>,
}

impl HostEnv<'_> {
    /// Passes on what the process has sent and written, before anything that it does next can be noticed.
    pub(crate) fn flush(&mut self) {
        self.outgoing.end(self.context);
        if !self.output.is_empty() {
            self.context.shared.output.write(self.actor.pid, self.output);
            self.output.clear();
            self.output.shrink_to(OUTPUT_BUFFER);
            self.has_room = None;
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

    fn takes_output(&mut self) -> bool {
        let shared = self.context.shared;
        self.output.len() < OUTPUT_BUFFER
            && *self.has_room.get_or_insert_with(|| shared.output.has_room())
    }

    fn pid(&self) -> Pid {
        self.actor.pid
    }

    fn may_grow(&mut self, bytes: u64) -> bool {
        let memory = &self.context.shared.memory;
        let fits = memory.try_grow(bytes);
        if fits && memory.is_limited() {
            *self.memory += bytes;
        }
        fits
    }

    fn send(&mut self, to: i64, tag: i64, payload: Payload) -> Result<(), Payload> {
        let me = self.actor.pid;
        // The rest is done as an effect.
        if tag < 0 || to == me.bits() || !self.take_effect() {
            return Err(payload);
        }
        if !self.output.is_empty() {
            self.flush();
        }
        let message = Message { tag, sender: me.bits(), payload };
        let to = Pid::from_bits(to);
        self.actor.forget_caller(to, tag);
        let sent = self.outgoing.send(self.context, me, to, message);
        sent.map_err(|refused| refused.into_message().payload)
    }

    fn receive(&mut self, tag: i64) -> Option<Message> {
        self.outgoing.end(self.context);
        if self.take_effect() { self.actor.mailbox.take(tag) } else { None }
    }

    fn answer(&mut self, effect: &Effect) -> Option<i64> {
        let shared = self.context.shared;
        match effect {
            Effect::SelfPid | Effect::Node => number(self.context, self.actor, effect),
            Effect::Now | Effect::Mono | Effect::Random if self.take_effect() => {
                number(self.context, self.actor, effect)
            }
            Effect::MonitorReply { pid, tag }
                if may_ask(self.actor) && !shared.memory.is_over() && self.take_effect() =>
            {
                self.flush();
                monitor_reply(self.context, self.actor, Pid::from_bits(*pid), *tag);
                Some(0)
            }
            _ => None,
        }
    }
}
