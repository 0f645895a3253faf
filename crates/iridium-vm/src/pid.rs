//! Names of processes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bits of the serial, the lower part of a pid.
const SERIAL_BITS: u32 = 40;
/// The largest serial.
pub const MAX_SERIAL: u64 = (1 << SERIAL_BITS) - 1;
/// The largest node number.
pub const MAX_NODE: u32 = (1 << 23) - 1;

/// The name of a process: the number of its node above 40 bits of serial. Programs hold it as an
/// integer and may make one up, so a pid need not name anything; those that do are positive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pid(i64);

impl Pid {
    /// The pid of nobody.
    pub const NOBODY: Pid = Pid(0);
    /// What stands for the pid of a process that a node has refused to start. It names nobody either.
    pub const REFUSED: Pid = Pid(-1);

    /// The pid of a process of a node. Parts that are too large are cut off.
    pub const fn new(node: u32, serial: u64) -> Self {
        Self(((node & MAX_NODE) as i64) << SERIAL_BITS | (serial & MAX_SERIAL) as i64)
    }

    /// The integer that programs hold.
    pub const fn bits(self) -> i64 {
        self.0
    }

    /// The pid behind an integer.
    pub const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    /// The number of its node; 0, which no node has, for integers that are no pid.
    pub const fn node(self) -> u32 {
        if self.0 <= 0 { 0 } else { (self.0 >> SERIAL_BITS) as u32 }
    }

    /// Its number within its node.
    pub const fn serial(self) -> u64 {
        self.0 as u64 & MAX_SERIAL
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pid({}:{})", self.0 >> SERIAL_BITS, self.serial())
    }
}
