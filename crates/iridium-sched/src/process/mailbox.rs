//! Messages that wait to be received.
//!
//! A selective receive leaves the other messages in their order. Each message is examined once:
//! those that a receive has skipped are indexed by tag, where later receives find them without a
//! scan.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use iridium_vm::{Limits, Message, Payload};

use super::signal::is_user_message;

/// What a message costs beyond its payload, in bytes.
pub const MESSAGE_OVERHEAD: u64 = size_of::<Message>() as u64;

/// The messages of a process in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Mailbox {
    /// Those that no receive has looked at.
    unseen: VecDeque<Message>,
    /// Those that one has skipped. All of them are older than the unseen ones.
    skipped: Option<Box<Skipped>>,
    bytes: u64,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Skipped {
    /// By tag, then by age.
    messages: BTreeMap<(i64, u64), Message>,
    /// The tags by age.
    tags: BTreeMap<u64, i64>,
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

    /// Takes the oldest message with this tag; [`ANY_TAG`] stands for any.
    #[inline]
    pub(crate) fn take(&mut self, tag: i64) -> Option<Message> {
        if self.unseen.is_empty() && self.skipped.is_none() {
            return None;
        }
        self.take_one(tag)
    }

    fn take_one(&mut self, tag: i64) -> Option<Message> {
        let message = match &mut self.skipped {
            Some(skipped) => skipped.take(tag),
            None => None,
        };
        let message = message.or_else(|| self.take_unseen(tag))?;
        self.bytes -= memory_of(&message);
        Some(message)
    }

    fn take_unseen(&mut self, tag: i64) -> Option<Message> {
        loop {
            let message = self.unseen.pop_front()?;
            if matches_tag(tag, &message) {
                return Some(message);
            }
            self.skipped.get_or_insert_default().put(message);
        }
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.unseen.len() + self.skipped.as_ref().map_or(0, |skipped| skipped.tags.len())
    }

    /// How many of them were sent by processes and not by the system.
    pub(crate) fn user_messages(&self) -> usize {
        self.iter().filter(|message| is_user_message(message)).count()
    }

    /// The memory that they take, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All of them, the oldest first.
    fn iter(&self) -> impl Iterator<Item = &Message> {
        let skipped = self.skipped.iter().flat_map(|skipped| {
            skipped.tags.iter().filter_map(|(age, tag)| skipped.messages.get(&(*tag, *age)))
        });
        skipped.chain(&self.unseen)
    }
}

impl Skipped {
    fn put(&mut self, message: Message) {
        self.tags.insert(self.count, message.tag);
        self.messages.insert((message.tag, self.count), message);
        self.count += 1;
    }

    fn take(&mut self, tag: i64) -> Option<Message> {
        let key = if tag == ANY_TAG {
            let (age, tag) = self.tags.first_key_value()?;
            (*tag, *age)
        } else {
            let same = (tag, 0)..=(tag, u64::MAX);
            *self.messages.range(same).next()?.0
        };
        self.tags.remove(&key.1);
        self.messages.remove(&key)
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

    fn words(mailbox: &mut Mailbox, tag: i64) -> Vec<i64> {
        std::iter::from_fn(|| mailbox.take(tag))
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
        assert_eq!((mailbox.len(), mailbox.bytes()), (0, 0));
    }

    #[test]
    fn what_was_skipped_is_not_scanned_again() {
        let mut mailbox = Mailbox::default();
        for word in 0..100_000 {
            mailbox.push(message(1, word));
        }
        // A scan of all of them each time would take 10^10 steps.
        for word in 0..100_000 {
            assert_eq!(mailbox.take(2), None);
            mailbox.push(message(2, word));
            assert_eq!(mailbox.take(2).unwrap(), message(2, word));
        }
        assert!(mailbox.unseen.is_empty());
    }

    #[test]
    fn bytes_are_counted_with_what_keeping_them_costs() {
        let mut mailbox = Mailbox::default();
        mailbox.push(Message { tag: 5, sender: 1, payload: Payload::Bytes(vec![0; 10].into()) });
        mailbox.push(message(6, 1));
        assert_eq!(mailbox.bytes(), 10 + 2 * MESSAGE_OVERHEAD);
        mailbox.take(6);
        assert_eq!(mailbox.bytes(), 10 + MESSAGE_OVERHEAD);
    }

    #[test]
    fn a_saved_mailbox_keeps_its_order() {
        let mut mailbox = Mailbox::default();
        for word in 0..9 {
            mailbox.push(message(word % 2, word));
        }
        mailbox.take(1);
        let saved = iridium_vm::codec::encode(&mailbox);
        let mut restored: Mailbox = iridium_vm::codec::decode(&saved).unwrap();
        assert_eq!(restored.bytes(), mailbox.bytes());
        assert_eq!(words(&mut restored, -1), words(&mut mailbox, -1));
    }
}
