//! The interpreter.
//!
//! * [`op`] and [`code`]: instructions laid out for running, by [`layout`];
//! * [`machine`]: the state that a run keeps in machine registers, and the only unchecked accesses
//!   to it;
//! * [`semantics`]: what the fast instructions do, once, for both backends; [`memory`] and
//!   [`arithmetic`] serve them;
//! * [`slow_path`]: what all other instructions do, and the rare cases of the fast ones;
//! * [`register_cache`] and [`dataflow`]: values that are still in machine registers from
//!   instructions before;
//! * [`dispatch`]: from one instruction to the next, by a loop or by tail calls;
//! * [`entry_hook`]: where another engine takes over.

mod arithmetic;
mod code;
mod dataflow;
mod dispatch;
mod entry_hook;
pub(crate) mod layout;
mod machine;
mod memory;
mod op;
mod register_cache;
mod run;
mod semantics;
mod slow_path;

pub(crate) use self::code::Code;
pub(crate) use self::dispatch::Mode;
pub use self::dispatch::{Dispatch, is_done_beside};
pub use self::entry_hook::{EntryHook, EntryState, Layout, Resume, Stepped};
pub(crate) use self::run::run;
