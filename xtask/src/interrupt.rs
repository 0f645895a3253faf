//! Ctrl-C and SIGTERM are noted, so that a task can stop what it has started.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// A process can take over these signals once only, and CI has several tasks that do.
static TAKEN: OnceLock<Result<(), String>> = OnceLock::new();

/// From now on the signals are noted and do not end this process.
pub(crate) fn note() -> Result<&'static AtomicBool> {
    let taken = TAKEN.get_or_init(|| {
        let set = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
        set.map_err(|error| error.to_string())
    });
    taken.clone().map_err(anyhow::Error::msg).context("cannot handle Ctrl-C")?;
    Ok(&INTERRUPTED)
}

/// An error once one of them has come.
pub(crate) fn check() -> Result<()> {
    if INTERRUPTED.load(Ordering::Relaxed) {
        bail!("interrupted");
    }
    Ok(())
}
