//! Numbers as the bytes of a module file, little-endian.

/// A cursor over encoded bytes.
#[derive(Debug)]
pub(crate) struct Bytes<'b>(pub(crate) &'b [u8]);

impl<'b> Bytes<'b> {
    /// Takes the next number; `None` when the bytes end before it does.
    pub(crate) fn number<N: Number>(&mut self) -> Option<N> {
        N::take(self)
    }

    /// Takes this many bytes.
    pub(crate) fn slice(&mut self, length: usize) -> Option<&'b [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }
}

/// A number of a fixed width.
pub(crate) trait Number: Sized {
    /// Appends its bytes.
    fn put(self, to: &mut Vec<u8>);
    /// Takes its bytes.
    fn take(from: &mut Bytes<'_>) -> Option<Self>;
}

macro_rules! numbers {
    ($($type:ty)+) => {$(
        impl Number for $type {
            fn put(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }
            fn take(from: &mut Bytes<'_>) -> Option<Self> {
                let (head, rest) = from.0.split_first_chunk()?;
                from.0 = rest;
                Some(Self::from_le_bytes(*head))
            }
        }
    )+};
}

numbers!(u8 u16 u32 i32 i64 u64);
