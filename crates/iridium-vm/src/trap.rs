//! Traps: what went wrong in a program, and where.
//!
//! A kind has two numbers: the one that it has in saved state, and the one in exit reasons.

use std::fmt;

use iridium_isa::escape::excerpt;

use crate::codec::numbered;
use crate::place::Place;

/// Bytes of what a trap says that are shown.
pub(crate) const MAX_MESSAGE: usize = 1024;

macro_rules! trap_kinds {
    ($($(#[doc = $doc:literal])+ $saved:literal = $variant:ident $number:literal $name:literal;)+) => {
        numbered! {
            /// What went wrong.
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
            #[non_exhaustive]
            pub enum TrapKind {
                $($(#[doc = $doc])+ $saved = $variant,)+
                /// `trap n`.
                18 = User(u32),
            }
        }

        impl TrapKind {
            /// All kinds but [`TrapKind::User`].
            pub const ALL: &'static [TrapKind] = &[$(TrapKind::$variant,)+];

            /// The name in reports and JSON output; `user` for all user traps.
            pub const fn name(self) -> &'static str {
                match self { $(TrapKind::$variant => $name,)+ TrapKind::User(_) => "user" }
            }

            /// The number in exit reasons.
            pub const fn number(self) -> i64 {
                match self { $(TrapKind::$variant => $number,)+ TrapKind::User(n) => 100 + n as i64 }
            }
        }
    };
}

trap_kinds! {
    /// Division or remainder by 0.
    0 = DivideByZero 1 "divide-by-zero";
    /// A result that does not fit in 64 bits: MIN / -1, or of checked arithmetic.
    1 = IntegerOverflow 2 "integer-overflow";
    /// An address outside heap and data.
    2 = HeapOutOfBounds 3 "heap-out-of-bounds";
    /// The heap would grow past its limit.
    3 = HeapLimit 4 "heap-limit";
    /// A write to the read-only data.
    4 = ReadOnlyWrite 5 "read-only-write";
    /// `pop` from an empty stack.
    5 = DataStackUnderflow 6 "data-stack-underflow";
    /// `push` onto a full stack.
    6 = DataStackLimit 7 "data-stack-limit";
    /// Too many calls within calls.
    7 = CallDepthLimit 8 "call-depth-limit";
    /// A windowed call past the last register.
    8 = RegisterLimit 9 "register-limit";
    /// A computed jump to what is no instruction.
    9 = BadJumpTarget 10 "bad-jump-target";
    /// `igl`.
    10 = IllegalInstruction 11 "illegal-instruction";
    /// No current message, or one of the wrong length; a reply's tag that is none.
    11 = BadMessage 12 "bad-message";
    /// A string without its NUL, that is not UTF-8 or too long for a name, or a number that is no
    /// Unicode scalar.
    12 = BadString 13 "bad-string";
    /// The fuel limit of the process is reached.
    13 = FuelLimit 14 "fuel-limit";
    /// The mailbox is full.
    14 = MailboxLimit 15 "mailbox-limit";
    /// A host function failed.
    15 = HostError 16 "host-error";
    /// The node has as many processes as it may have.
    16 = ProcessLimit 17 "process-limit";
    /// The processes of the node have all the memory that they may have together.
    17 = MemoryLimit 18 "memory-limit";
    /// Something that cannot happen has happened: a fault of Iridium and not of the program.
    19 = Internal 19 "internal";
    /// The process has asked for more links and monitors than it may, or its names are too many.
    20 = RelationLimit 20 "relation-limit";
    /// An element past the length of a list or of bytes.
    21 = IndexOutOfBounds 21 "index-out-of-bounds";
    /// A program has given up.
    22 = Panic 22 "panic";
    /// What a program takes for granted does not hold.
    23 = Assert 23 "assert";
    /// A value that must be there is not.
    24 = Unwrap 24 "unwrap";
    /// A map does not have the key.
    25 = MissingKey 25 "missing-key";
    /// A slice past the end, or in the middle of a character.
    26 = BadSlice 26 "bad-slice";
    /// A program has ended with an error: its `main` gave an `Err`.
    27 = Error 27 "error";
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrapKind::User(number) => write!(f, "user({number})"),
            kind => f.write_str(kind.name()),
        }
    }
}

/// A trap and where it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trap {
    /// What went wrong.
    pub kind: TrapKind,
    /// What a host function said, for [`TrapKind::HostError`], or the program, for `trapm`.
    pub message: Option<String>,
    /// The instruction, then the calls that led there, innermost first; the first 32.
    pub backtrace: Vec<Place>,
    /// Calls beyond those in the backtrace.
    pub deeper: usize,
}

impl Trap {
    /// The backtrace without what a compiler has made that has no place in the source.
    pub fn written(&self) -> impl Iterator<Item = &Place> {
        self.backtrace.iter().filter(|place| place.is_written())
    }
}

/// Several lines: the kind, or the error that a program has ended with, the place, in assembly with the instruction, and the calls. What a
/// compiler has made without a place in the source is left out.
impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.message) {
            // Not a fault of the program, which says so itself.
            (TrapKind::Error, Some(message)) => {
                write!(f, "error: {}", excerpt(message, MAX_MESSAGE))?;
            }
            (kind, Some(message)) => write!(f, "trap: {kind} ({})", excerpt(message, MAX_MESSAGE))?,
            (kind, None) => write!(f, "trap: {kind}")?,
        }
        for (depth, place) in self.written().enumerate() {
            let relation = if depth == 0 { "at" } else { "called from" };
            write!(f, "\n  {relation} {}", place.in_source())?;
        }
        if self.deeper > 0 {
            write!(f, "\n  and {} more calls", self.deeper)?;
        }
        Ok(())
    }
}
