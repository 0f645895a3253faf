//! Code travels by identity: who wants a process on another node names the module by its hash, and a
//! node that does not have it asks for it, once, however many processes wait for it.

mod cache;
mod loader;
mod outgoing;
mod programs;
mod spawn;
mod spawner;
mod transfers;
mod wanted;

use iridium_isa::FileLimits;

pub(crate) use self::cache::Cache;
pub(crate) use self::loader::{Loader, LoaderOrder};
pub(crate) use self::outgoing::Outgoing;
pub(crate) use self::programs::Programs;
pub(crate) use self::spawn::{Requester, SpawnRequest, long_name, spawn_named};
pub(crate) use self::spawner::Spawner;
pub(crate) use self::transfers::Transfers;

/// What is taken in of a module of another node or an operator, however much of it is data: in memory it is
/// some 30 MiB then.
pub(crate) const LIMITS: FileLimits = FileLimits { instructions: 1 << 18, other_bytes: 1 << 20 };
