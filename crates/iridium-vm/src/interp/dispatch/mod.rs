//! From one instruction to the next.
//!
//! Two backends run the same [`semantics`](super::semantics):
//!
//! * [`looped`]: a loop around a `match`; portable, and what single steps use;
//! * [`threaded`]: every instruction carries the address of its handler, and a handler ends by calling
//!   the next one in tail position. Optimising compilers make that a jump, but stable Rust does not
//!   promise it, so `build.rs` only sets `iridium_tail_calls` where it is known to happen. Elsewhere
//!   the handlers return to a driver after each instruction, which is slow but safe.
//!
//! [`handlers`] has one handler an instruction, [`superinstruction`] those that do a pair at once, and
//! [`select`] chooses between them. [`stops`] is where dispatch is left, and [`step`] what an engine
//! does that has taken over.

mod backend;
mod handlers;
mod looped;
mod select;
mod step;
mod stops;
mod superinstruction;
mod threaded;

pub use self::backend::Dispatch;
pub(crate) use self::backend::Mode;
pub(super) use self::backend::go;
pub(super) use self::select::{handler, handler_alone};
pub use self::step::is_done_beside;
pub(super) use self::threaded::{Handler, entry, erase};
