//! Messages that wait to be received.
//!
//! Receiving by tag leaves the other messages where they are, in order. Looking at a message costs
//! once: those that a receive has passed over are put aside, sorted by tag, where the next receive
//! finds what it wants without looking at them again.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use iridium_vm::{Limits, Message, Payload};

use crate::signal::is_mail;

/// What a message costs beyond its payload, in bytes.
pub const MESSAGE_OVERHEAD: u64 = size_of::<Message>() as u64;

/// Messages in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Mailbox {
    /// Those that no receive has looked at.
    fresh: VecDeque<Message>,
    /// Those that one has passed over. All of them are older than the fresh ones.
    aside: Option<Box<Aside>>,
    bytes: u64,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Aside {
    /// By tag, then by age.
    messages: BTreeMap<(i64, u64), Message>,
    /// The tags by age.
    tags: BTreeMap<u64, i64>,
    /// How many were ever put aside, which tells their ages.
    count: u64,
}

impl Mailbox {
    /// Whether more messages wait than may.
    pub(crate) fn is_over(&self, limits: &Limits) -> bool {
        self.len() as u64 > limits.messages || self.bytes > limits.message_bytes
    }

    /// Adds a message behind all others.
    pub(crate) fn push(&mut self, message: Message) {
        self.bytes += weight(&message);
        self.fresh.push_back(message);
    }

    /// Takes the oldest message with this tag; -1 stands for any.
    #[inline]
    pub(crate) fn take(&mut self, tag: i64) -> Option<Message> {
        if self.fresh.is_empty() && self.aside.is_none() {
            return None;
        }
        self.take_one(tag)
    }

    fn take_one(&mut self, tag: i64) -> Option<Message> {
        let message = match &mut self.aside {
            Some(aside) => aside.take(tag),
            None => None,
        };
        let message = message.or_else(|| self.take_fresh(tag))?;
        self.bytes -= weight(&message);
        Some(message)
    }

    fn take_fresh(&mut self, tag: i64) -> Option<Message> {
        loop {
            let message = self.fresh.pop_front()?;
            if wanted(tag, &message) {
                return Some(message);
            }
            self.aside.get_or_insert_default().put(message);
        }
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.fresh.len() + self.aside.as_ref().map_or(0, |aside| aside.tags.len())
    }

    /// How many of them are from processes and not from the system.
    pub(crate) fn mail(&self) -> usize {
        self.iter().filter(|message| is_mail(message)).count()
    }

    /// The memory that they take, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All of them, the oldest first.
    fn iter(&self) -> impl Iterator<Item = &Message> {
        let aside = self.aside.iter().flat_map(|aside| {
            aside.tags.iter().filter_map(|(age, tag)| aside.messages.get(&(*tag, *age)))
        });
        aside.chain(&self.fresh)
    }
}

impl Aside {
    fn put(&mut self, message: Message) {
        self.tags.insert(self.count, message.tag);
        self.messages.insert((message.tag, self.count), message);
        self.count += 1;
    }

    fn take(&mut self, tag: i64) -> Option<Message> {
        let key = if tag == ANY {
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
const ANY: i64 = -1;

/// Whether a receive with this tag takes the message.
pub(crate) fn wanted(tag: i64, message: &Message) -> bool {
    tag == ANY || tag == message.tag
}

/// The memory that a message takes.
pub(crate) fn weight(message: &Message) -> u64 {
    let payload = match &message.payload {
        Payload::Word(_) => 0,
        Payload::Bytes(bytes) => bytes.len() as u64,
    };
    MESSAGE_OVERHEAD + payload
}

/// As a list of messages: how far receives have looked is no part of the state.
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
        let fresh = VecDeque::<Message>::deserialize(deserializer)?;
        let bytes = fresh.iter().map(weight).sum();
        Ok(Self { fresh, aside: None, bytes })
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
    fn what_was_passed_over_is_not_looked_at_again() {
        let mut mailbox = Mailbox::default();
        for word in 0..100_000 {
            mailbox.push(message(1, word));
        }
        // Looking at all of them each time would be 10^10 looks.
        for word in 0..100_000 {
            assert_eq!(mailbox.take(2), None);
            mailbox.push(message(2, word));
            assert_eq!(mailbox.take(2).unwrap(), message(2, word));
        }
        assert!(mailbox.fresh.is_empty());
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
