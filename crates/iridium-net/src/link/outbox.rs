//! What waits to be sent on one link: a control lane, a bounded data lane that
//! it overtakes, and the credit that the other end has given.
//!
//! Data is sent only when the receiver has said that it has room. So a reader
//! never has to stop reading because its application does not keep up, and
//! heartbeats behind the data always get through.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use iridium_proto::{IridiumMessage, MAX_MESSAGE, PIECE_LEN, Piece};

use crate::error::SendError;
use crate::threads::lock;

/// What a message costs beyond its bytes: the memory that keeps it in a queue.
pub(crate) const OVERHEAD: usize = 64;
/// Bytes of data that either end of a link may have on its way without having
/// been given credit for: the longest message, and some short ones beside it.
pub(crate) const WINDOW: usize = MAX_MESSAGE + 1024 * 1024;
/// More control messages than this wait only when the other end does not read.
const MAX_CONTROL: usize = 4096;
/// How much is handed to the system at a time.
const BATCH: usize = 64 * 1024;
/// How long a link that is being closed may take to send what it has.
pub(crate) const FLUSH: Duration = Duration::from_secs(2);

/// What a message takes from credit and queue space.
pub(crate) fn cost(len: usize) -> usize {
    len + OVERHEAD
}

#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State {
    control: VecDeque<IridiumMessage>,
    /// Overtakes nothing: the receiver closes the link when it comes.
    goodbye: Option<IridiumMessage>,
    data: VecDeque<IridiumMessage>,
    /// Bytes in `data`, with overhead.
    queued: usize,
    credit: usize,
    /// A long message of which a part has been sent.
    transfer: Option<Transfer>,
    transfers: u32,
    /// Credit to give to the other end, not yet worth a message.
    owed: usize,
    closing: Option<Instant>,
    aborted: bool,
}

#[derive(Debug)]
struct Transfer {
    number: u32,
    kind: u8,
    bytes: Vec<u8>,
    sent: usize,
}

impl Outbox {
    /// An outbox whose data lane holds at most `capacity` bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State {
                control: VecDeque::new(),
                goodbye: None,
                data: VecDeque::new(),
                queued: 0,
                credit: WINDOW,
                transfer: None,
                transfers: 0,
                owed: 0,
                closing: None,
                aborted: false,
            }),
            changed: Condvar::new(),
            capacity,
        }
    }

    /// Queues a control message. It overtakes data, unless it is `Leave`. A link
    /// whose other end does not even read these is given up.
    pub(crate) fn push_control(&self, message: IridiumMessage) {
        let mut state = lock(&self.state);
        if state.closing.is_some() {
            return;
        }
        if message == IridiumMessage::Leave {
            state.goodbye = Some(message);
        } else if state.control.len() >= MAX_CONTROL {
            state.aborted = true;
        } else {
            state.control.push_back(message);
        }
        self.changed.notify_one();
    }

    /// Queues a process message.
    ///
    /// # Errors
    /// Nothing was queued: the message is too long, the queue is full, or the
    /// link is being closed.
    pub(crate) fn push_data(&self, message: IridiumMessage) -> Result<(), SendError> {
        let len = payload(&message).len();
        if len > MAX_MESSAGE {
            return Err(SendError::TooLong { len, cap: MAX_MESSAGE });
        }
        let mut state = lock(&self.state);
        if state.closing.is_some() || state.aborted {
            return Err(SendError::NotLinked);
        }
        // One message is always taken, however long, when nothing waits.
        if state.queued > 0 && state.queued + cost(len) > self.capacity {
            return Err(SendError::WouldBlock);
        }
        state.queued += cost(len);
        state.data.push_back(message);
        self.changed.notify_one();
        Ok(())
    }

    /// The other end has room for this much more.
    pub(crate) fn add_credit(&self, bytes: u64) {
        let mut state = lock(&self.state);
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        state.credit = state.credit.saturating_add(bytes).min(WINDOW);
        self.changed.notify_one();
    }

    /// This end has room for this much more; the other end is told in time.
    pub(crate) fn give_credit(&self, bytes: usize) {
        let mut state = lock(&self.state);
        state.owed += bytes;
        // The rest of the window is still longer than the longest message, so
        // nobody waits for what is kept back here.
        if state.owed >= (WINDOW - MAX_MESSAGE) / 4 && state.closing.is_none() {
            let owed = std::mem::take(&mut state.owed) as u64;
            state.control.push_back(IridiumMessage::Credit(owed));
            self.changed.notify_one();
        }
    }

    /// Takes nothing more; what is queued is still sent, for [`FLUSH`] at most.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.closing.get_or_insert_with(|| Instant::now() + FLUSH);
        self.changed.notify_one();
    }

    /// Takes nothing more and sends nothing more.
    pub(crate) fn abort(&self) {
        let mut state = lock(&self.state);
        state.aborted = true;
        state.closing.get_or_insert_with(Instant::now);
        self.changed.notify_one();
    }

    /// Whether the writer should stop even though a write is not finished.
    pub(crate) fn is_over(&self) -> bool {
        let state = lock(&self.state);
        state.aborted || state.closing.is_some_and(|end| Instant::now() >= end)
    }

    /// Waits until nothing more is to be done with the link.
    pub(crate) fn wait_for_abort(&self, deadline: Instant) {
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

    /// Waits for something to send and takes about [`BATCH`] bytes of it, control
    /// first. `None` when the link is to be closed and nothing more is to be sent.
    pub(crate) fn take(&self) -> Option<Vec<IridiumMessage>> {
        let mut state = lock(&self.state);
        loop {
            if state.aborted {
                return None;
            }
            let batch = state.batch();
            if !batch.is_empty() {
                return Some(batch);
            }
            if state.closing.is_some() {
                // What is left has no credit: its receiver has long stopped reading.
                return state.goodbye.take().map(|goodbye| vec![goodbye]);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    fn batch(&mut self) -> Vec<IridiumMessage> {
        let mut batch: Vec<IridiumMessage> = self.control.drain(..).collect();
        let mut bytes = 0;
        while bytes < BATCH {
            let Some(message) = self.next_data() else { break };
            bytes += cost(payload(&message).len());
            batch.push(message);
        }
        batch
    }

    /// The next data message, or the next piece of a long one. The credit for
    /// the whole of a long message is taken before its first piece, so that a
    /// message that was begun can always be finished.
    fn next_data(&mut self) -> Option<IridiumMessage> {
        if let Some(piece) = self.next_piece() {
            return Some(piece);
        }
        let len = payload(self.data.front()?).len();
        if cost(len) > self.credit {
            return None;
        }
        let message = self.data.pop_front()?;
        self.credit -= cost(len);
        self.queued -= cost(len);
        if len <= PIECE_LEN {
            return Some(message);
        }
        self.transfers = self.transfers.wrapping_add(1);
        let kind = message.kind();
        let bytes = into_payload(message);
        self.transfer = Some(Transfer { number: self.transfers, kind, bytes, sent: 0 });
        self.next_piece()
    }

    fn next_piece(&mut self) -> Option<IridiumMessage> {
        let transfer = self.transfer.as_mut()?;
        let end = transfer.bytes.len().min(transfer.sent + PIECE_LEN);
        let piece = Piece {
            transfer: transfer.number,
            kind: transfer.kind,
            last: end == transfer.bytes.len(),
            bytes: transfer.bytes[transfer.sent..end].to_vec(),
        };
        transfer.sent = end;
        if piece.last {
            self.transfer = None;
        }
        Some(IridiumMessage::Piece(piece))
    }
}

/// The bytes of a data message. Control messages have none.
fn payload(message: &IridiumMessage) -> &[u8] {
    match message {
        IridiumMessage::Deliver(bytes) | IridiumMessage::Signal(bytes) => bytes,
        IridiumMessage::Piece(piece) => &piece.bytes,
        _ => &[],
    }
}

fn into_payload(message: IridiumMessage) -> Vec<u8> {
    match message {
        IridiumMessage::Deliver(bytes) | IridiumMessage::Signal(bytes) => bytes,
        IridiumMessage::Piece(piece) => piece.bytes,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliver(len: usize) -> IridiumMessage {
        IridiumMessage::Deliver(vec![7; len])
    }

    fn ping() -> IridiumMessage {
        IridiumMessage::Ping(iridium_proto::Ping { token: 1, digest: 2 })
    }

    #[test]
    fn control_overtakes_data() {
        let outbox = Outbox::new(1 << 20);
        outbox.push_data(deliver(1)).unwrap();
        outbox.push_control(ping());
        assert_eq!(outbox.take(), Some(vec![ping(), deliver(1)]));
    }

    #[test]
    fn control_goes_out_between_the_pieces_of_a_long_message() {
        let outbox = Outbox::new(1 << 20);
        outbox.push_data(deliver(3 * PIECE_LEN + 1)).unwrap();
        let mut got = Vec::new();
        let mut pieces = 0;
        while got.len() < 3 * PIECE_LEN + 1 {
            outbox.push_control(IridiumMessage::Credit(9));
            let mut batch = outbox.take().unwrap().into_iter();
            assert_eq!(batch.next(), Some(IridiumMessage::Credit(9)));
            for message in batch {
                let IridiumMessage::Piece(piece) = message else { panic!("{message:?}") };
                assert_eq!(piece.kind, 12);
                got.extend(piece.bytes);
                assert_eq!(piece.last, got.len() == 3 * PIECE_LEN + 1);
                pieces += 1;
            }
        }
        assert_eq!(pieces, 4);
    }

    #[test]
    fn a_full_queue_says_so_and_keeps_nothing() {
        let outbox = Outbox::new(1000);
        outbox.push_data(deliver(800)).unwrap();
        assert_eq!(outbox.push_data(deliver(200)), Err(SendError::WouldBlock));
        outbox.push_data(deliver(72)).unwrap();
        assert_eq!(outbox.take(), Some(vec![deliver(800), deliver(72)]));
        outbox.push_data(deliver(2000)).expect("an empty queue takes any message");
        let cap = MAX_MESSAGE;
        assert_eq!(
            outbox.push_data(deliver(cap + 1)),
            Err(SendError::TooLong { len: cap + 1, cap })
        );
    }

    #[test]
    fn data_waits_for_credit_and_control_does_not() {
        let outbox = Outbox::new(64 << 20);
        for _ in 0..2 {
            outbox.push_data(deliver(MAX_MESSAGE)).unwrap();
        }
        let mut sent = 0;
        while sent < MAX_MESSAGE {
            sent += outbox.take().unwrap().iter().map(|m| payload(m).len()).sum::<usize>();
        }
        assert_eq!(sent, MAX_MESSAGE, "the second message waits whole");
        outbox.push_control(ping());
        assert_eq!(outbox.take(), Some(vec![ping()]));
        outbox.add_credit(cost(MAX_MESSAGE) as u64);
        assert!(matches!(outbox.take().as_deref(), Some([IridiumMessage::Piece(_)])));
    }

    #[test]
    fn credit_from_a_peer_never_exceeds_the_window() {
        let outbox = Outbox::new(1 << 20);
        outbox.add_credit(u64::MAX);
        assert_eq!(lock(&outbox.state).credit, WINDOW);
    }

    #[test]
    fn credit_is_returned_long_before_the_sender_must_wait() {
        let outbox = Outbox::new(1 << 20);
        let mut given = 0;
        while outbox.state.lock().unwrap().control.is_empty() {
            outbox.give_credit(1000);
            given += 1000;
        }
        assert!(WINDOW - given > cost(MAX_MESSAGE));
        assert_eq!(outbox.take(), Some(vec![IridiumMessage::Credit(given as u64)]));
    }

    #[test]
    fn closing_sends_what_is_queued_then_goodbye_and_takes_nothing_more() {
        let outbox = Outbox::new(1000);
        outbox.push_control(IridiumMessage::Leave);
        outbox.push_control(ping());
        outbox.push_data(deliver(1)).unwrap();
        outbox.close();
        outbox.push_control(ping());
        assert_eq!(outbox.push_data(deliver(1)), Err(SendError::NotLinked));
        assert_eq!(outbox.take(), Some(vec![ping(), deliver(1)]));
        assert_eq!(outbox.take(), Some(vec![IridiumMessage::Leave]), "goodbye comes last");
        assert_eq!(outbox.take(), None);
    }

    #[test]
    fn a_peer_that_reads_nothing_costs_a_bounded_number_of_control_messages() {
        let outbox = Outbox::new(1000);
        for _ in 0..=MAX_CONTROL {
            outbox.push_control(ping());
        }
        assert!(outbox.is_over());
        assert_eq!(outbox.take(), None);
    }
}
