//! A process as the scheduler sees it.
//!
//! * [`actor`]: what other processes act on: mailbox, relations, and what it waits for;
//! * [`entry`]: a process that can be run: its actor state, its program or supervisor, its accounts;
//! * [`slot`]: where it is found by others, and where it waits;
//! * [`retirement`]: what is left of it when it has exited;
//! * [`watchers`]: who waits for its end;
//! * [`signal`], [`slot_message`]: what is delivered to it.

pub(crate) mod actor;
pub(crate) mod entry;
pub(crate) mod exit_info;
pub(crate) mod group;
pub(crate) mod mailbox;
pub(crate) mod pending_reply;
pub(crate) mod reason;
pub(crate) mod relations;
pub(crate) mod request;
pub(crate) mod retirement;
pub(crate) mod signal;
pub(crate) mod slot;
pub(crate) mod slot_message;
pub(crate) mod watchers;
