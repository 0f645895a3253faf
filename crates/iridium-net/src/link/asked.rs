//! What of a link waits for the receiver: long messages that it has no room for yet, and whatever lacks credit
//! as its application still has what came before.

use iridium_proto::NO_TRANSFER;

use super::message::Transfer;

/// The long messages that were asked for and not granted, and what the receiver has said of all that waits.
#[derive(Debug, Default)]
pub(super) struct Asked {
    waiting: Vec<Waiting>,
    /// What lacks credit is to wait, and no credit has come since that was said.
    told_of_credit: bool,
}

#[derive(Debug)]
struct Waiting {
    transfer: Transfer,
    /// The receiver has answered, and has no room yet.
    told: bool,
}

impl Asked {
    pub(super) fn push(&mut self, transfer: Transfer) {
        self.waiting.push(Waiting { transfer, told: false });
    }

    /// The one with this number, which was granted, and whether it was told to wait before. `None` if no such
    /// was asked for.
    pub(super) fn take(&mut self, number: u32) -> Option<(Transfer, bool)> {
        let at = self.waiting.iter().position(|waiting| waiting.transfer.number == number)?;
        let Waiting { transfer, told } = self.waiting.remove(at);
        Some((transfer, told))
    }

    /// Credit has come: whether what lacks it was told to wait before.
    pub(super) fn take_told_of_credit(&mut self) -> bool {
        std::mem::take(&mut self.told_of_credit)
    }

    /// The receiver says that the one with this number is to wait, or what lacks credit. Any other number means
    /// nothing.
    pub(super) fn tell_to_wait(&mut self, number: u32) {
        if number == NO_TRANSFER {
            self.told_of_credit = true;
        }
        let waiting = self.waiting.iter_mut().find(|waiting| waiting.transfer.number == number);
        if let Some(waiting) = waiting {
            waiting.told = true;
        }
    }

    /// Whether the receiver has said of anything that it is to wait.
    pub(super) fn is_told_to_wait(&self) -> bool {
        self.told_of_credit || self.waiting.iter().any(|waiting| waiting.told)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Transfer> {
        self.waiting.iter().map(|waiting| &waiting.transfer)
    }

    /// Whether no long message waits for room.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lacks_credit_is_told_to_wait_until_some_comes() {
        let mut asked = Asked::default();
        asked.tell_to_wait(NO_TRANSFER + 1);
        assert!(!asked.is_told_to_wait(), "nobody has asked for that");
        asked.tell_to_wait(NO_TRANSFER);
        assert!(asked.is_told_to_wait() && asked.is_empty());
        assert!(asked.take_told_of_credit());
        assert!(!asked.is_told_to_wait() && !asked.take_told_of_credit());
    }
}
