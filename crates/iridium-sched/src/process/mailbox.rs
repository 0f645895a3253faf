//! Messages that wait to be received.
//!
//! A selective receive leaves the other messages in their order. Each message is examined once:
//! those that a receive has skipped are indexed by tag, where later receives find them without a
//! scan. A scan of very many is cut into slices, between which others can run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use iridium_vm::{ALLOCATION, Limits, Message, Payload};

/// What a message costs beyond its payload, in bytes.
pub const MESSAGE_OVERHEAD: u64 = size_of::<Message>() as u64;
/// What a skipped message takes beyond that: its places in two trees, whose nodes are little more
/// than half full when they were filled in order.
const SKIPPED_OVERHEAD: u64 = 100;
/// How many messages are skipped in a row at most before others may run.
const SLICE: usize = 256;
/// Places for messages that a mailbox keeps when it has become empty.
const KEPT: usize = 1 << 10;

/// The messages of a process in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Mailbox {
    /// Those that no receive has looked at.
    unseen: VecDeque<Message>,
    /// Those that one has skipped. All of them are older than the unseen ones.
    skipped: Option<Box<Skipped>>,
    /// What they weigh, as [limits](Limits::message_bytes) count it.
    bytes: u64,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Skipped {
    /// By age.
    messages: BTreeMap<u64, Message>,
    /// Their tags, each with the ages.
    ages: BTreeSet<(i64, u64)>,
    /// How many were ever skipped, which tells their ages.
    count: u64,
}

impl Mailbox {
    /// Whether more messages wait than may.
    pub(crate) fn is_over(&self, limits: &Limits) -> bool {
        self.len() as u64 > limits.messages || self.bytes > limits.message_bytes
    }

    /// Adds a message behind all others.
    pub(crate) fn push(&mut self, message: Message) {
        self.bytes += memory_of(&message);
        self.unseen.push_back(message);
    }

    /// Takes the oldest message with this tag; [`ANY_TAG`] stands for any. `None` is the answer only
    /// when [all were looked at](Self::is_searched): a call skips a limited number.
    #[inline(always)]
    pub(crate) fn take(&mut self, tag: i64) -> Option<Message> {
        // Mostly the oldest one is wanted, and none was ever skipped.
        match self.unseen.front() {
            Some(first) if self.skipped.is_none() && matches_tag(tag, first) => self.take_first(),
            None if self.skipped.is_none() => None,
            _ => self.take_one(tag),
        }
    }

    #[inline]
    fn take_first(&mut self) -> Option<Message> {
        let message = self.unseen.pop_front()?;
        self.bytes -= memory_of(&message);
        if self.unseen.is_empty() {
            self.give_memory_back();
        }
        Some(message)
    }

    /// Whether no message waits.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        let skipped = self.skipped.as_ref();
        self.unseen.is_empty() && skipped.is_none_or(|skipped| skipped.messages.is_empty())
    }

    /// Whether there is no message that no receive has looked at.
    pub(crate) fn is_searched(&self) -> bool {
        self.unseen.is_empty()
    }

    fn take_one(&mut self, tag: i64) -> Option<Message> {
        let message = match &mut self.skipped {
            Some(skipped) => skipped.take(tag).or_else(|| self.take_unseen(tag)),
            None => self.take_unseen(tag),
        };
        if self.unseen.is_empty() {
            self.give_memory_back();
        }
        let message = message?;
        self.bytes -= memory_of(&message);
        Some(message)
    }

    fn give_memory_back(&mut self) {
        if self.unseen.capacity() > KEPT {
            self.unseen = VecDeque::new();
        }
    }

    fn take_unseen(&mut self, tag: i64) -> Option<Message> {
        for _ in 0..SLICE {
            let message = self.unseen.pop_front()?;
            if matches_tag(tag, &message) {
                return Some(message);
            }
            self.skipped.get_or_insert_default().put(message);
        }
        None
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.unseen.len() + self.skipped.as_ref().map_or(0, |skipped| skipped.messages.len())
    }

    /// The memory that they take, in bytes: also what is free for more of them, and what it costs to
    /// keep those that were skipped.
    pub(crate) fn memory(&self) -> u64 {
        let free = (self.unseen.capacity() - self.unseen.len()) as u64 * MESSAGE_OVERHEAD;
        let skipped = self.skipped.as_ref().map_or(0, |skipped| skipped.messages.len());
        self.bytes + free + self.len() as u64 * ALLOCATION + skipped as u64 * SKIPPED_OVERHEAD
    }

    /// All of them, the oldest first.
    fn iter(&self) -> impl Iterator<Item = &Message> {
        let skipped = self.skipped.iter().flat_map(|skipped| skipped.messages.values());
        skipped.chain(&self.unseen)
    }
}

impl Skipped {
    fn put(&mut self, message: Message) {
        self.ages.insert((message.tag, self.count));
        self.messages.insert(self.count, message);
        self.count += 1;
    }

    fn take(&mut self, tag: i64) -> Option<Message> {
        if tag == ANY_TAG {
            let (age, message) = self.messages.pop_first()?;
            self.ages.remove(&(message.tag, age));
            return Some(message);
        }
        let key = *self.ages.range((tag, 0)..=(tag, u64::MAX)).next()?;
        self.ages.remove(&key);
        self.messages.remove(&key.1)
    }
}

/// The tag that stands for any in a receive.
pub(crate) const ANY_TAG: i64 = -1;

/// Whether a receive with this tag takes the message.
pub(crate) fn matches_tag(tag: i64, message: &Message) -> bool {
    tag == ANY_TAG || tag == message.tag
}

/// The memory that a message takes.
pub(crate) fn memory_of(message: &Message) -> u64 {
    let payload = match &message.payload {
        Payload::Word(_) => 0,
        Payload::Bytes(bytes) => bytes.len() as u64,
    };
    MESSAGE_OVERHEAD + payload
}

/// As a list of messages: the index of skipped ones is made again as it is needed.
impl Serialize for Mailbox {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Formats without self-description want the length first.
        use serde::ser::SerializeSeq as _;
        let mut list = serializer.serialize_seq(Some(self.len()))?;
        self.iter().try_for_each(|message| list.serialize_element(message))?;
        list.end()
    }
}

impl<'de> Deserialize<'de> for Mailbox {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let unseen = VecDeque::<Message>::deserialize(deserializer)?;
        let bytes = unseen.iter().map(memory_of).sum();
        Ok(Self { unseen, skipped: None, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: i64, word: i64) -> Message {
        Message { tag, sender: 1, payload: Payload::Word(word.to_le_bytes()) }
    }

    /// Takes a message, however many slices the search has.
    fn take(mailbox: &mut Mailbox, tag: i64) -> Option<Message> {
        loop {
            let message = mailbox.take(tag);
            if message.is_some() || mailbox.is_searched() {
                return message;
            }
        }
    }

    fn words(mailbox: &mut Mailbox, tag: i64) -> Vec<i64> {
        std::iter::from_fn(|| take(mailbox, tag))
            .map(|message| i64::from_le_bytes(message.payload.bytes().try_into().unwrap()))
            .collect()
    }

    #[test]
    fn a_receive_by_tag_leaves_the_others_in_order() {
        let mut mailbox = Mailbox::default();
        for word in 0..12 {
            mailbox.push(message(word % 3, word));
        }
        assert_eq!(words(&mut mailbox, 1), [1, 4, 7, 10]);
        mailbox.push(message(2, 12));
        mailbox.push(message(0, 13));
        assert_eq!(words(&mut mailbox, 7), [0; 0]);
        assert_eq!(mailbox.len(), 10);
        assert_eq!(mailbox.take(2).unwrap(), message(2, 2));
        assert_eq!(words(&mut mailbox, -1), [0, 3, 5, 6, 8, 9, 11, 12, 13]);
        assert_eq!((mailbox.len(), mailbox.bytes), (0, 0));
    }

    #[test]
    fn what_was_skipped_is_not_scanned_again() {
        let mut mailbox = Mailbox::default();
        for word in 0..100_000 {
            mailbox.push(message(1, word));
        }
        // A scan of all of them each time would take 10^10 steps.
        for word in 0..100_000 {
            assert_eq!(take(&mut mailbox, 2), None);
            mailbox.push(message(2, word));
            assert_eq!(mailbox.take(2).unwrap(), message(2, word));
        }
        assert!(mailbox.unseen.is_empty());
    }

    #[test]
    fn a_search_is_cut_into_slices() {
        let mut mailbox = Mailbox::default();
        for word in 0..=3 * SLICE as i64 {
            mailbox.push(message(1, word));
        }
        mailbox.push(message(2, 9));
        for slice in 1..=3 {
            assert_eq!(mailbox.take(2), None);
            assert_eq!(mailbox.unseen.len(), (3 - slice) * SLICE + 2, "{slice} slices");
            assert!(!mailbox.is_searched());
        }
        assert_eq!(mailbox.take(2), Some(message(2, 9)));
        // What was skipped has not changed its order.
        assert_eq!(words(&mut mailbox, ANY_TAG), (0..=3 * SLICE as i64).collect::<Vec<_>>());
    }

    #[test]
    fn memory_is_what_is_kept_and_not_only_what_was_sent() {
        let mut mailbox = Mailbox::default();
        (0..2_000).for_each(|word| mailbox.push(message(1, word)));
        let before = mailbox.memory();
        assert!(before >= mailbox.unseen.capacity() as u64 * MESSAGE_OVERHEAD);
        take(&mut mailbox, 2);
        assert!(mailbox.memory() >= 2_000 * (MESSAGE_OVERHEAD + SKIPPED_OVERHEAD));
        assert_eq!(words(&mut mailbox, 1).len(), 2_000);
        assert_eq!(mailbox.memory(), 0, "given back");
    }

    #[test]
    fn bytes_are_counted_with_what_keeping_them_costs() {
        let mut mailbox = Mailbox::default();
        mailbox.push(Message { tag: 5, sender: 1, payload: Payload::Bytes(vec![0; 10].into()) });
        mailbox.push(message(6, 1));
        assert_eq!(mailbox.bytes, 10 + 2 * MESSAGE_OVERHEAD);
        mailbox.take(6);
        assert_eq!(mailbox.bytes, 10 + MESSAGE_OVERHEAD);
    }

    #[test]
    fn a_saved_mailbox_keeps_its_order() {
        let mut mailbox = Mailbox::default();
        for word in 0..9 {
            mailbox.push(message(word % 2, word));
        }
        take(&mut mailbox, 1);
        let saved = iridium_vm::codec::encode(&mailbox).unwrap();
        let mut restored: Mailbox = iridium_vm::codec::decode(&saved).unwrap();
        assert_eq!(restored.bytes, mailbox.bytes);
        assert_eq!(words(&mut restored, -1), words(&mut mailbox, -1));
    }
}
