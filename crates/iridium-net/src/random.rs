//! Random numbers from the system: for keys, numbers of nodes, names of files, and the seed of the
//! membership core.

use std::io;

/// Fills a buffer with random bytes that are fit for keys.
pub(crate) fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(io::Error::from)
}

/// 64 random bits.
pub(crate) fn bits() -> io::Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
