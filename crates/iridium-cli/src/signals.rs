//! SIGINT, SIGTERM and SIGHUP through a channel.

use std::io;
use std::thread;

use crossbeam_channel::{Receiver, unbounded};
use nix::sys::signal::SigSet;
pub(crate) use nix::sys::signal::Signal;

use crate::failure::Failure;

/// A channel that receives the signals by which people and systems end a process.
///
/// The signals are blocked and fetched by a thread. Call this before any other thread is
/// started, since new threads inherit the set of blocked signals.
pub(crate) fn receive() -> Result<Receiver<Signal>, Failure> {
    let fail = |why: io::Error| Failure::failed(format!("cannot handle signals: {why}"));
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    signals.thread_block().map_err(|error| fail(error.into()))?;
    let (sender, receiver) = unbounded();
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            while let Ok(signal) = signals.wait() {
                if sender.send(signal).is_err() {
                    return;
                }
            }
        })
        .map_err(fail)?;
    Ok(receiver)
}
