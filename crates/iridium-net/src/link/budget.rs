//! How much may be queued.

/// A bound on queued messages, in bytes with overhead.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) bytes: usize,
    capacity: usize,
    /// A message was refused, and its sender has not been told to try again since.
    pub(super) refused: bool,
}

impl Budget {
    pub(super) fn new(capacity: usize) -> Self {
        Self { bytes: 0, capacity, refused: false }
    }

    /// Takes up space; false when there is too little. When nothing is queued, one message fits
    /// however long it is.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let fits = self.bytes == 0 || self.bytes + bytes <= self.capacity;
        if fits {
            self.bytes += bytes;
        } else {
            self.refused = true;
        }
        fits
    }

    /// Whether senders that were refused are to be told to try again.
    pub(super) fn take_writable(&mut self) -> bool {
        self.refused && self.bytes <= self.capacity / 2 && std::mem::take(&mut self.refused)
    }
}
