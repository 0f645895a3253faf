//! The queue of one link as its senders, its writer and the owner of the mesh
//! share it, and how it comes to its end.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use iridium_proto::IridiumMessage;

use crate::error::{Refused, SendError};
use crate::threads::lock;

use super::queue::{Kind, Pushed, Queue};

/// How long a link that is being closed may take to send what it has.
pub(crate) const FLUSH: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    /// Overtakes nothing: the receiver closes the link when it comes.
    goodbye: Option<IridiumMessage>,
    closing: Option<Instant>,
    aborted: bool,
}

/// What the writer is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Send what was put in the batch.
    Batch {
        /// Tell those who were refused that there is room again.
        room: bool,
    },
    /// Close the link: nothing more is to be sent.
    Over,
}

impl Outbox {
    pub(super) fn new(capacity: usize) -> Self {
        let queue = Queue::new(capacity);
        Self {
            state: Mutex::new(State { queue, goodbye: None, closing: None, aborted: false }),
            changed: Condvar::new(),
        }
    }

    /// Queues a control message. It overtakes data, unless it is `Leave`. A link
    /// whose other end does not even read these is given up.
    pub(super) fn push_control(&self, message: IridiumMessage) {
        let mut state = lock(&self.state);
        if state.closing.is_some() {
            return;
        }
        if message == IridiumMessage::Leave {
            state.goodbye = Some(message);
        } else if !state.queue.push_control(message) {
            state.aborted = true;
        }
        self.changed.notify_one();
    }

    /// Queues a message or signal.
    ///
    /// # Errors
    /// Nothing was queued: it is too long, the queue is full, or the link is
    /// being closed.
    pub(super) fn push(&self, lane: u64, kind: Kind, bytes: Vec<u8>) -> Result<(), Refused> {
        let mut state = lock(&self.state);
        if state.closing.is_some() || state.aborted {
            return Err(Refused { why: SendError::NotLinked, bytes });
        }
        match state.queue.push(lane, kind, bytes) {
            Pushed::Queued => {
                self.changed.notify_one();
                Ok(())
            }
            Pushed::Refused(refused) => Err(refused),
            Pushed::Overflow(bytes) => {
                log::warn!("gave up a link on which too many signals wait");
                state.aborted = true;
                self.changed.notify_one();
                Err(Refused { why: SendError::NotLinked, bytes })
            }
        }
    }

    /// Bytes of data that wait, with overhead.
    pub(super) fn queued_bytes(&self) -> usize {
        lock(&self.state).queue.bytes()
    }

    /// The other end has room for this much more.
    pub(super) fn add_credit(&self, bytes: u64) {
        lock(&self.state).queue.add_credit(bytes);
        self.changed.notify_one();
    }

    /// This end has room for this much more.
    pub(super) fn give_credit(&self, bytes: usize) {
        self.push_control(IridiumMessage::Credit(bytes as u64));
    }

    /// Takes nothing more; what is queued is still sent, for [`FLUSH`] at most.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closing.get_or_insert_with(|| Instant::now() + FLUSH);
        self.changed.notify_one();
    }

    /// Takes nothing more and sends nothing more.
    pub(super) fn abort(&self) {
        let mut state = lock(&self.state);
        state.aborted = true;
        state.closing.get_or_insert_with(Instant::now);
        self.changed.notify_one();
    }

    /// Whether the writer should stop even though a write is not finished.
    pub(super) fn is_over(&self) -> bool {
        let state = lock(&self.state);
        state.aborted || state.closing.is_some_and(|end| Instant::now() >= end)
    }

    /// Waits until nothing more is to be done with the link.
    pub(super) fn wait_for_abort(&self, deadline: Instant) {
        let mut state = lock(&self.state);
        while !state.aborted {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for something to send and puts it in the empty `batch`.
    pub(super) fn take(&self, batch: &mut Vec<IridiumMessage>) -> Taken {
        let mut state = lock(&self.state);
        loop {
            if state.aborted {
                return Taken::Over;
            }
            state.queue.take(batch);
            if !batch.is_empty() {
                return Taken::Batch { room: state.queue.has_news() };
            }
            if state.closing.is_some() {
                // What is left has no credit: its receiver has long stopped reading.
                let Some(goodbye) = state.goodbye.take() else { return Taken::Over };
                batch.push(goodbye);
                return Taken::Batch { room: false };
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Forgets what is queued, after an abort. Returns whether someone was
    /// refused and waits for room.
    pub(super) fn clear(&self) -> bool {
        lock(&self.state).queue.clear()
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::MAX_CONTROL;
    use super::*;

    fn ping() -> IridiumMessage {
        IridiumMessage::Ping(iridium_proto::Ping { token: 1, digest: 2 })
    }

    fn taken(outbox: &Outbox) -> (Taken, Vec<IridiumMessage>) {
        let mut batch = Vec::new();
        (outbox.take(&mut batch), batch)
    }

    #[test]
    fn closing_sends_what_is_queued_then_goodbye_and_takes_nothing_more() {
        let outbox = Outbox::new(1000);
        outbox.push_control(IridiumMessage::Leave);
        outbox.push_control(ping());
        outbox.push(0, Kind::Message, vec![1]).unwrap();
        outbox.close();
        outbox.push_control(ping());
        let refused = outbox.push(0, Kind::Message, vec![2]).unwrap_err();
        assert_eq!(refused, Refused { why: SendError::NotLinked, bytes: vec![2] });
        let batch = Taken::Batch { room: false };
        let first = vec![ping(), IridiumMessage::Deliver(vec![1])];
        assert_eq!(taken(&outbox), (batch, first));
        let goodbye = vec![IridiumMessage::Leave];
        assert_eq!(taken(&outbox), (Taken::Batch { room: false }, goodbye), "it comes last");
        assert_eq!(taken(&outbox), (Taken::Over, vec![]));
    }

    #[test]
    fn a_peer_that_reads_nothing_costs_a_bounded_number_of_control_messages() {
        let outbox = Outbox::new(1000);
        for _ in 0..=MAX_CONTROL {
            outbox.push_control(ping());
        }
        assert!(outbox.is_over());
        assert_eq!(taken(&outbox), (Taken::Over, vec![]));
    }

    #[test]
    fn signals_are_not_refused_and_too_many_end_the_link() {
        let outbox = Outbox::new(1000);
        outbox.push(0, Kind::Message, vec![0; 1000]).unwrap();
        let refused = outbox.push(0, Kind::Message, vec![1; 8]).unwrap_err();
        assert_eq!(refused.why, SendError::WouldBlock);
        let mut count = 0;
        while outbox.push(0, Kind::Signal, vec![0; 1 << 16]).is_ok() {
            count += 1;
        }
        assert!((100..130).contains(&count), "{count} signals of 64 KiB");
        assert!(outbox.is_over());
        assert!(outbox.clear(), "the one who was refused is told");
        assert_eq!(outbox.push(0, Kind::Signal, vec![]).unwrap_err().why, SendError::NotLinked);
    }
}
