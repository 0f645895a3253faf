//! The host functions that this command offers to programs: those of [`iridium_host`], and two that
//! everybody may call.
//!
//! | name | arguments | results |
//! | --- | --- | --- |
//! | `eprint` | address, length: text for stderr | – |
//! | `log` | level (1: error, to 5: trace), address, length: text for the log | – |

use iridium_host::World;
use iridium_vm::{HostError, Hosts};

use crate::output;

/// The functions for programs that are given this.
pub(crate) fn hosts(world: &World<'_>) -> Hosts {
    let mut hosts = world.hosts();
    // Whoever reads stderr may take their time.
    hosts.add_blocking("eprint", |caller| {
        let [address, length, ..] = *caller.registers;
        let text = caller.bytes(address.int, length.int).ok_or_else(HostError::outside)?;
        output::print_stderr(&String::from_utf8_lossy(text));
        Ok(())
    });
    hosts.add("log", |caller| {
        let [level, address, length, ..] = *caller.registers;
        let text = caller.bytes(address.int, length.int).ok_or_else(HostError::outside)?;
        log::log!(level_of(level.int), "{}", String::from_utf8_lossy(text));
        Ok(())
    });
    hosts
}

fn level_of(number: i64) -> log::Level {
    match number {
        ..=1 => log::Level::Error,
        2 => log::Level::Warn,
        3 => log::Level::Info,
        4 => log::Level::Debug,
        5.. => log::Level::Trace,
    }
}
