//! AES-256-GCM, as records are encrypted with it.

use snow::Error;

/// Bytes that encryption adds.
pub(crate) const TAG_LEN: usize = 16;
/// Bytes of a key.
pub(super) const KEY_LEN: usize = 32;

/// AES-256-GCM under one key. It encrypts and decrypts where the text is, so that nothing is copied.
pub(super) trait AesGcm: Send + Sync {
    /// Encrypts a text. Returns its tag.
    fn seal(&self, nonce: u64, authtext: &[u8], text: &mut [u8]) -> [u8; TAG_LEN];

    /// Decrypts a text.
    ///
    /// # Errors
    /// [`Error::Decrypt`]: it was not sealed with this key, nonce and text beside it.
    fn open(
        &self,
        nonce: u64,
        authtext: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Error>;
}

/// The nonce of the record of that number.
pub(super) fn nonce_bytes(nonce: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&nonce.to_be_bytes());
    bytes
}
