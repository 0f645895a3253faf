//! The parameters of AES-256-GCM under Noise.

/// Bytes that encryption adds.
pub(crate) const TAG_LEN: usize = 16;
/// Bytes of a key.
pub(super) const KEY_LEN: usize = 32;

/// The nonce of the record of that number.
pub(super) fn nonce_bytes(nonce: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&nonce.to_be_bytes());
    bytes
}
