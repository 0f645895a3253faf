//! AES-GCM with `graviola`, which uses vector instructions of up to 512 bits where there are any.

use graviola::aead;
use snow::Error;
use snow::types::Cipher;

use super::gcm::{KEY_LEN, TAG_LEN, nonce_bytes};

pub(super) struct AesGcm(aead::AesGcm);

/// Whether the machine has the instructions that the library cannot do without: it would panic there.
pub(super) fn runs() -> bool {
    is_x86_feature_detected!("aes")
        && is_x86_feature_detected!("pclmulqdq")
        && is_x86_feature_detected!("adx")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("avx")
        && is_x86_feature_detected!("avx2")
}

impl AesGcm {
    /// `None` on a machine where it does not run.
    pub(super) fn new() -> Option<Self> {
        // Noise sets the key before it encrypts anything.
        runs().then(|| Self(aead::AesGcm::new(&[0; KEY_LEN])))
    }
}

impl Cipher for AesGcm {
    fn name(&self) -> &'static str {
        "AESGCM"
    }

    fn set(&mut self, key: &[u8; KEY_LEN]) {
        self.0 = aead::AesGcm::new(key);
    }

    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let (body, rest) = out.split_at_mut(plaintext.len());
        body.copy_from_slice(plaintext);
        let mut tag = [0; TAG_LEN];
        self.0.encrypt(&nonce_bytes(nonce), authtext, body, &mut tag);
        rest[..TAG_LEN].copy_from_slice(&tag);
        plaintext.len() + TAG_LEN
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
        out.copy_from_slice(body);
        let opened = self.0.decrypt(&nonce_bytes(nonce), authtext, out, tag);
        opened.map(|()| body.len()).map_err(|_| Error::Decrypt)
    }
}
