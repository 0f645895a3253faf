//! With `aes-gcm`, which runs on every machine.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use snow::Error;

use super::gcm::{AesGcm, KEY_LEN, TAG_LEN, nonce_bytes};

pub(super) struct Portable(Aes256Gcm);

impl Portable {
    pub(super) fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(Aes256Gcm::new(&(*key).into()))
    }
}

impl AesGcm for Portable {
    fn seal(&self, nonce: u64, authtext: &[u8], text: &mut [u8]) -> [u8; TAG_LEN] {
        let nonce = nonce_bytes(nonce).into();
        match self.0.encrypt_inout_detached(&nonce, authtext, (&mut *text).into()) {
            Ok(tag) => tag.into(),
            // Only for texts of many gigabytes. Send nothing that could be read.
            Err(_) => {
                text.fill(0);
                [0; TAG_LEN]
            }
        }
    }

    fn open(
        &self,
        nonce: u64,
        authtext: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Error> {
        let nonce = nonce_bytes(nonce).into();
        self.0
            .decrypt_inout_detached(&nonce, authtext, text.into(), &(*tag).into())
            .map_err(|_| Error::Decrypt)
    }
}

#[cfg(test)]
mod tests {
    use zeroize::ZeroizeOnDrop;

    use super::*;

    /// Compiles only if what is computed from a key is wiped with it.
    #[test]
    fn a_key_is_wiped_when_it_is_replaced() {
        fn is_wiped<T: ZeroizeOnDrop>(_: &T) {}
        is_wiped(&Portable::new(&[1; KEY_LEN]).0);
    }
}
