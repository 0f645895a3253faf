//! What waits to be sent on one link, and in which order it goes: control before
//! data, short messages before the pieces of long ones, and within a lane
//! whatever was sent first.
//!
//! Data goes only when the receiver has said that it has room. So a reader never
//! has to stop reading because its application does not keep up, and heartbeats
//! behind the data always get through. The credit for the whole of a long
//! message is put by before its first piece goes, so that what was begun can be
//! finished. While it is being put by, short messages keep a part of what comes
//! in: neither kind can starve the other.

use std::collections::{HashMap, VecDeque};

use iridium_proto::{IridiumMessage, MAX_MESSAGE, PIECE_LEN, Piece};

use crate::error::{Refused, SendError};

/// What a message costs beyond its bytes: the memory that keeps it in a queue.
pub(crate) const OVERHEAD: usize = 64;
/// Bytes of data that either end of a link may have on its way without having
/// been given credit for: the longest message, and some short ones beside it.
pub(crate) const WINDOW: usize = MAX_MESSAGE + 1024 * 1024;
/// Credit that a receiver may keep back until it is worth a message.
pub(super) const CREDIT_STEP: usize = 256 * 1024;
/// Long messages that may be under way at a time. The receiver holds a part of
/// each, and takes more of them for a breach of the protocol.
pub(super) const MAX_TRANSFERS: usize = 16;
/// Credit that a long message leaves to short ones. With it and with what the
/// receiver keeps back the window still has room for the longest message.
const SHORT_CREDIT: usize = 512 * 1024;
const _: () = assert!(WINDOW - SHORT_CREDIT - CREDIT_STEP >= MAX_MESSAGE + OVERHEAD);
/// Bytes of signals that may wait. They are sent because a process ended or was
/// watched, so they cannot be refused: beyond this the link is given up.
pub(super) const MAX_SIGNALS: usize = 8 * 1024 * 1024;
/// More control messages than this wait only when the other end does not read.
pub(super) const MAX_CONTROL: usize = 4096;
/// How much short data is taken out at a time, so that the pieces of long
/// messages get their turn.
const BATCH: usize = 64 * 1024;

/// What a message takes from credit and queue space.
pub(crate) fn cost(len: usize) -> usize {
    len + OVERHEAD
}

/// Whether a message may be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    Signal,
}

impl Kind {
    /// The kind that a [`Piece`] names; `None` for one of a later build.
    pub(super) fn of(number: u8) -> Option<Self> {
        [Self::Message, Self::Signal].into_iter().find(|kind| kind.number() == number)
    }

    fn number(self) -> u8 {
        self.with(Vec::new()).kind()
    }

    /// The message on the wire.
    pub(super) fn with(self, bytes: Vec<u8>) -> IridiumMessage {
        match self {
            Self::Message => IridiumMessage::Deliver(bytes),
            Self::Signal => IridiumMessage::Signal(bytes),
        }
    }
}

#[derive(Debug)]
struct Waiting {
    kind: Kind,
    bytes: Vec<u8>,
}

/// A long message that has not been begun.
#[derive(Debug)]
struct Long {
    lane: u64,
    message: Waiting,
    /// How many short messages must have gone before: some are of its lane.
    after: u64,
}

/// A long message of which a part has gone.
#[derive(Debug)]
struct Transfer {
    lane: u64,
    number: u32,
    message: Waiting,
    sent: usize,
}

/// A bound on waiting messages, in bytes with overhead.
#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    /// A message was refused since there was last said to be room.
    refused: bool,
}

impl Held {
    /// One message is always taken, however long, when nothing waits.
    fn take(&mut self, bytes: usize, capacity: usize) -> bool {
        let fits = self.bytes == 0 || self.bytes + bytes <= capacity;
        if fits {
            self.bytes += bytes;
        } else {
            self.refused = true;
        }
        fits
    }

    /// Whether those who were refused are to be told to try again.
    fn has_news(&mut self, capacity: usize) -> bool {
        self.refused && self.bytes <= capacity / 2 && std::mem::take(&mut self.refused)
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    control: VecDeque<IridiumMessage>,
    /// Short messages that nothing holds up but credit.
    short: VecDeque<Waiting>,
    /// How many short messages were ever queued, and taken out.
    counted: (u64, u64),
    /// For each lane with a long message on its way: what comes after it.
    behind: HashMap<u64, VecDeque<Waiting>>,
    long: VecDeque<Long>,
    transfers: VecDeque<Transfer>,
    last_transfer: u32,
    credit: usize,
    /// Credit put by for the first of `long`.
    saved: usize,
    /// Whether it is that message's turn.
    saving: bool,
    capacity: usize,
    /// Short messages are counted apart from long ones and what waits behind
    /// them, so that these do not use up the space of other lanes.
    held_short: Held,
    held_long: Held,
    signals: usize,
}

/// What came of queueing something.
#[derive(Debug)]
pub(super) enum Pushed {
    Queued,
    Refused(Refused),
    /// There is more than an end that reads would let pile up.
    Overflow(Vec<u8>),
}

impl Queue {
    /// Bytes of data that wait, with overhead.
    pub(super) fn bytes(&self) -> usize {
        self.held_short.bytes + self.held_long.bytes + self.signals
    }

    /// A queue that holds `capacity` bytes of short and as many of long messages.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            control: VecDeque::new(),
            short: VecDeque::new(),
            counted: (0, 0),
            behind: HashMap::new(),
            long: VecDeque::new(),
            transfers: VecDeque::new(),
            last_transfer: 0,
            credit: WINDOW,
            saved: 0,
            saving: false,
            capacity,
            held_short: Held::default(),
            held_long: Held::default(),
            signals: 0,
        }
    }

    /// Queues a control message. Returns whether there was a place for it.
    pub(super) fn push_control(&mut self, message: IridiumMessage) -> bool {
        let fits = self.control.len() < MAX_CONTROL;
        if fits {
            self.control.push_back(message);
        }
        fits
    }

    /// Queues a message or a signal behind the others of its lane.
    pub(super) fn push(&mut self, lane: u64, kind: Kind, bytes: Vec<u8>) -> Pushed {
        let len = bytes.len();
        if len > MAX_MESSAGE {
            let why = SendError::TooLong { len, cap: MAX_MESSAGE };
            return Pushed::Refused(Refused { why, bytes });
        }
        let follows = self.behind.contains_key(&lane);
        let long = len > PIECE_LEN;
        match kind {
            Kind::Signal if self.signals + cost(len) > MAX_SIGNALS && self.signals > 0 => {
                return Pushed::Overflow(bytes);
            }
            Kind::Signal => self.signals += cost(len),
            Kind::Message => {
                let capacity = self.capacity;
                if !self.held(follows || long).take(cost(len), capacity) {
                    return Pushed::Refused(Refused { why: SendError::WouldBlock, bytes });
                }
            }
        }
        let message = Waiting { kind, bytes };
        match self.behind.get_mut(&lane) {
            Some(behind) => behind.push_back(message),
            None if long => self.push_long(lane, message, VecDeque::new()),
            None => self.push_short(message),
        }
        Pushed::Queued
    }

    /// The receiver has room for this much more.
    pub(super) fn add_credit(&mut self, bytes: u64) {
        let missing = WINDOW.saturating_sub(self.credit + self.saved);
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(missing);
        self.credit += bytes;
        if self.saving {
            self.save(bytes / 2);
        }
    }

    /// Moves to `batch` what is to go next: nothing only if nothing can.
    pub(super) fn take(&mut self, batch: &mut Vec<IridiumMessage>) {
        batch.extend(self.control.drain(..));
        self.begin();
        let mut bytes = 0;
        while bytes < BATCH
            && let Some(message) = self.next_short()
        {
            bytes += cost(message.bytes.len());
            batch.push(message.kind.with(message.bytes));
        }
        batch.extend(self.next_piece().map(IridiumMessage::Piece));
    }

    /// Whether there is anything to take, if there is credit for it.
    pub(super) fn waits(&self) -> bool {
        !(self.control.is_empty() && self.short.is_empty() && self.behind.is_empty())
    }

    /// Whether a short message may go at once, before it was ever queued. Takes
    /// the credit for it then.
    pub(super) fn pass(&mut self, len: usize) -> bool {
        let passes = len <= PIECE_LEN && !self.waits() && cost(len) <= self.credit;
        if passes {
            self.credit -= cost(len);
        }
        passes
    }

    /// Whether those who were refused are to be told to try again. It says so
    /// once for all of them.
    pub(super) fn has_news(&mut self) -> bool {
        let short = self.held_short.has_news(self.capacity);
        self.held_long.has_news(self.capacity) || short
    }

    /// Forgets everything. Returns whether someone had been refused.
    pub(super) fn clear(&mut self) -> bool {
        let refused = self.held_short.refused || self.held_long.refused;
        *self = Self::new(self.capacity);
        refused
    }

    fn held(&mut self, long: bool) -> &mut Held {
        if long { &mut self.held_long } else { &mut self.held_short }
    }

    /// Gives back the space of a part of a message.
    fn release(&mut self, kind: Kind, long: bool, bytes: usize) {
        match kind {
            Kind::Signal => self.signals -= bytes,
            Kind::Message => self.held(long).bytes -= bytes,
        }
    }

    fn push_short(&mut self, message: Waiting) {
        self.counted.0 += 1;
        self.short.push_back(message);
    }

    fn push_long(&mut self, lane: u64, message: Waiting, behind: VecDeque<Waiting>) {
        self.behind.insert(lane, behind);
        self.long.push_back(Long { lane, message, after: self.counted.0 });
    }

    fn next_short(&mut self) -> Option<Waiting> {
        let cost = cost(self.short.front()?.bytes.len());
        if cost > self.credit {
            return None;
        }
        let message = self.short.pop_front()?;
        self.counted.1 += 1;
        self.credit -= cost;
        self.release(message.kind, false, cost);
        Some(message)
    }

    /// Begins long messages for which there is a place and credit.
    fn begin(&mut self) {
        while self.transfers.len() < MAX_TRANSFERS
            && self.long.front().is_some_and(|first| first.after <= self.counted.1)
        {
            self.saving = true;
            self.save(self.credit.saturating_sub(SHORT_CREDIT));
            if self.long.front().is_none_or(|first| self.saved < first.cost()) {
                return;
            }
            let Some(Long { lane, message, .. }) = self.long.pop_front() else { return };
            (self.saved, self.saving) = (0, false);
            self.last_transfer = self.last_transfer.wrapping_add(1);
            let number = self.last_transfer;
            self.transfers.push_back(Transfer { lane, number, message, sent: 0 });
        }
    }

    /// Puts credit by for the first of the long messages, as far as it needs it.
    fn save(&mut self, bytes: usize) {
        let Some(first) = self.long.front() else { return };
        let bytes = bytes.min(first.cost() - self.saved).min(self.credit);
        self.saved += bytes;
        self.credit -= bytes;
    }

    /// A piece of the transfer whose turn it is.
    fn next_piece(&mut self) -> Option<Piece> {
        let mut transfer = self.transfers.pop_front()?;
        let bytes = &transfer.message.bytes;
        let end = bytes.len().min(transfer.sent + PIECE_LEN);
        let piece = Piece {
            transfer: transfer.number,
            kind: transfer.message.kind.number(),
            last: end == bytes.len(),
            bytes: bytes[transfer.sent..end].to_vec(),
        };
        self.release(transfer.message.kind, true, end - transfer.sent);
        transfer.sent = end;
        if piece.last {
            self.release(transfer.message.kind, true, OVERHEAD);
            self.free_lane(transfer.lane);
        } else {
            self.transfers.push_back(transfer);
        }
        Some(piece)
    }

    /// The long message of a lane has gone: what waited behind it is next, up to
    /// the next long one.
    fn free_lane(&mut self, lane: u64) {
        let Some(mut behind) = self.behind.remove(&lane) else { return };
        while let Some(message) = behind.pop_front() {
            if message.bytes.len() > PIECE_LEN {
                return self.push_long(lane, message, behind);
            }
            let cost = cost(message.bytes.len());
            if message.kind == Kind::Message {
                self.held_long.bytes -= cost;
                self.held_short.bytes += cost;
            }
            self.push_short(message);
        }
    }
}

impl Long {
    fn cost(&self) -> usize {
        cost(self.message.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping() -> IridiumMessage {
        IridiumMessage::Ping(iridium_proto::Ping { token: 1, digest: 2 })
    }

    fn deliver(len: usize) -> IridiumMessage {
        IridiumMessage::Deliver(vec![7; len])
    }

    fn push(queue: &mut Queue, lane: u64, bytes: Vec<u8>) -> bool {
        match queue.push(lane, Kind::Message, bytes) {
            Pushed::Queued => true,
            Pushed::Refused(refused) => {
                assert_eq!(refused.why, SendError::WouldBlock);
                false
            }
            Pushed::Overflow(_) => panic!("no signal"),
        }
    }

    fn take(queue: &mut Queue) -> Vec<IridiumMessage> {
        let mut batch = Vec::new();
        queue.take(&mut batch);
        batch
    }

    /// The first byte and length of each message, when it is whole.
    fn arrivals(queue: &mut Queue) -> Vec<(u8, usize)> {
        let mut parts: HashMap<u32, Vec<u8>> = HashMap::new();
        let mut whole = Vec::new();
        loop {
            let batch = take(queue);
            if batch.is_empty() {
                return whole;
            }
            for message in batch {
                match message {
                    IridiumMessage::Deliver(bytes) | IridiumMessage::Signal(bytes) => {
                        whole.push((bytes[0], bytes.len()));
                    }
                    IridiumMessage::Piece(piece) => {
                        let part = parts.entry(piece.transfer).or_default();
                        part.extend(piece.bytes);
                        if piece.last {
                            let bytes = parts.remove(&piece.transfer).unwrap();
                            whole.push((bytes[0], bytes.len()));
                        }
                        assert!(parts.len() <= MAX_TRANSFERS);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    #[test]
    fn control_overtakes_data() {
        let mut queue = Queue::new(1 << 20);
        assert!(push(&mut queue, 0, vec![7]));
        assert!(queue.push_control(ping()));
        assert_eq!(take(&mut queue), vec![ping(), deliver(1)]);
    }

    #[test]
    fn control_goes_out_between_the_pieces_of_a_long_message() {
        let mut queue = Queue::new(1 << 20);
        assert!(push(&mut queue, 0, vec![7; 3 * PIECE_LEN + 1]));
        for i in 0..4 {
            queue.push_control(IridiumMessage::Credit(9));
            let batch = take(&mut queue);
            let [IridiumMessage::Credit(9), IridiumMessage::Piece(piece)] = &batch[..] else {
                panic!("{batch:?}")
            };
            assert_eq!((piece.kind, piece.last), (12, i == 3));
        }
        assert!(take(&mut queue).is_empty());
    }

    #[test]
    fn a_lane_keeps_its_order_and_others_pass_it() {
        let mut queue = Queue::new(8 << 20);
        let long = PIECE_LEN + 1;
        for (lane, bytes) in [
            (1, vec![1; 10]),
            (1, vec![2; 5 * PIECE_LEN]),
            (1, vec![3; 10]),
            (1, vec![4; long]),
            (1, vec![5; 10]),
            (2, vec![6; 10]),
            (3, vec![7; long]),
        ] {
            assert!(push(&mut queue, lane, bytes));
        }
        queue.push(1, Kind::Signal, vec![8]);
        let order: Vec<u8> = arrivals(&mut queue).into_iter().map(|(byte, _)| byte).collect();
        let lane_1: Vec<u8> = order.iter().copied().filter(|b| ![6, 7].contains(b)).collect();
        assert_eq!(lane_1, [1, 2, 3, 4, 5, 8]);
        let place = |byte| order.iter().position(|b| *b == byte).unwrap();
        assert!(place(6) < place(2), "a short one passes");
        assert!(place(7) < place(2), "and so does a shorter long one");
    }

    #[test]
    fn a_long_message_does_not_overtake_short_ones_of_its_lane_that_lack_credit() {
        let mut queue = Queue::new(64 << 20);
        while queue.credit > 10 * PIECE_LEN {
            assert!(push(&mut queue, 0, vec![1; PIECE_LEN]));
            assert_eq!(take(&mut queue).len(), 1);
        }
        for _ in 0..20 {
            assert!(push(&mut queue, 0, vec![2; PIECE_LEN]));
        }
        assert!(push(&mut queue, 0, vec![3; PIECE_LEN + 1]));
        assert!(arrivals(&mut queue).iter().all(|(byte, _)| *byte == 2));
        queue.add_credit(8 << 20);
        assert_eq!(arrivals(&mut queue).last(), Some(&(3, PIECE_LEN + 1)));
    }

    #[test]
    fn a_full_queue_says_so_keeps_nothing_and_tells_when_there_is_room() {
        let mut queue = Queue::new(1000);
        assert!(push(&mut queue, 0, vec![7; 800]));
        assert!(!queue.has_news());
        assert!(!push(&mut queue, 1, vec![7; 200]));
        assert!(push(&mut queue, 0, vec![7; 72]));
        assert!(push(&mut queue, 2, vec![7; PIECE_LEN + 1]), "long ones are counted apart");
        assert!(!push(&mut queue, 2, vec![7; 9]), "and with them what waits behind them");
        assert!(!queue.has_news());
        assert_eq!(take(&mut queue)[..2], [deliver(800), deliver(72)]);
        assert!(queue.has_news());
        while !take(&mut queue).is_empty() {}
        assert!(queue.has_news(), "for the one behind the long one");
        assert!(!queue.has_news());
        assert!(push(&mut queue, 0, vec![7; 2000]), "an empty queue takes any message");
        let longer = queue.push(0, Kind::Message, vec![0; MAX_MESSAGE + 1]);
        let Pushed::Refused(refused) = longer else { panic!("{longer:?}") };
        assert_eq!(refused.why, SendError::TooLong { len: MAX_MESSAGE + 1, cap: MAX_MESSAGE });
        assert_eq!(refused.bytes.len(), MAX_MESSAGE + 1);
    }

    #[test]
    fn data_waits_for_credit_and_control_does_not() {
        let mut queue = Queue::new(64 << 20);
        for lane in 0..2 {
            assert!(push(&mut queue, lane, vec![7; MAX_MESSAGE]));
        }
        assert_eq!(arrivals(&mut queue), [(7, MAX_MESSAGE)], "the second waits whole");
        queue.push_control(ping());
        assert!(push(&mut queue, 2, vec![7]));
        assert_eq!(take(&mut queue), vec![ping(), deliver(1)], "short ones have room");
        queue.add_credit(cost(MAX_MESSAGE) as u64);
        assert_eq!(arrivals(&mut queue), [(7, MAX_MESSAGE)]);
    }

    #[test]
    fn neither_long_nor_short_messages_starve_the_others() {
        let mut queue = Queue::new(64 << 20);
        for lane in 0..2 {
            assert!(push(&mut queue, lane, vec![9; MAX_MESSAGE]));
        }
        let mut long = 0;
        // A receiver that is slower than the senders of short messages.
        for _ in 0..200 {
            while push(&mut queue, 7, vec![1; 1000]) {}
            let arrived = arrivals(&mut queue);
            long += arrived.iter().filter(|(byte, _)| *byte == 9).count();
            assert!(arrived.iter().any(|(byte, _)| *byte == 1), "short ones have their part");
            queue.add_credit(CREDIT_STEP as u64);
        }
        assert_eq!(long, 2);
    }

    #[test]
    fn no_more_transfers_are_begun_than_the_receiver_takes() {
        let mut queue = Queue::new(64 << 20);
        for lane in 0..40 {
            assert!(push(&mut queue, lane, vec![lane as u8; 2 * PIECE_LEN]));
        }
        assert_eq!(arrivals(&mut queue).len(), 40);
        assert!(queue.behind.is_empty() && queue.transfers.is_empty());
        assert_eq!((queue.held_long.bytes, queue.held_short.bytes, queue.signals), (0, 0, 0));
    }

    #[test]
    fn credit_from_a_peer_never_exceeds_the_window() {
        let mut queue = Queue::new(1 << 20);
        queue.add_credit(u64::MAX);
        assert_eq!(queue.credit, WINDOW);
    }
}
