//! Why processes end.

use std::fmt;

use iridium_vm::TrapKind;
use serde::{Deserialize, Serialize};

/// Why a process has ended, as others are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reason(pub i64);

impl Reason {
    /// It came to its end.
    pub const NORMAL: Reason = Reason(0);
    /// It was killed; this reason cannot be trapped.
    pub const KILLED: Reason = Reason(-1);
    /// There is no such process.
    pub const NO_PROCESS: Reason = Reason(-2);
    /// The connection to its node is lost.
    pub const NODE_LOST: Reason = Reason(-3);
    /// Its supervisor has asked it to end.
    pub const SHUTDOWN: Reason = Reason(-4);
    /// It is a supervisor, and its children ended too often.
    pub const GAVE_UP: Reason = Reason(-5);

    /// The reason that a trap gives: -100 - the number of the trap.
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
