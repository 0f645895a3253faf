//! Code travels by identity: who wants a process on another node names the module by its hash, and a
//! node that does not have it asks for it, once, however many processes wait for it.

mod birth;
mod cache;
mod loader;

pub(crate) use self::birth::{Asker, Birth, start_named};
pub(crate) use self::cache::Cache;
pub(crate) use self::loader::{Loader, LoaderOrder};
