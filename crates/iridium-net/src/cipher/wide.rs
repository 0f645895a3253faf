//! AES-GCM with `graviola`, which uses vector instructions of up to 512 bits where there are any.

use graviola::aead;
use snow::Error;

use super::gcm::{AesGcm, KEY_LEN, TAG_LEN, nonce_bytes};

pub(super) struct Wide(aead::AesGcm);

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

impl Wide {
    /// `None` on a machine where it does not run.
    pub(super) fn new(key: &[u8; KEY_LEN]) -> Option<Self> {
        runs().then(|| Self(aead::AesGcm::new(key)))
    }
}

impl AesGcm for Wide {
    fn seal(&self, nonce: u64, authtext: &[u8], text: &mut [u8]) -> [u8; TAG_LEN] {
        let mut tag = [0; TAG_LEN];
        self.0.encrypt(&nonce_bytes(nonce), authtext, text, &mut tag);
        tag
    }

    fn open(
        &self,
        nonce: u64,
        authtext: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Error> {
        let opened = self.0.decrypt(&nonce_bytes(nonce), authtext, text, tag);
        opened.map_err(|_| Error::Decrypt)
    }
}
