//! A cipher that replaces its key after so many records: the function `Rekey()` of the Noise Protocol
//! Framework (revision 34, section 4.2). Both ends count the same records, so nothing is said about it.

use std::sync::{Mutex, PoisonError};

use snow::Error;
use snow::types::Cipher;

use super::gcm::KEY_LEN;

/// Records under one key. They have up to 64 KiB each, so 64 GiB; AES-GCM is good for 2^23 of that
/// length at least (RFC 8446, section 5.5, takes 2^24.5 of 16 KiB).
pub(super) const RECORDS_A_KEY: u64 = 1 << 20;

/// The nonce that is kept for making the next key.
const REKEY_NONCE: u64 = u64::MAX;

/// One direction of a session. One thread at a time uses it, so nobody ever waits for the lock.
pub(super) struct Rekeying {
    every: u64,
    current: Mutex<Current>,
}

/// The key in use.
struct Current {
    /// How many keys there were before it.
    number: u64,
    cipher: Box<dyn Cipher>,
}

impl Rekeying {
    /// Replaces the key each so many records.
    pub(super) fn new(cipher: Box<dyn Cipher>, every: u64) -> Self {
        Self { every, current: Mutex::new(Current { number: 0, cipher }) }
    }

    /// Does something with the key of the record of that number. `None` for a key that there is no more.
    fn with_key<T>(&self, nonce: u64, f: impl FnOnce(&dyn Cipher) -> T) -> Option<T> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // Only the library asks for this one, of the key that it has set.
        let wanted = if nonce == REKEY_NONCE { current.number } else { nonce / self.every };
        while current.number < wanted {
            current.cipher.rekey();
            current.number += 1;
        }
        (current.number == wanted).then(|| f(current.cipher.as_ref()))
    }
}

impl Cipher for Rekeying {
    fn name(&self) -> &'static str {
        "AESGCM"
    }

    fn set(&mut self, key: &[u8; KEY_LEN]) {
        let current = self.current.get_mut().unwrap_or_else(PoisonError::into_inner);
        current.cipher.set(key);
        current.number = 0;
    }

    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let seal = |cipher: &dyn Cipher| cipher.encrypt(nonce, authtext, plaintext, out);
        match self.with_key(nonce, seal) {
            Some(len) => len,
            // Numbers of records never go back; if they do, nothing is sent that could be read.
            None => {
                log::error!("a record was to be encrypted under a key that is gone; nonce={nonce}");
                0
            }
        }
    }

    fn decrypt(
        &self,
        nonce: u64,
        authtext: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let open = |cipher: &dyn Cipher| cipher.decrypt(nonce, authtext, ciphertext, out);
        self.with_key(nonce, open).unwrap_or(Err(Error::Decrypt))
    }
}

#[cfg(test)]
mod tests {
    use super::super::gcm::TAG_LEN;
    use super::super::portable;
    use super::*;

    fn plain(key: [u8; KEY_LEN]) -> portable::AesGcm {
        let mut cipher = portable::AesGcm::default();
        cipher.set(&key);
        cipher
    }

    fn rekeying(key: [u8; KEY_LEN], every: u64) -> Rekeying {
        let mut cipher = Rekeying::new(Box::new(plain([0; KEY_LEN])), every);
        cipher.set(&key);
        cipher
    }

    fn sealed(cipher: &dyn Cipher, nonce: u64) -> Vec<u8> {
        let mut record = vec![0; 5 + TAG_LEN];
        assert_eq!(cipher.encrypt(nonce, &[], b"hello", &mut record), record.len());
        record
    }

    #[test]
    fn both_ends_replace_their_keys_at_the_same_records() {
        let (one, other) = (rekeying([7; KEY_LEN], 4), rekeying([7; KEY_LEN], 4));
        for nonce in 0..23 {
            let record = sealed(&one, nonce);
            let mut opened = [0; 5];
            assert_eq!(other.decrypt(nonce, &[], &record, &mut opened).unwrap(), 5);
            assert_eq!(&opened, b"hello");
        }
        // A key that was replaced is gone.
        assert!(other.decrypt(3, &[], &sealed(&plain([7; KEY_LEN]), 3), &mut [0; 5]).is_err());
        assert_eq!(one.encrypt(3, &[], b"hello", &mut [0; 5 + TAG_LEN]), 0);
    }

    #[test]
    fn the_keys_are_those_of_noise() {
        let cipher = rekeying([7; KEY_LEN], 4);
        assert_eq!(
            sealed(&cipher, 3),
            sealed(&plain([7; KEY_LEN]), 3),
            "the first is the session's"
        );
        // k = ENCRYPT(k, 2^64-1, zerolen, zeros), the first 32 bytes.
        let mut next = [0; KEY_LEN + TAG_LEN];
        plain([7; KEY_LEN]).encrypt(u64::MAX, &[], &[0; KEY_LEN], &mut next);
        let second = plain(*next.first_chunk().unwrap());
        for nonce in 4..8 {
            assert_eq!(sealed(&cipher, nonce), sealed(&second, nonce));
        }
        assert_ne!(sealed(&cipher, 8), sealed(&second, 8));
    }
}
