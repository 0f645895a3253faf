//! What is queued on one link, and in which order it is sent: control before
//! data, short messages before the pieces of long ones, and within a lane first
//! in, first out.
//!
//! Data is sent only for credit that the receiver has given. So a reader never
//! has to stop reading because its application does not keep up, and heartbeats
//! behind the data always get through. The credit for a whole long message is
//! reserved before its first piece is sent, so that a transfer that was started
//! can be finished, and then the receiver is asked for room for it. While it is being
//! reserved, short messages get half of the credit that comes in, so that neither kind
//! starves the other.

use std::collections::VecDeque;

use iridium_proto::{IridiumMessage, MAX_MESSAGE, NO_TRANSFER, PIECE_LEN, Piece, Want};

use crate::error::SendError;

use super::asked::Asked;
use super::budget::Budget;
use super::credit::{SHORT_CREDIT, WINDOW};
use super::lanes::{Lanes, Next};
use super::message::{
    Bytes, Kind, OVERHEAD, Outgoing, PendingLong, QueuePush, QueuedMessage, Returned, Transfer,
    cost,
};

/// Long messages that may be asked for and in transfer at a time. More are a protocol error.
pub(crate) const MAX_TRANSFERS: usize = 16;
/// Bytes of short messages that may be queued, whatever the capacity. They are still in the processor's caches
/// when they are sent, and more of them would not be sent any sooner.
const MAX_SHORT: usize = 2 * 1024 * 1024;
/// Bytes of signals that may be queued. They are sent because a process ended or
/// was monitored, so they cannot be refused: beyond this the link is closed.
pub(super) const MAX_SIGNALS: usize = 8 * 1024 * 1024;
/// Control messages that may be queued. More than this are only when the other end does not read.
pub(super) const MAX_CONTROL: usize = 4096;

/// The queue of one link.
#[derive(Debug)]
pub(super) struct Queue {
    control: VecDeque<IridiumMessage>,
    /// Short messages that wait for nothing but credit.
    short: VecDeque<QueuedMessage>,
    /// How many short messages were ever put into `short`, and taken out.
    counted: (u64, u64),
    lanes: Lanes,
    long: VecDeque<PendingLong>,
    /// Those that wait for room at the receiver.
    pub(super) asked: Asked,
    transfers: VecDeque<Transfer>,
    /// How many long messages were asked for and have not been sent.
    open: usize,
    last_transfer: u32,
    credit: usize,
    /// Credit reserved for the first of `long`.
    reserved: usize,
    /// Whether credit is being reserved for it.
    reserving: bool,
    capacity: usize,
    /// Short messages have a budget apart from that of long ones and of what is
    /// blocked by them, so that these do not use up the space of other lanes.
    short_budget: Budget,
    long_budget: Budget,
    signals: usize,
    /// Bytes of memory that the queued data takes up in this queue alone.
    held: usize,
}

impl Queue {
    /// Bytes of queued data, with overhead.
    pub(super) fn bytes(&self) -> usize {
        self.short_budget.bytes + self.long_budget.bytes + self.signals
    }

    /// Bytes of memory that queued data takes up in this queue alone.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Bytes of signals among the queued data, with overhead.
    pub(super) fn signals(&self) -> usize {
        self.signals
    }

    /// Refuses a message for want of room on other links.
    pub(super) fn refuse(&mut self, bytes: Bytes) -> Returned {
        self.short_budget.refused = true;
        Returned { why: SendError::WouldBlock, bytes }
    }

    /// A queue that holds `capacity` bytes of long messages and, up to a bound, as many of short ones.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            control: VecDeque::new(),
            short: VecDeque::new(),
            counted: (0, 0),
            lanes: Lanes::default(),
            long: VecDeque::new(),
            asked: Asked::default(),
            transfers: VecDeque::new(),
            open: 0,
            last_transfer: 0,
            credit: WINDOW,
            reserved: 0,
            reserving: false,
            capacity,
            short_budget: Budget::new(capacity.min(MAX_SHORT)),
            long_budget: Budget::new(capacity),
            signals: 0,
            held: 0,
        }
    }

    /// Queues a control message; false when too many are queued.
    pub(super) fn push_control(&mut self, message: IridiumMessage) -> bool {
        let fits = self.control.len() < MAX_CONTROL;
        if fits {
            self.control.push_back(message);
        }
        fits
    }

    /// Whether a control message is queued.
    pub(super) fn has_control(&self) -> bool {
        !self.control.is_empty()
    }

    /// Queues a message or a signal after the others of its lane.
    pub(super) fn push(&mut self, lane: u64, kind: Kind, bytes: Bytes) -> QueuePush {
        let len = bytes.len();
        if len > MAX_MESSAGE {
            let why = SendError::TooLong { len, cap: MAX_MESSAGE };
            return QueuePush::Refused(Returned { why, bytes });
        }
        let follows = self.lanes.has(lane);
        let long = len > PIECE_LEN;
        match kind {
            Kind::Signal if self.signals + cost(len) > MAX_SIGNALS && self.signals > 0 => {
                return QueuePush::Overflow(bytes);
            }
            Kind::Signal => self.signals += cost(len),
            Kind::Message => {
                if !self.budget(follows || long).take(cost(len)) {
                    return QueuePush::Refused(Returned { why: SendError::WouldBlock, bytes });
                }
            }
        }
        let message = QueuedMessage { kind, bytes };
        self.held += message.own_cost();
        match self.lanes.wait(lane, message) {
            None => self.push_ahead(lane),
            Some(message) if long => self.push_long(lane, message, VecDeque::new()),
            Some(message) => self.push_short(message),
        }
        QueuePush::Queued
    }

    /// The receiver may be sent this many more bytes. Returns whether it had them wait.
    pub(super) fn add_credit(&mut self, bytes: u64) -> bool {
        let missing = WINDOW.saturating_sub(self.credit + self.reserved);
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(missing);
        self.credit += bytes;
        if self.reserving {
            self.reserve(bytes / 2);
        }
        self.asked.take_told_of_credit()
    }

    /// The receiver has room for the message with this number, if any. Returns whether it had that wait.
    pub(super) fn grant(&mut self, number: u32) -> bool {
        let Some((granted, told_to_wait)) = self.asked.take(number) else { return false };
        self.transfers.extend(self.lanes.granted(granted));
        told_to_wait
    }

    /// Moves what is sent next to `batch`, some `most` bytes of data: nothing only if nothing can be sent.
    /// If there are both, half of it is for short messages, and the rest for pieces of long ones: for one in any
    /// case, since a single short message may be as long as all that is taken.
    pub(super) fn take(&mut self, batch: &mut Vec<Outgoing>, most: usize) {
        batch.extend(self.control.drain(..).map(Outgoing::Own));
        self.ask_for_room(batch);
        let most_short = if self.transfers.is_empty() { most } else { most / 2 };
        let mut bytes = 0;
        while bytes < most_short
            && let Some(message) = self.next_short()
        {
            bytes += cost(message.bytes.len());
            batch.push(Outgoing::Data(message));
        }
        let most = most.max(bytes + 1);
        while bytes < most
            && let Some(piece) = self.next_piece()
        {
            bytes += piece.bytes.len();
            batch.push(Outgoing::Own(IridiumMessage::Piece(piece)));
        }
    }

    /// Whether anything is queued, with or without credit for it.
    pub(super) fn has_pending(&self) -> bool {
        !(self.control.is_empty() && self.short.is_empty() && self.lanes.is_empty())
    }

    /// Takes the credit for a message of that length if it may be sent without being queued.
    pub(super) fn try_bypass(&mut self, len: usize) -> bool {
        let allowed = len <= PIECE_LEN && !self.has_pending() && cost(len) <= self.credit;
        if allowed {
            self.credit -= cost(len);
        }
        allowed
    }

    /// Whether senders that were refused are to be told to try again: true once for all of them.
    pub(super) fn take_writable(&mut self) -> bool {
        let short = self.short_budget.take_writable();
        self.long_budget.take_writable() || short
    }

    /// Drops everything. Returns whether a sender has been refused and not been told since.
    pub(super) fn clear(&mut self) -> bool {
        let refused = self.short_budget.refused || self.long_budget.refused;
        *self = Self::new(self.capacity);
        refused
    }

    /// What is not as it must be after each step, if anything.
    pub(super) fn flaw(&self) -> Option<&'static str> {
        let (mut own, mut bytes) = (0, 0);
        let mut count = |message: &QueuedMessage, sent: usize| {
            own += message.own_cost();
            bytes += cost(message.bytes.len()) - sent;
        };
        self.short.iter().chain(self.lanes.waiting()).for_each(|message| count(message, 0));
        self.long.iter().for_each(|pending| count(&pending.message, 0));
        let under_way = || self.asked.iter().chain(self.lanes.ahead()).chain(&self.transfers);
        under_way().for_each(|transfer| count(&transfer.message, transfer.sent));
        if (own, bytes) != (self.held, self.bytes()) {
            return Some("what is queued is not counted as it is");
        }
        if self.credit + self.reserved > WINDOW {
            return Some("more credit than the window is long");
        }
        if self.reserved > self.long.front().map_or(0, PendingLong::cost) {
            return Some("credit is reserved that nobody needs");
        }
        if self.open != under_way().count() || self.open > MAX_TRANSFERS {
            return Some("the open transfers are not counted as they are");
        }
        let most = |budget: &Budget| budget.bytes.saturating_sub(cost(MAX_MESSAGE));
        (most(&self.short_budget).max(most(&self.long_budget)) > self.capacity
            || self.signals > MAX_SIGNALS.max(cost(MAX_MESSAGE)))
        .then_some("more is queued than may be")
    }

    fn budget(&mut self, long: bool) -> &mut Budget {
        if long { &mut self.long_budget } else { &mut self.short_budget }
    }

    /// Gives back the space of a part of a message.
    fn release(&mut self, kind: Kind, long: bool, bytes: usize) {
        match kind {
            Kind::Signal => self.signals -= bytes,
            Kind::Message => self.budget(long).bytes -= bytes,
        }
    }

    fn push_short(&mut self, message: QueuedMessage) {
        self.counted.0 += 1;
        self.short.push_back(message);
    }

    /// Queues a long message that is the next of its lane.
    fn push_long(&mut self, lane: u64, message: QueuedMessage, waiting: VecDeque<QueuedMessage>) {
        let place = self.lanes.begin(lane, waiting);
        self.long.push_back(PendingLong { lane, place, message, after: self.counted.0 });
        self.push_ahead(lane);
    }

    /// Queues the next long message but one of a lane, if there is one, to be asked for after the next.
    fn push_ahead(&mut self, lane: u64) {
        if let Some((message, place)) = self.lanes.take_ahead(lane) {
            self.long.push_back(PendingLong { lane, place, message, after: 0 });
        }
    }

    fn next_short(&mut self) -> Option<QueuedMessage> {
        let cost = cost(self.short.front()?.bytes.len());
        if cost > self.credit {
            return None;
        }
        let message = self.short.pop_front()?;
        self.counted.1 += 1;
        self.credit -= cost;
        self.held -= message.own_cost();
        self.release(message.kind, false, cost);
        Some(message)
    }

    /// Asks for room for long messages, as far as their number and the credit allow.
    fn ask_for_room(&mut self, batch: &mut Vec<Outgoing>) {
        while self.open < MAX_TRANSFERS
            && self.long.front().is_some_and(|first| first.after <= self.counted.1)
        {
            self.reserving = true;
            self.reserve(self.credit.saturating_sub(SHORT_CREDIT));
            if self.long.front().is_none_or(|first| self.reserved < first.cost()) {
                return;
            }
            let Some(PendingLong { lane, place, message, .. }) = self.long.pop_front() else {
                return;
            };
            (self.reserved, self.reserving) = (0, false);
            self.last_transfer = self.last_transfer.checked_add(1).unwrap_or(NO_TRANSFER + 1);
            let number = self.last_transfer;
            // No message is that long.
            let len = u32::try_from(message.bytes.len()).unwrap_or(u32::MAX);
            batch.push(Outgoing::Own(IridiumMessage::Want(Want { transfer: number, len })));
            self.asked.push(Transfer { lane, place, number, message, sent: 0 });
            self.open += 1;
        }
    }

    /// Reserves credit for the first of the long messages, as far as it needs it.
    fn reserve(&mut self, bytes: usize) {
        let Some(first) = self.long.front() else { return };
        let bytes = bytes.min(first.cost() - self.reserved).min(self.credit);
        self.reserved += bytes;
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
            bytes: bytes.copy(transfer.sent..end),
        };
        self.release(transfer.message.kind, true, end - transfer.sent);
        transfer.sent = end;
        if piece.last {
            self.held -= transfer.message.own_cost();
            self.release(transfer.message.kind, true, OVERHEAD);
            self.open -= 1;
            self.release_lane(transfer.lane);
        } else {
            self.transfers.push_back(transfer);
        }
        Some(piece)
    }

    /// The first long message of a lane has been sent: what waited for it is next, up to the next long one.
    fn release_lane(&mut self, lane: u64) {
        let mut waiting = match self.lanes.sent(lane) {
            Next::Long(granted) => {
                self.transfers.extend(granted);
                return self.push_ahead(lane);
            }
            Next::Rest(waiting) => waiting,
        };
        while let Some(message) = waiting.pop_front() {
            if message.bytes.len() > PIECE_LEN {
                return self.push_long(lane, message, waiting);
            }
            let cost = cost(message.bytes.len());
            if message.kind == Kind::Message {
                self.long_budget.bytes -= cost;
                self.short_budget.bytes += cost;
            }
            self.push_short(message);
        }
    }
}

#[cfg(test)]
mod tests;
