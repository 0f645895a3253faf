//! Many Iridium processes on few threads: scheduler, mailboxes, links, monitors, names, supervisors,
//! snapshots. The README has an example; [`NativeProcess`] has another one.
//!
//! | where | what |
//! | --- | --- |
//! | `scheduler`, `spawn`, `config` | [`Scheduler`]: its start and end, and what an embedder does with it |
//! | `embedder`, `distribution` | what an embedder provides: [`Output`], [`Observer`], [`Distribution`] |
//! | `native`, `inline_worker` | Rust code as a process, and Rust threads as workers |
//! | `info` | what can be seen of processes |
//! | `process/` | a process: mailbox, relations, signals, and the slot where it waits |
//! | `table` | all processes of a node, by the serial in their pids |
//! | `run/` | running processes: workers, turns, effects, exits |
//! | [`supervisor`] | trees of supervisors, as a state machine, and app files |
//! | `snapshot/` | processes as bytes, and back |
//!
//! Each worker has a queue of processes that can run, and steals from those of others, or takes from a
//! common one, when its own is empty. The queues are from `crossbeam-deque`, after Chase and Lev,
//! "Dynamic circular work-stealing deque", 2005. A process is owned by one thread at a time, so it
//! needs no lock; what it shares with others is its slot.

mod clock;
mod config;
mod distribution;
mod embedder;
mod info;
mod inline_worker;
#[cfg(all(test, loom))]
mod loom_models;
mod memory;
mod native;
mod process;
mod programs;
mod run;
mod scheduler;
mod snapshot;
mod spawn;
pub mod supervisor;
mod sync;
mod table;
#[cfg(test)]
mod tests;
mod threads;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use self::clock::Time;
pub use self::config::Config;
pub use self::distribution::{Distribution, NodeUnreachable, SendRefused, Standalone};
pub use self::embedder::{Observer, Output, OutputRoom};
pub use self::info::{Activity, ChildInfo, ProcessInfo, Usage};
pub use self::inline_worker::InlineWorker;
pub use self::native::{Ended, NativeProcess, Progress};
pub use self::process::exit_info::ExitInfo;
pub use self::process::mailbox::MESSAGE_OVERHEAD;
pub use self::process::reason::Reason;
pub use self::process::request::RemoteRequest;
pub use self::process::signal::Signal;
pub use self::run::memory_trim::trim_memory;
pub use self::run::spawn::StartSupervisorError;
pub use self::scheduler::{Scheduler, WeakScheduler};
pub use self::snapshot::{
    RestoreError, RestoreOptions, Restored, SNAPSHOT_VERSION, SaveError, Stopped,
};
pub use self::spawn::{SpawnOptions, Spawned};
pub use self::table::TooManyProcesses;
