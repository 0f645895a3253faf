//! The lanes of a link that wait for long messages, and what is queued in them.
//!
//! A lane keeps its order: what comes after a long message waits until that has been sent. If it is a long
//! one too, it is asked for meanwhile, so that it need not wait for the answer as well.

use std::collections::{HashMap, VecDeque};

use iridium_proto::PIECE_LEN;

use super::message::{QueuedMessage, Transfer};

/// The lanes with long messages. All others cost nothing.
#[derive(Debug, Default)]
pub(super) struct Lanes(HashMap<u64, Lane>);

/// A lane whose turn is that of a long message.
#[derive(Debug, Default)]
struct Lane {
    /// The place of the long message that may be sent. The next one may be asked for too.
    first: u64,
    /// How many places were given.
    given: u64,
    /// The next one, if there is room for it at the receiver.
    granted: Option<Transfer>,
    /// What comes after those that have places.
    waiting: VecDeque<QueuedMessage>,
}

/// What a lane has next when a long message has been sent.
#[derive(Debug)]
pub(super) enum Next {
    /// Another one that has a place. Here it is if there is room for it already.
    Long(Option<Transfer>),
    /// Whatever there is in it. The lane waits for nothing any more.
    Rest(VecDeque<QueuedMessage>),
}

impl Lanes {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what is queued in that lane waits for a long message.
    pub(super) fn has(&self, lane: u64) -> bool {
        self.0.contains_key(&lane)
    }

    /// All that waits without a place.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &QueuedMessage> {
        self.0.values().flat_map(|lane| &lane.waiting)
    }

    /// All that there is room for, and that wait for the one before.
    pub(super) fn ahead(&self) -> impl Iterator<Item = &Transfer> {
        self.0.values().filter_map(|lane| lane.granted.as_ref())
    }

    /// A long message is the next of a lane, and what waits comes after it. Gives its place.
    pub(super) fn begin(&mut self, lane: u64, waiting: VecDeque<QueuedMessage>) -> u64 {
        self.0.insert(lane, Lane { given: 1, waiting, ..Lane::default() });
        0
    }

    /// Queues a message after a long one; gives it back when there is none in that lane.
    pub(super) fn wait(&mut self, lane: u64, message: QueuedMessage) -> Option<QueuedMessage> {
        match self.0.get_mut(&lane) {
            Some(lane) => lane.waiting.push_back(message),
            None => return Some(message),
        }
        None
    }

    /// The long message that may be asked for while the one before it is under way, and its place.
    pub(super) fn take_ahead(&mut self, lane: u64) -> Option<(QueuedMessage, u64)> {
        let lane = self.0.get_mut(&lane)?;
        if lane.given > lane.first + 1 {
            return None;
        }
        let message = lane.waiting.pop_front_if(|next| next.bytes.len() > PIECE_LEN)?;
        lane.given += 1;
        Some((message, lane.given - 1))
    }

    /// There is room for a long message. Gives it back if it is the first of its lane; otherwise it waits
    /// for that one.
    pub(super) fn granted(&mut self, transfer: Transfer) -> Option<Transfer> {
        match self.0.get_mut(&transfer.lane) {
            Some(lane) if lane.first < transfer.place => lane.granted = Some(transfer),
            _ => return Some(transfer),
        }
        None
    }

    /// The first long message of a lane has been sent.
    pub(super) fn sent(&mut self, number: u64) -> Next {
        let Some(lane) = self.0.get_mut(&number) else { return Next::Rest(VecDeque::new()) };
        lane.first += 1;
        if lane.first < lane.given {
            return Next::Long(lane.granted.take());
        }
        let rest = self.0.remove(&number).map(|lane| lane.waiting);
        Next::Rest(rest.unwrap_or_default())
    }
}
