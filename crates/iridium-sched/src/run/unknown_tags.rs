//! Messages that a process has received and does not understand: it passes them on to nobody, with
//! their tag and a payload that says so.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::sync::lock;
use iridium_vm::{Message, Pid};

/// What compiled programs say of a message that they do not understand; no value of theirs has this
/// length.
const NOT_UNDERSTOOD: &[u8] = &[1];
/// Of so many tags it is logged that somebody did not understand them.
const MAX_LOGGED: usize = 1_000;

/// The tags that were logged, each once.
#[derive(Debug, Default)]
pub(crate) struct UnknownTags(Mutex<BTreeSet<i64>>);

impl UnknownTags {
    /// Logs the first message with its tag that its sender says it does not understand.
    pub(crate) fn note(&self, message: &Message) {
        if message.payload.bytes() == NOT_UNDERSTOOD && self.is_new(message.tag) {
            log::warn!(
                "process {} does not understand a message with tag {}, and leaves it; others with \
                 this tag are only counted, as dead letters",
                Pid::from_bits(message.sender),
                message.tag
            );
        }
    }

    fn is_new(&self, tag: i64) -> bool {
        let mut logged = lock(&self.0);
        logged.len() < MAX_LOGGED && logged.insert(tag)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_tag_is_new_once_and_their_number_is_bounded() {
        let tags = UnknownTags::default();
        assert!(tags.is_new(7));
        assert!(!tags.is_new(7));
        assert!((100..).take(MAX_LOGGED - 1).all(|tag| tags.is_new(tag)));
        assert!(!tags.is_new(8));
    }
}
