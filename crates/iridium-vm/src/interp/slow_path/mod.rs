//! What instructions do out of line, in safe code: all of those that the table calls `general`, and
//! the rare cases of the fast ones.
//!
//! * `execute`: one instruction;
//! * `effects`: those that want something from the outside;
//! * `operands`: registers, memory, fuel and calls, all checked;
//! * `interruption`: why an instruction was not done, or was the last one.

mod effects;
mod execute;
mod interruption;
mod operands;

pub(super) use self::execute::{execute, trap};
