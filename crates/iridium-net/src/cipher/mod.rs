//! The cipher under Noise: AES-256-GCM with the nonce of the Noise Protocol Framework (revision 34,
//! section 12.4): 4 bytes of zero, then the counter, big-endian.
//!
//! The cipher of the Noise library computes the key schedule anew for each record and copies each
//! before it is encrypted; these do neither. `wide` is several times as quick, where the machine has what it needs;
//! `portable` runs everywhere, and finds out at run time whether there are instructions for AES. So it is
//! with the key agreement, `x25519`, for which the Noise library's own is the portable one.
//!
//! The Noise library makes the handshake; what comes after it, `records` encrypts with the keys that
//! the handshake ends with, since the library would copy it.

mod gcm;
mod portable;
mod records;
mod resolver;
#[cfg(target_arch = "x86_64")]
mod wide;
#[cfg(target_arch = "x86_64")]
mod x25519;

pub(crate) use gcm::TAG_LEN;
pub(crate) use records::{Opener, Records, Sealer};
pub(crate) use resolver::Resolver;
