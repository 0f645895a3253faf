//! Which cipher and which key agreement a handshake gets.

use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};

use snow::Error;

use super::gcm::{AesGcm, KEY_LEN, TAG_LEN};
use super::portable::Portable;
#[cfg(target_arch = "x86_64")]
use super::{
    wide::{self, Wide},
    x25519::X25519,
};

/// The primitives of the Noise library, but with our AES-GCM, and a quicker X25519 where there is one.
pub(crate) struct Resolver;

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        DefaultResolver.resolve_rng()
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        #[cfg(target_arch = "x86_64")]
        if *choice == DHChoice::Curve25519 && wide::runs() {
            return Some(Box::<X25519>::default());
        }
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        match choice {
            CipherChoice::AESGCM => Some(Box::<HandshakeCipher>::default()),
            _ => None,
        }
    }
}

/// The fastest cipher that this machine can run.
pub(super) fn best(key: &[u8; KEY_LEN]) -> Box<dyn AesGcm> {
    #[cfg(target_arch = "x86_64")]
    if let Some(wide) = Wide::new(key) {
        return Box::new(wide);
    }
    Box::new(Portable::new(key))
}

/// The cipher as the Noise library uses it, for the few bytes of a handshake.
struct HandshakeCipher(Box<dyn AesGcm>);

impl Default for HandshakeCipher {
    /// Noise sets the key before it encrypts anything.
    fn default() -> Self {
        Self(best(&[0; KEY_LEN]))
    }
}

impl Cipher for HandshakeCipher {
    fn name(&self) -> &'static str {
        "AESGCM"
    }

    fn set(&mut self, key: &[u8; KEY_LEN]) {
        self.0 = best(key);
    }

    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let len = plaintext.len();
        let (text, rest) = out.split_at_mut(len);
        text.copy_from_slice(plaintext);
        rest[..TAG_LEN].copy_from_slice(&self.0.seal(nonce, authtext, text));
        len + TAG_LEN
    }

    fn decrypt(
        &self,
        nonce: u64,
        authtext: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let (body, tag) = ciphertext.split_last_chunk().ok_or(Error::Decrypt)?;
        let text = out.get_mut(..body.len()).ok_or(Error::Decrypt)?;
        text.copy_from_slice(body);
        self.0.open(nonce, authtext, text, tag)?;
        Ok(text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that this machine can run.
    fn ciphers(key: &[u8; KEY_LEN]) -> [Box<dyn AesGcm>; 2] {
        [Box::new(Portable::new(key)), best(key)]
    }

    fn sealed(cipher: &dyn AesGcm, nonce: u64, authtext: &[u8], text: &[u8]) -> Vec<u8> {
        let mut record = text.to_vec();
        let tag = cipher.seal(nonce, authtext, &mut record);
        record.extend(tag);
        record
    }

    fn opened(
        cipher: &dyn AesGcm,
        nonce: u64,
        authtext: &[u8],
        record: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let (text, tag) = record.split_last_chunk().unwrap();
        let mut text = text.to_vec();
        cipher.open(nonce, authtext, &mut text, tag).map(|()| text)
    }

    /// Test case 14 of the GCM specification (McGrew and Viega): a zero key, a
    /// zero nonce and 16 bytes of zero.
    #[test]
    fn it_is_aes_256_gcm() {
        let known = [
            0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3,
            0x9d, 0x18, 0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5,
            0xd4, 0x8a, 0xb9, 0x19,
        ];
        for cipher in ciphers(&[0; KEY_LEN]) {
            assert_eq!(sealed(&*cipher, 0, &[], &[0; 16]), known);
            assert_eq!(opened(&*cipher, 0, &[], &known).unwrap(), [0; 16]);
        }
    }

    #[test]
    fn what_was_changed_does_not_open() {
        for cipher in ciphers(&[7; KEY_LEN]) {
            let record = sealed(&*cipher, 9, b"with", b"abc");
            assert_eq!(opened(&*cipher, 9, b"with", &record).unwrap(), b"abc");
            assert!(opened(&*cipher, 8, b"with", &record).is_err());
            assert!(opened(&*cipher, 9, b"without", &record).is_err());
            for at in 0..record.len() {
                let mut changed = record.clone();
                changed[at] ^= 1;
                assert!(opened(&*cipher, 9, b"with", &changed).is_err(), "byte {at}");
            }
        }
    }

    /// The nodes of a cluster may run on machines with different ciphers.
    #[test]
    fn what_one_seals_another_opens() {
        for (nonce, len) in (0..600).chain([4_095, 65_519]).enumerate() {
            let nonce = nonce as u64 * 0x0123_4567_89ab;
            let ciphers = ciphers(&std::array::from_fn(|at| (at * 7 + len) as u8));
            let text: Vec<u8> = (0..len).map(|at| (at * at + len) as u8).collect();
            let authtext = &text[..len % 40];
            for (one, other) in [(0, 1), (1, 0)] {
                let record = sealed(&*ciphers[one], nonce, authtext, &text);
                let back = opened(&*ciphers[other], nonce, authtext, &record).unwrap();
                assert_eq!(back, text, "of {len} bytes");
            }
        }
    }

    #[test]
    fn the_noise_library_is_told_when_a_buffer_is_too_short() {
        let cipher = HandshakeCipher::default();
        let mut record = [0; 3 + TAG_LEN];
        assert_eq!(cipher.encrypt(1, &[], b"abc", &mut record), record.len());
        assert_eq!(cipher.decrypt(1, &[], &record, &mut [0; 3]).unwrap(), 3);
        assert!(cipher.decrypt(1, &[], &record, &mut [0; 2]).is_err());
        assert!(cipher.decrypt(1, &[], &record[..TAG_LEN - 1], &mut [0; 3]).is_err());
    }

    /// The key agreement that this machine can run, and the one of the Noise library.
    fn agreements() -> [Box<dyn Dh>; 2] {
        let choice = DHChoice::Curve25519;
        [Resolver.resolve_dh(&choice).unwrap(), DefaultResolver.resolve_dh(&choice).unwrap()]
    }

    /// RFC 7748, section 6.1.
    #[test]
    fn it_is_x25519() {
        let alice = [
            0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2,
            0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5,
            0x1d, 0xb9, 0x2c, 0x2a,
        ];
        let bob = [
            0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61, 0xc2, 0xec, 0xe4,
            0x35, 0x37, 0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78, 0x67, 0x4d, 0xad, 0xfc, 0x7e, 0x14,
            0x6f, 0x88, 0x2b, 0x4f,
        ];
        let known = [
            0x4a, 0x5d, 0x9d, 0x5b, 0xa4, 0xce, 0x2d, 0xe1, 0x72, 0x8e, 0x3b, 0xf4, 0x80, 0x35,
            0x0f, 0x25, 0xe0, 0x7e, 0x21, 0xc9, 0x47, 0xd1, 0x9e, 0x33, 0x76, 0xf0, 0x9b, 0x3c,
            0x1e, 0x16, 0x17, 0x42,
        ];
        for mut agreement in agreements() {
            agreement.set(&alice);
            assert_eq!(agreement.privkey(), alice);
            let mut shared = [0; 32];
            agreement.dh(&bob, &mut shared).unwrap();
            assert_eq!(shared, known);
        }
    }

    /// The nodes of a cluster may run on machines with different ones.
    #[test]
    fn both_agree() {
        let [mut one, mut other] = agreements();
        let mut random = Resolver.resolve_rng().unwrap();
        for _ in 0..20 {
            one.generate(&mut *random).unwrap();
            other.generate(&mut *random).unwrap();
            let (mut here, mut there) = ([0; 32], [0; 32]);
            one.dh(other.pubkey(), &mut here).unwrap();
            other.dh(one.pubkey(), &mut there).unwrap();
            assert_eq!(here, there);
        }
    }
}
