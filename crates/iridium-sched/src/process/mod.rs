//! A process as the scheduler sees it.
//!
//! * [`actor`]: what other processes act on: mailbox, relations, and what it waits for;
//! * [`entry`]: a process that can be run: its actor state, its program or supervisor, its accounts;
//! * [`slot`]: where it is found by others, and where it waits;
//! * [`signal`], [`slot_message`]: what is delivered to it.

pub(crate) mod actor;
pub(crate) mod entry;
pub(crate) mod exit_info;
pub(crate) mod group;
pub(crate) mod mailbox;
pub(crate) mod reason;
pub(crate) mod relations;
pub(crate) mod request;
pub(crate) mod signal;
pub(crate) mod slot;
pub(crate) mod slot_message;
