//! Running processes.
//!
//! * [`shared`]: what all threads of a scheduler share, and [`context`]: what a thread does with it;
//! * [`worker`]: a thread that runs processes: its [`local_queue`], and what it steals from others;
//! * [`turn`]: one process runs until its turn is over, in its [`environment`]; [`outgoing`], [`effects`],
//!   [`supervision`], [`blocking_calls`] and [`deferred_calls`] are what it may want then;
//! * [`spawn`] and [`exit`]: the begin and the end of a process; [`residents`]: those that have their
//!   home elsewhere;
//! * [`idle`], [`pause`] and [`fuel`]: workers without work, workers that are held for a snapshot,
//!   processes without fuel;
//! * [`output`]: processes that wait for room for their output;
//! * [`timers`], [`names`], [`blocking_queue`], [`awaiting_output`]: the state behind deadlines,
//!   registered names, blocking host functions and waiting for room;
//! * [`free_list`] and [`memory_trim`]: memory of processes that have exited.

pub(crate) mod awaiting_output;
pub(crate) mod blocking_calls;
pub(crate) mod blocking_queue;
pub(crate) mod context;
pub(crate) mod deferred_calls;
pub(crate) mod effects;
pub(crate) mod environment;
pub(crate) mod exit;
pub(crate) mod free_list;
pub(crate) mod fuel;
pub(crate) mod idle;
pub(crate) mod local_queue;
pub(crate) mod memory_trim;
pub(crate) mod names;
pub(crate) mod outgoing;
pub(crate) mod output;
pub(crate) mod pause;
pub(crate) mod residents;
pub(crate) mod shared;
pub(crate) mod spawn;
pub(crate) mod supervision;
pub(crate) mod timers;
pub(crate) mod turn;
pub(crate) mod unknown_tags;
pub(crate) mod worker;
