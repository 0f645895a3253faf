//! The writer of a link: sends what its senders did not send themselves, and
//! closes the link in the end.

use std::io;
use std::time::{Duration, Instant};

use crate::application::Application;
use crate::link::{ClusterClient, Taken};

/// How long the other end may take to close after this end has.
const LINGER: Duration = Duration::from_secs(1);

/// Writes until the link is closed. Then the other end is told that nothing more
/// comes, and is given time to take in what did.
pub(super) fn run(link: &ClusterClient, application: &dyn Application) {
    if let Err(error) = write_all(link, application) {
        log::debug!("writing to {} ended: {error}", link.remote());
    }
    link.abort();
    // Nobody is refused from now on, so nobody can be missed.
    if link.outbox().clear() {
        tell_of_room(link, application);
    }
}

fn write_all(link: &ClusterClient, application: &dyn Application) -> io::Result<()> {
    let mut batch = Vec::new();
    loop {
        match link.outbox().take(&mut batch) {
            Taken::Batch { mut half, room } => {
                if room {
                    tell_of_room(link, application);
                }
                // What a sender has begun comes first.
                half.send_all(|| link.outbox().is_over())?;
                for message in batch.drain(..) {
                    half.push(&message);
                }
                half.send_all(|| link.outbox().is_over())?;
                link.outbox().put_back(half, None);
            }
            Taken::Last(half) => {
                half.finish();
                link.outbox().wait_for_abort(Instant::now() + LINGER);
                return Ok(());
            }
            Taken::Over => return Ok(()),
        }
    }
}

fn tell_of_room(link: &ClusterClient, application: &dyn Application) {
    // Nobody has sent on a link before it was known whose it is.
    if let Some(id) = link.peer() {
        application.room(&id.alias);
    }
}
