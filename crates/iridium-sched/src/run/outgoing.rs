//! Messages that a process sends in a row to the same other one, which are delivered together.
//!
//! Processes that send and receive on two cores at the same time take the slot from each other with each
//! message, and that is most of what a message costs. So the first of a row is delivered at once, and those
//! that follow are when there are [`MOST`] of them, or before anything else that their sender does can be
//! noticed: at the latest when it leaves the engine, which it does after some µs.

use super::context::{Context, in_slot};
use crate::distribution::SendRefused;
use crate::process::slot_message::SlotMessage;
use iridium_vm::{Message, Pid};

/// How many wait at most.
const MOST: usize = 64;

/// What a running process sends.
#[derive(Default)]
pub(crate) struct Outgoing {
    /// To whom it has sent last, if that one's messages may wait here.
    to: Option<Pid>,
    messages: Vec<SlotMessage>,
}

impl Outgoing {
    /// Sends a message to a process on whichever node. Only one to another node can be refused.
    #[inline(always)]
    pub(crate) fn send(
        &mut self,
        context: Context<'_>,
        from: Pid,
        to: Pid,
        message: Message,
    ) -> Result<(), SendRefused> {
        if self.to == Some(to) {
            self.messages.push(in_slot(message));
            if self.messages.len() == MOST {
                context.send_together(to, &mut self.messages);
            }
            return Ok(());
        }
        // The first of a row.
        self.end(context);
        context.send_message(from, to, message)?;
        // Each message is counted where memory is limited.
        let shared = context.shared;
        self.to = (!shared.memory.is_limited() && shared.serial_of(to).is_some()).then_some(to);
        Ok(())
    }

    /// Delivers what waits. What is sent next begins a row.
    #[inline(always)]
    pub(crate) fn end(&mut self, context: Context<'_>) {
        if let Some(to) = self.to.take()
            && !self.messages.is_empty()
        {
            context.send_together(to, &mut self.messages);
        }
    }
}
