//! The writer of a link: sends what its senders did not send themselves, and
//! closes the link in the end.

use std::io;
use std::time::{Duration, Instant};

use crate::application::Application;
use crate::link::{ClusterClient, WriterStep};

/// How long the other end may take to close after this end has.
const LINGER: Duration = Duration::from_secs(1);

/// Writes until the link is closed. Then the other end is told that nothing more
/// is sent, and is given time to read what was.
pub(super) fn run(link: &ClusterClient, application: &dyn Application) {
    if let Err(error) = write_all(link, application) {
        log::debug!("writing to {} ended: {error}", link.remote());
    }
    link.abort();
    // From now on sends fail with `NotLinked`, so no later refusal has to be reported.
    if link.outbox().clear() {
        notify_writable(link, application);
    }
}

fn write_all(link: &ClusterClient, application: &dyn Application) -> io::Result<()> {
    let mut batch = Vec::new();
    loop {
        match link.outbox().take(&mut batch) {
            WriterStep::Batch { mut half, writable } => {
                if writable {
                    notify_writable(link, application);
                }
                // First what a sender has not finished.
                half.send_all(|| link.outbox().is_over())?;
                for message in batch.drain(..) {
                    half.push(&message);
                }
                half.send_all(|| link.outbox().is_over())?;
                link.outbox().put_back(half, None);
            }
            WriterStep::Finish(half) => {
                half.finish();
                link.outbox().wait_for_abort(Instant::now() + LINGER);
                return Ok(());
            }
            WriterStep::Aborted => return Ok(()),
        }
    }
}

fn notify_writable(link: &ClusterClient, application: &dyn Application) {
    // Without a peer nobody can have sent on it.
    if let Some(id) = link.peer() {
        application.writable(&id.alias);
    }
}
