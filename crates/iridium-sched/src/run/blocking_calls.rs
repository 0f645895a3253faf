//! Calls of blocking host functions, on threads where they may take their time.

use std::sync::Arc;

use super::shared::Shared;
use crate::process::actor::Wait;
use crate::process::entry::{Body, ProcessEntry};

/// Calls the host function that a process waits for. The process is scheduled again when that has
/// returned.
pub(crate) fn start(shared: &Arc<Shared>, entry: Box<ProcessEntry>) {
    if shared.blocking.push(entry) {
        let on_thread = Arc::clone(shared);
        let started = shared.threads.spawn("iridium-blocking", move || serve(&on_thread));
        if let Err(error) = started {
            // The threads that there are will see to it. Without any the process waits until
            // another call finds that the system has a thread again.
            log::warn!("no thread for a blocking host function, which waits for another: {error}");
            shared.blocking.thread_not_started();
        }
    }
}

fn serve(shared: &Shared) {
    while let Some(mut entry) = shared.blocking.next() {
        call(&mut entry);
        shared.context().schedule(entry);
        shared.blocking.finish();
        // Virtual time has stood still for it.
        if shared.has_virtual_time_to_advance() {
            shared.idle.wake_one();
        }
        // The process may have exited by now, and could not report that nothing is left to run.
        shared.report_if_idle();
    }
}

fn call(entry: &mut ProcessEntry) {
    // What came meanwhile, an exit signal say, is handled before it goes on.
    entry.has_slot_messages = true;
    if let (Some(Wait::Host { import, window }), Body::Program(process, program)) =
        (entry.actor.wait.take(), &mut entry.body)
    {
        // A restored process whose program does not wait for this traps when it is to run.
        if let Ok(Err(error)) = program.call_host(process, entry.actor.pid, import, window) {
            entry.host_error = Some(error.0);
        }
    }
}
