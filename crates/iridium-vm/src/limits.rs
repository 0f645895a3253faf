//! What a process may use at most.

use serde::{Deserialize, Serialize};

/// The limits of a process. Reaching one is a trap with a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Heap in bytes; at most 2^32, where the read-only data begins.
    pub heap: u64,
    /// Data stack in 64-bit cells.
    pub stack: u64,
    /// Calls that have not returned.
    pub call_depth: u64,
    /// Registers of all windows together, 16 bytes each; at least one window is always there.
    pub registers: u64,
    /// Messages that wait to be received.
    pub messages: u64,
    /// Memory that waiting messages take, in bytes: their payloads, and
    /// a fixed amount for each.
    pub message_bytes: u64,
    /// Fuel from start to end; `u64::MAX` is unlimited.
    pub fuel: u64,
}

impl Limits {
    /// These limits, none larger than in `most`.
    #[must_use]
    pub fn within(self, most: &Self) -> Self {
        Self {
            heap: self.heap.min(most.heap),
            stack: self.stack.min(most.stack),
            call_depth: self.call_depth.min(most.call_depth),
            registers: self.registers.min(most.registers),
            messages: self.messages.min(most.messages),
            message_bytes: self.message_bytes.min(most.message_bytes),
            fuel: self.fuel.min(most.fuel),
        }
    }

    /// Limits that the interpreter can count with: addresses of heap and data do not overlap, and
    /// positions fit in 32 bits.
    pub(crate) fn clamped(self) -> Self {
        let positions = u64::from(u32::MAX / 2);
        Self {
            heap: self.heap.min(iridium_isa::DATA_BASE as u64),
            stack: self.stack.min(positions),
            call_depth: self.call_depth.min(positions),
            registers: self.registers.min(positions),
            ..self
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            heap: 64 << 20,
            stack: 1 << 20,
            call_depth: 100_000,
            registers: 1 << 20,
            messages: 1 << 20,
            message_bytes: 64 << 20,
            fuel: u64::MAX,
        }
    }
}
