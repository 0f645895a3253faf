//! The sending side of a link: what its senders did not send themselves, and the end of the link. A
//! thread of the link's own waits for both, here, or the one that writes for many links.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::application::Application;
use crate::link::{ClusterClient, Outgoing, WriterStep};

/// How long the other end may take to close after this end has.
pub(super) const LINGER: Duration = Duration::from_secs(1);
/// Why writing has ended, if nothing has failed.
pub(super) const CLOSED: &str = "the link was closed";

pub(super) struct Writer {
    link: Arc<ClusterClient>,
    application: Arc<dyn Application>,
}

impl Writer {
    pub(super) fn new(link: Arc<ClusterClient>, application: Arc<dyn Application>) -> Self {
        Self { link, application }
    }

    /// The link that it writes for.
    pub(super) fn link(&self) -> &ClusterClient {
        &self.link
    }

    /// Writes on a thread of its own until the link is closed. Then the other end is told that nothing
    /// more is sent, and is given time to read what was.
    pub(super) fn run(self) {
        match self.write_all() {
            Ok(()) => self.end(CLOSED),
            Err(error) => self.end(&error.to_string()),
        }
    }

    /// What is done next; `None` while there is nothing to do, until the link's bell rings. Of a batch,
    /// only what the half holds is left to be sent.
    pub(super) fn try_step(&self, batch: &mut Vec<Outgoing>) -> Option<WriterStep> {
        let step = self.link.outbox().try_take(batch)?;
        Some(self.prepare(step, batch))
    }

    /// Nothing more is written.
    pub(super) fn end(self, why: &str) {
        log::debug!("writing to {} ended: {why}", self.link.remote());
        self.link.abort();
        // From now on sends fail with `NotLinked`, so no later refusal has to be reported.
        if self.link.outbox().clear() {
            self.notify_writable();
        }
    }

    fn write_all(&self) -> io::Result<()> {
        let outbox = self.link.outbox();
        let mut batch = Vec::new();
        loop {
            match self.prepare(outbox.take(&mut batch), &mut batch) {
                WriterStep::Batch { mut half, .. } => {
                    while !half.flush()? {
                        if outbox.is_over() {
                            return Err(io::ErrorKind::TimedOut.into());
                        }
                    }
                    outbox.put_back(half, None);
                }
                WriterStep::Finish(half) => {
                    half.finish();
                    outbox.wait_for_abort(Instant::now() + LINGER);
                    return Ok(());
                }
                WriterStep::Aborted => return Ok(()),
            }
        }
    }

    /// Moves the messages of a batch to the half, and tells the application of room for others.
    fn prepare(&self, mut step: WriterStep, batch: &mut Vec<Outgoing>) -> WriterStep {
        if let WriterStep::Batch { half, writable } = &mut step {
            if *writable {
                self.notify_writable();
            }
            for message in batch.drain(..) {
                half.push(message);
            }
        }
        step
    }

    fn notify_writable(&self) {
        // Without a peer nobody can have sent on it.
        if let Some(id) = self.link.peer() {
            self.application.writable(&id.alias);
        }
    }
}
