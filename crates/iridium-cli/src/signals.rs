//! SIGINT, SIGTERM and SIGHUP through a channel.
//!
//! A signal that was ignored when the command started stays ignored: `nohup` has a command
//! survive the end of its terminal by that, and a shell without job control keeps Ctrl-C from
//! what it runs in the background.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::thread;

use crossbeam_channel::{Receiver, unbounded};
use nix::libc;
use nix::sys::signal::SigSet;
pub(crate) use nix::sys::signal::Signal;

use crate::failure::Failure;

/// The channel, once there is one. Signals are sent to the process as a whole, so it is one.
static RECEIVED: OnceLock<Receiver<Signal>> = OnceLock::new();

/// A channel that receives the signals by which people and systems end a process, except those
/// that were ignored at the start.
///
/// The signals are blocked and fetched by a thread. Call this before any other thread is
/// started, since new threads inherit the set of blocked signals.
pub(crate) fn receive() -> Result<Receiver<Signal>, Failure> {
    let fail = |why: io::Error| Failure::failed(format!("cannot handle signals: {why}"));
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // The system keeps a blocked signal although it is ignored, so one that is fetched here
        // would be obeyed.
        if !is_ignored(signal).map_err(fail)? {
            signals.add(signal);
        }
    }
    signals.thread_block().map_err(|error| fail(error.into()))?;
    let (sender, receiver) = unbounded();
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            // If all are ignored, this waits as long as the command runs.
            while let Ok(signal) = signals.wait() {
                if sender.send(signal).is_err() {
                    return;
                }
            }
        })
        .map_err(fail)?;
    Ok(RECEIVED.get_or_init(|| receiver).clone())
}

/// Whether a signal has come that nobody has taken from the channel yet: whoever waits for
/// something else then gives up, and the signal is obeyed by whoever takes it.
pub(crate) fn is_one_due() -> bool {
    RECEIVED.get().is_some_and(|signals| !signals.is_empty())
}

/// Whether a signal is ignored.
fn is_ignored(signal: Signal) -> io::Result<bool> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action the call only writes the present one, to a place that is as
    // large and lives during the call.
    if unsafe { libc::sigaction(signal as libc::c_int, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has succeeded, so it has written all of it.
    let action = unsafe { action.assume_init() };
    Ok(action.sa_sigaction == libc::SIG_IGN)
}
