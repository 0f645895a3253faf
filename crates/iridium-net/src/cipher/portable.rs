//! With `aes-gcm`, which runs on every machine.

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{Aes256Gcm, KeyInit};
use snow::Error;
use snow::types::Cipher;

use super::gcm::{KEY_LEN, TAG_LEN, nonce_bytes};

pub(super) struct AesGcm(Aes256Gcm);

impl Default for AesGcm {
    /// Noise sets the key before it encrypts anything.
    fn default() -> Self {
        Self(Aes256Gcm::new(&[0; KEY_LEN].into()))
    }
}

impl Cipher for AesGcm {
    fn name(&self) -> &'static str {
        "AESGCM"
    }

    fn set(&mut self, key: &[u8; KEY_LEN]) {
        self.0 = Aes256Gcm::new(&(*key).into());
    }

    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let len = plaintext.len();
        let (body, rest) = out.split_at_mut(len);
        let tag = InOutBuf::new(plaintext, body).ok().and_then(|buffer| {
            self.0.encrypt_inout_detached(&nonce_bytes(nonce).into(), authtext, buffer).ok()
        });
        match tag {
            Some(tag) => rest[..TAG_LEN].copy_from_slice(&tag),
            // Only for texts of many gigabytes. Send nothing that could be read.
            None => out[..len + TAG_LEN].fill(0),
        }
        len + TAG_LEN
    }

    fn decrypt(
        &self,
        nonce: u64,
        authtext: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let (body, tag) = ciphertext.split_last_chunk::<TAG_LEN>().ok_or(Error::Decrypt)?;
        let out = out.get_mut(..body.len()).ok_or(Error::Decrypt)?;
        let buffer = InOutBuf::new(body, out).map_err(|_| Error::Decrypt)?;
        self.0
            .decrypt_inout_detached(&nonce_bytes(nonce).into(), authtext, buffer, &(*tag).into())
            .map_err(|_| Error::Decrypt)?;
        Ok(body.len())
    }
}
