//! SIGINT, SIGTERM and SIGHUP, as something to wait for.

use std::io;
use std::thread;

use crossbeam_channel::{Receiver, unbounded};
use nix::sys::signal::SigSet;
pub(crate) use nix::sys::signal::Signal;

use crate::failure::Failure;

/// A channel that gets the signals by which people and systems end a process.
///
/// They are blocked and fetched by a thread of their own, so this comes before
/// any other thread is started: new threads inherit what is blocked.
pub(crate) fn arriving() -> Result<Receiver<Signal>, Failure> {
    let fail = |why: io::Error| Failure::failed(format!("cannot handle signals: {why}"));
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    signals.thread_block().map_err(|error| fail(error.into()))?;
    let (arrived, arriving) = unbounded();
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            while let Ok(signal) = signals.wait() {
                if arrived.send(signal).is_err() {
                    return;
                }
            }
        })
        .map_err(fail)?;
    Ok(arriving)
}
