//! Arguments and results of host functions.

use iridium_vm::{Caller, HostError, HostResult};

/// The bytes whose address and length are in two registers, from that one on.
pub(crate) fn bytes<'c>(caller: &'c Caller<'_>, first: usize) -> Result<&'c [u8], HostError> {
    let at = |nth: usize| caller.registers.get(nth).map_or(0, |register| register.int);
    caller.bytes(at(first), at(first + 1)).ok_or_else(HostError::outside)
}

/// The part of the heap whose address and room are in two registers, from that one on.
pub(crate) fn room<'c>(
    caller: &'c mut Caller<'_>,
    first: usize,
) -> Result<&'c mut [u8], HostError> {
    let at = |nth: usize| caller.registers.get(nth).map_or(0, |register| register.int);
    let (address, room) = (at(first), at(first + 1));
    caller.bytes_mut(address, room).ok_or_else(HostError::outside)
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
