//! SIGINT, SIGTERM and SIGHUP, as something to wait for.

use crossbeam_channel::{Receiver, bounded};

use crate::failure::Failure;

/// A channel that has something in it once the process was asked to end.
pub(crate) fn termination() -> Result<Receiver<()>, Failure> {
    let (asked, asked_to_end) = bounded(1);
    let ask = move || {
        // One request is enough: a full channel has it already.
        let _ = asked.try_send(());
    };
    ctrlc::set_handler(ask)
        .map_err(|error| Failure::failed(format!("cannot handle signals: {error}")))?;
    Ok(asked_to_end)
}
