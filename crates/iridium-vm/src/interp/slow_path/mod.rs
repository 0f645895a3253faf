//! What instructions do out of line, in safe code: all of those that the table calls `slow`, and
//! the rare cases of the fast ones.
//!
//! * `execute`: one instruction;
//! * `effects`: those that want something from the outside;
//! * `operands`: registers, memory and calls, all checked;
//! * `bulk`: those that move any number of bytes;
//! * `blocks`: those of blocks that grow the heap or trap;
//! * `text`: those of text and bytes;
//! * `fuel`: what they pay;
//! * `interruption`: why an instruction was not done, or was the last one.

mod blocks;
mod bulk;
mod effects;
mod execute;
mod fuel;
mod interruption;
mod operands;
mod text;

pub(super) use self::execute::{execute, trap};
