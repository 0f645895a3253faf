//! Names of processes, and the reasons why they end.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::TrapKind;

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

/// Why a process has ended, as others are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reason(pub i64);

impl Reason {
    /// It came to its end.
    pub const NORMAL: Reason = Reason(0);
    /// It was killed, and could not have it otherwise.
    pub const KILLED: Reason = Reason(-1);
    /// There is no such process.
    pub const NO_PROCESS: Reason = Reason(-2);
    /// The connection to its node is lost.
    pub const NODE_LOST: Reason = Reason(-3);
    /// Its supervisor has asked it to end.
    pub const SHUTDOWN: Reason = Reason(-4);
    /// It is a supervisor, and its children ended too often.
    pub const GAVE_UP: Reason = Reason(-5);

    /// The reason that a trap gives: -100 and the number of the trap subtracted from it.
    pub const fn of_trap(kind: TrapKind) -> Self {
        Self(-100 - kind.number())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NORMAL => f.write_str("normal"),
            Self::KILLED => f.write_str("killed"),
            Self::NO_PROCESS => f.write_str("no such process"),
            Self::NODE_LOST => f.write_str("connection to its node lost"),
            Self::SHUTDOWN => f.write_str("shut down"),
            Self::GAVE_UP => f.write_str("its children ended too often"),
            Self(number) => {
                let trap = TrapKind::ALL.iter().find(|kind| Self::of_trap(**kind) == *self);
                match trap {
                    Some(kind) => write!(f, "trap {kind}"),
                    None if number <= -200 => write!(f, "trap user({})", -(number + 200)),
                    None => write!(f, "exit code {number}"),
                }
            }
        }
    }
}
