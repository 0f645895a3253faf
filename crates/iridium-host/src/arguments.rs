//! Arguments and results of host functions.

use std::time::Duration;

use iridium_vm::{Caller, HostError, HostResult};

/// The number in a register.
pub(crate) fn int(caller: &Caller<'_>, nth: usize) -> i64 {
    caller.registers.get(nth).map_or(0, |register| register.int)
}

/// The time in a register, which is in ms, up to an hour.
pub(crate) fn wait(caller: &Caller<'_>, nth: usize) -> Duration {
    const MOST: Duration = Duration::from_secs(3600);
    Duration::from_millis(u64::try_from(int(caller, nth)).unwrap_or(0)).min(MOST)
}

/// How many bytes a program takes at most, of so many: what is longer than its heap may be would have no room
/// there, and would count for no limit until then.
pub(crate) fn most(caller: &Caller<'_>, wanted: usize) -> usize {
    wanted.min(usize::try_from(caller.limits.heap).unwrap_or(usize::MAX))
}

/// The bytes whose address and length are in two registers, from that one on.
pub(crate) fn bytes<'c>(caller: &'c Caller<'_>, first: usize) -> Result<&'c [u8], HostError> {
    caller.bytes(int(caller, first), int(caller, first + 1)).ok_or_else(HostError::outside)
}

/// As [`bytes`], as a text. What is no UTF-8 in it is replaced.
pub(crate) fn text(caller: &Caller<'_>, first: usize) -> Result<String, HostError> {
    Ok(String::from_utf8_lossy(bytes(caller, first)?).into_owned())
}

/// The part of the heap whose address and room are in two registers, from that one on.
pub(crate) fn room<'c>(
    caller: &'c mut Caller<'_>,
    first: usize,
) -> Result<&'c mut [u8], HostError> {
    let (address, room) = (int(caller, first), int(caller, first + 1));
    caller.bytes_mut(address, room).ok_or_else(HostError::outside)
}

/// Copies bytes to an address of the heap, as those of a call that is answered later.
pub(crate) fn put(caller: &mut Caller<'_>, address: i64, bytes: &[u8]) -> Result<(), HostError> {
    let to = caller.bytes_mut(address, bytes.len() as i64).ok_or_else(HostError::outside)?;
    to.copy_from_slice(bytes);
    Ok(())
}

/// Copies bytes to where there is room for all of them, or none. Gives how many were copied.
pub(crate) fn copy_whole(bytes: &[u8], to: &mut [u8]) -> usize {
    match to.get_mut(..bytes.len()) {
        Some(to) => {
            to.copy_from_slice(bytes);
            bytes.len()
        }
        None => 0,
    }
}

/// Sets the first registers.
#[expect(clippy::unnecessary_wraps, reason = "it is what a host function ends with")]
pub(crate) fn answer<const N: usize>(caller: &mut Caller<'_>, results: [i64; N]) -> HostResult {
    for (register, result) in caller.registers.iter_mut().zip(results) {
        register.int = result;
    }
    Ok(())
}
