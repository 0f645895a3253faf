//! How much may be queued.

/// A bound on queued messages, in bytes with overhead.
#[derive(Debug, Default)]
pub(super) struct Budget {
    pub(super) bytes: usize,
    /// A message was refused, and its sender has not been told to try again since.
    pub(super) refused: bool,
}

impl Budget {
    /// Takes up space; false when there is too little. When nothing is queued, one message fits
    /// however long it is.
    pub(super) fn take(&mut self, bytes: usize, capacity: usize) -> bool {
        let fits = self.bytes == 0 || self.bytes + bytes <= capacity;
        if fits {
            self.bytes += bytes;
        } else {
            self.refused = true;
        }
        fits
    }

    /// Whether senders that were refused are to be told to try again.
    pub(super) fn take_writable(&mut self, capacity: usize) -> bool {
        self.refused && self.bytes <= capacity / 2 && std::mem::take(&mut self.refused)
    }
}
