//! The long messages of a link that wait for room at the receiver.

use super::message::Transfer;

/// Those that were asked for and not granted.
#[derive(Debug, Default)]
pub(super) struct Asked(Vec<Waiting>);

#[derive(Debug)]
struct Waiting {
    transfer: Transfer,
    /// The receiver has answered, and has no room yet.
    told: bool,
}

impl Asked {
    pub(super) fn push(&mut self, transfer: Transfer) {
        self.0.push(Waiting { transfer, told: false });
    }

    /// The one with this number, which was granted, and whether it was told to wait before. `None` if no such
    /// was asked for.
    pub(super) fn take(&mut self, number: u32) -> Option<(Transfer, bool)> {
        let at = self.0.iter().position(|waiting| waiting.transfer.number == number)?;
        let Waiting { transfer, told } = self.0.remove(at);
        Some((transfer, told))
    }

    /// The receiver says that the one with this number is to wait. Any other number means nothing.
    pub(super) fn tell_to_wait(&mut self, number: u32) {
        let waiting = self.0.iter_mut().find(|waiting| waiting.transfer.number == number);
        if let Some(waiting) = waiting {
            waiting.told = true;
        }
    }

    /// Whether the receiver has said of some that they are to wait.
    pub(super) fn is_told_to_wait(&self) -> bool {
        self.0.iter().any(|waiting| waiting.told)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
