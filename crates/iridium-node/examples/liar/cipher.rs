//! AES-256-GCM as Noise wants it, made of other parts than the nodes' own.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};

/// Bytes of a tag.
const TAG: usize = 16;

/// The primitives of the Noise library, but for the cipher, which it has not.
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

    fn resolve_cipher(&self, _: &CipherChoice) -> Option<Box<dyn Cipher>> {
        Some(Box::new(Gcm(Aes256Gcm::new(&[0; 32].into()))))
    }
}

struct Gcm(Aes256Gcm);

impl Cipher for Gcm {
    fn name(&self) -> &'static str {
        "AESGCM"
    }

    fn set(&mut self, key: &[u8; 32]) {
        self.0 = Aes256Gcm::new(&(*key).into());
    }

    fn encrypt(&self, nonce: u64, known: &[u8], text: &[u8], out: &mut [u8]) -> usize {
        let (body, rest) = out.split_at_mut(text.len());
        body.copy_from_slice(text);
        // It fails for texts of many gigabytes alone, and nothing of a liar need be right.
        let tag = self.0.encrypt_inout_detached(&bytes(nonce).into(), known, body.into());
        rest[..TAG].copy_from_slice(&tag.unwrap_or_default());
        text.len() + TAG
    }

    fn decrypt(
        &self,
        nonce: u64,
        known: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let (body, tag) = sealed.split_last_chunk::<TAG>().ok_or(Error::Decrypt)?;
        let out = out.get_mut(..body.len()).ok_or(Error::Decrypt)?;
        out.copy_from_slice(body);
        let opened =
            self.0.decrypt_inout_detached(&bytes(nonce).into(), known, out.into(), &(*tag).into());
        opened.map(|()| body.len()).map_err(|_| Error::Decrypt)
    }
}

fn bytes(nonce: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&nonce.to_be_bytes());
    bytes
}
