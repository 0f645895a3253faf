//! The sending half of a link: takes what waits, and writes it in as few calls
//! as it can.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::application::Application;
use crate::session::FrameWriter;

use super::ClusterClient;
use super::outbox::Taken;

/// How often a write that does not get on looks whether the link was given up.
const LOOK_UP: Duration = Duration::from_millis(250);

/// How long the other end may take to close after this end has.
const LINGER: Duration = Duration::from_secs(1);

/// Writes until the link is closed. Then the other end is told that nothing more
/// comes, and is given time to take in what did.
pub(crate) fn run(
    link: &ClusterClient,
    frames: FrameWriter,
    mut stream: TcpStream,
    application: &dyn Application,
) {
    match write_all(link, frames, &mut stream, application) {
        Ok(()) => {
            // If the other end has closed already, there is nothing to tell.
            let _ = stream.shutdown(Shutdown::Write);
            link.outbox.wait_for_abort(Instant::now() + LINGER);
        }
        Err(error) => log::debug!("writing to {} ended: {error}", link.remote),
    }
    link.abort();
    // Nobody is refused from now on, so nobody can be missed.
    if link.outbox.clear() {
        tell_of_room(link, application);
    }
}

fn tell_of_room(link: &ClusterClient, application: &dyn Application) {
    // Nobody has sent on a link before it was known whose it is.
    if let Some(id) = link.peer.get() {
        application.room(&id.alias);
    }
}

fn write_all(
    link: &ClusterClient,
    mut frames: FrameWriter,
    stream: &mut TcpStream,
    application: &dyn Application,
) -> io::Result<()> {
    stream.set_write_timeout(Some(LOOK_UP))?;
    let mut batch = Vec::new();
    while let Taken::Batch { room } = link.outbox.take(&mut batch) {
        if room {
            tell_of_room(link, application);
        }
        for message in batch.drain(..) {
            if let Err(error) = frames.push(&message) {
                log::error!("a {} message was not sent: {error}", message.name());
            }
        }
        let mut wire = frames.seal()?;
        while !wire.is_empty() {
            match stream.write(wire) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => wire = &wire[n..],
                Err(e) if is_pause(&e) => {
                    if link.outbox.is_over() {
                        return Err(e);
                    }
                }
                Err(e) => return Err(e),
            }
        }
    }
    Ok(())
}

fn is_pause(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
