//! The cipher under Noise. The library's own one computes the key schedule anew
//! for each record and copies each before it is encrypted; this one does neither.
//! It finds out at run time whether the machine has instructions for AES.

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{Aes256Gcm, KeyInit};
use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};

/// Bytes that encryption adds.
pub(crate) const TAG_LEN: usize = 16;
const KEY_LEN: usize = 32;

/// The library's own primitives, but for AES-GCM.
pub(crate) struct Resolver;

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        DefaultResolver.resolve_rng()
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        match choice {
            CipherChoice::AESGCM => Some(Box::new(AesGcm::default())),
            _ => None,
        }
    }
}

/// AES-256-GCM with the nonce of the Noise Protocol Framework (revision 34,
/// section 12.4): 4 bytes of zero, then the counter, big-endian.
struct AesGcm(Aes256Gcm);

impl Default for AesGcm {
    /// Noise sets the key before it encrypts anything.
    fn default() -> Self {
        Self(Aes256Gcm::new(&[0; KEY_LEN].into()))
    }
}

fn nonce_bytes(nonce: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&nonce.to_be_bytes());
    bytes
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Test case 14 of the GCM specification (McGrew and Viega): a zero key, a
    /// zero nonce and 16 bytes of zero.
    #[test]
    fn it_is_aes_256_gcm() {
        let mut cipher = AesGcm::default();
        cipher.set(&[0; KEY_LEN]);
        let mut sealed = [0; 32];
        assert_eq!(cipher.encrypt(0, &[], &[0; 16], &mut sealed), 32);
        let known = [
            0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3,
            0x9d, 0x18, 0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5,
            0xd4, 0x8a, 0xb9, 0x19,
        ];
        assert_eq!(sealed, known);
        let mut opened = [1; 16];
        assert_eq!(cipher.decrypt(0, &[], &sealed, &mut opened).unwrap(), 16);
        assert_eq!(opened, [0; 16]);
    }

    #[test]
    fn what_was_changed_does_not_open() {
        let mut cipher = AesGcm::default();
        cipher.set(&[7; KEY_LEN]);
        let mut sealed = [0; 19];
        cipher.encrypt(9, b"with", b"abc", &mut sealed);
        let mut opened = [0; 3];
        assert!(cipher.decrypt(9, b"with", &sealed, &mut opened).is_ok());
        assert_eq!(&opened, b"abc");
        assert!(cipher.decrypt(8, b"with", &sealed, &mut opened).is_err());
        assert!(cipher.decrypt(9, b"without", &sealed, &mut opened).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed;
            changed[at] ^= 1;
            assert!(cipher.decrypt(9, b"with", &changed, &mut opened).is_err(), "byte {at}");
        }
        assert!(cipher.decrypt(9, b"with", &sealed[..15], &mut opened).is_err());
        assert!(cipher.decrypt(9, b"with", &sealed, &mut opened[..2]).is_err());
    }
}
