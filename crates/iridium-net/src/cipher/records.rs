//! The two directions of a session: its records, encrypted under keys that are replaced after so many
//! of them, by the function `Rekey()` of the Noise Protocol Framework (revision 34, section 4.2). Both
//! ends count the same records, so nothing is said about it.

use zeroize::Zeroizing;

use super::gcm::{AesGcm, KEY_LEN, TAG_LEN};
use super::resolver::best;

/// Records under one key. They have up to 64 KiB each, so 64 GiB; AES-GCM is good for 2^23 of that
/// length at least (RFC 8446, section 5.5, takes 2^24.5 of 16 KiB).
const RECORDS_A_KEY: u64 = 1 << 20;

/// The nonce that is kept for making the next key.
const REKEY_NONCE: u64 = u64::MAX;

/// Encrypts the records that one end sends, in their order.
pub(crate) struct Sealer(Direction);

/// Decrypts the records that come from the other end, in their order.
pub(crate) struct Opener(Direction);

/// What one end of a session encrypts and decrypts with.
pub(crate) struct Records {
    pub(crate) sealer: Sealer,
    pub(crate) opener: Opener,
}

impl Records {
    /// With the keys of what is sent, and of what is received.
    pub(crate) fn new(sent: &[u8; KEY_LEN], received: &[u8; KEY_LEN]) -> Self {
        Self {
            sealer: Sealer(Direction::new(sent, RECORDS_A_KEY)),
            opener: Opener(Direction::new(received, RECORDS_A_KEY)),
        }
    }
}

impl Sealer {
    /// Encrypts the text of the next record where it is. Returns its tag.
    pub(crate) fn seal(&mut self, text: &mut [u8]) -> [u8; TAG_LEN] {
        let nonce = self.0.next();
        self.0.cipher.seal(nonce, &[], text)
    }
}

impl Opener {
    /// Decrypts the next record, which is a text and its tag, where it is. Returns the length of the text;
    /// `None` when the other end has not sealed it as this record.
    pub(crate) fn open(&mut self, record: &mut [u8]) -> Option<usize> {
        let nonce = self.0.next();
        let (text, tag) = record.split_last_chunk_mut()?;
        self.0.cipher.open(nonce, &[], text, tag).ok()?;
        Some(text.len())
    }
}

/// One direction of a session.
struct Direction {
    cipher: Box<dyn AesGcm>,
    /// How many records there were, and after how many the key is replaced.
    count: u64,
    every: u64,
}

impl Direction {
    fn new(key: &[u8; KEY_LEN], every: u64) -> Self {
        Self { cipher: best(key), count: 0, every }
    }

    /// The number of the next record, for which the key is there.
    fn next(&mut self) -> u64 {
        let number = self.count;
        if number > 0 && number.is_multiple_of(self.every) {
            let mut key = Zeroizing::new([0; KEY_LEN]);
            self.cipher.seal(REKEY_NONCE, &[], &mut *key);
            self.cipher = best(&key);
        }
        self.count += 1;
        number
    }
}

#[cfg(test)]
mod tests {
    use super::super::portable::Portable;
    use super::*;

    const KEY: [u8; KEY_LEN] = [7; KEY_LEN];

    fn sealed(cipher: &dyn AesGcm, nonce: u64) -> Vec<u8> {
        let mut text = *b"hello";
        let tag = cipher.seal(nonce, &[], &mut text);
        [&text[..], &tag].concat()
    }

    /// The record of that number of one whose key is replaced each four of them.
    fn record(number: usize) -> Vec<u8> {
        let mut direction = Direction::new(&KEY, 4);
        let mut records = (0..=number).map(|_| {
            let nonce = direction.next();
            sealed(&*direction.cipher, nonce)
        });
        records.nth(number).unwrap()
    }

    #[test]
    fn both_ends_replace_their_keys_at_the_same_records() {
        let mut opener = Opener(Direction::new(&KEY, 4));
        for number in 0..23 {
            let mut record = record(number);
            assert_eq!(opener.open(&mut record), Some(5), "record {number}");
            assert_eq!(&record[..5], b"hello");
        }
        // A key that was replaced is gone, and a record is opened in its turn alone.
        for number in [3, 22, 24] {
            let mut opener = Opener(Direction::new(&KEY, 4));
            (0..23).for_each(|number| assert!(opener.open(&mut record(number)).is_some()));
            assert_eq!(opener.open(&mut record(number)), None, "record {number}");
        }
        assert_eq!(Opener(Direction::new(&KEY, 4)).open(&mut [0; TAG_LEN - 1]), None);
    }

    #[test]
    fn the_keys_are_those_of_noise() {
        assert_eq!(record(3), sealed(&Portable::new(&KEY), 3), "the first is the session's");
        // k = ENCRYPT(k, 2^64-1, zerolen, zeros), the first 32 bytes.
        let mut next = [0; KEY_LEN];
        Portable::new(&KEY).seal(u64::MAX, &[], &mut next);
        let second = Portable::new(&next);
        for number in 4..8 {
            assert_eq!(record(number), sealed(&second, number as u64));
        }
        assert_ne!(record(8), sealed(&second, 8));
    }
}
