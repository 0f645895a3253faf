//! Traps: what went wrong in a program, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Process;
use crate::program::Program;

/// Calls that a backtrace shows.
const SHOWN_CALLS: usize = 32;

macro_rules! trap_kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal $name:literal;)+) => {
        /// What went wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum TrapKind {
            $($(#[doc = $doc])+ $variant,)+
            /// `trap n`.
            User(u32),
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
    DivideByZero = 1 "divide-by-zero";
    /// MIN / -1.
    IntegerOverflow = 2 "integer-overflow";
    /// An address outside heap and data.
    HeapOutOfBounds = 3 "heap-out-of-bounds";
    /// The heap would grow past its limit.
    HeapLimit = 4 "heap-limit";
    /// A write to the read-only data.
    ReadOnlyWrite = 5 "read-only-write";
    /// `pop` from an empty stack.
    DataStackUnderflow = 6 "data-stack-underflow";
    /// `push` onto a full stack.
    DataStackLimit = 7 "data-stack-limit";
    /// Too many calls within calls.
    CallDepthLimit = 8 "call-depth-limit";
    /// A windowed call past the last register.
    RegisterLimit = 9 "register-limit";
    /// A computed jump to what is no instruction.
    BadJumpTarget = 10 "bad-jump-target";
    /// `igl`.
    IllegalInstruction = 11 "illegal-instruction";
    /// No current message, or one of the wrong length.
    BadMessage = 12 "bad-message";
    /// A string without its NUL, that is not UTF-8, or a number that is no Unicode scalar.
    BadString = 13 "bad-string";
    /// The fuel limit of the process is reached.
    FuelLimit = 14 "fuel-limit";
    /// The mailbox is full.
    MailboxLimit = 15 "mailbox-limit";
    /// A host function failed.
    HostError = 16 "host-error";
    /// The node has as many processes as it may have.
    ProcessLimit = 17 "process-limit";
    /// The processes of the node have all the memory that they may have together.
    MemoryLimit = 18 "memory-limit";
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
    /// What a host function said, for [`TrapKind::HostError`].
    pub message: Option<String>,
    /// The instruction, then the calls that led there, innermost first; the first 32.
    pub backtrace: Vec<Place>,
    /// Calls beyond those in the backtrace.
    pub deeper: usize,
}

impl Trap {
    /// A trap of a process where it stands.
    pub fn new(
        kind: TrapKind,
        message: Option<String>,
        process: &Process,
        program: &Program,
    ) -> Self {
        let backtrace = backtrace(process, program);
        let deeper = (process.frames.len() + 1).saturating_sub(backtrace.len());
        Self { kind, message, backtrace, deeper }
    }
}

/// Several lines: the kind, the place and the instruction, and the calls.
impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trap: {}", self.kind)?;
        if let Some(message) = &self.message {
            write!(f, " ({message})")?;
        }
        for (depth, place) in self.backtrace.iter().enumerate() {
            let relation = if depth == 0 { "at" } else { "called from" };
            write!(f, "\n  {relation} {place}")?;
        }
        if self.deeper > 0 {
            write!(f, "\n  and {} more calls", self.deeper)?;
        }
        Ok(())
    }
}

/// A place in a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The instruction's index.
    pub index: u32,
    /// Source file, line and column, unless the module is stripped.
    pub source: Option<(String, u32, u32)>,
    /// The last label before it, and how many instructions after it.
    pub label: Option<(String, u32)>,
    /// The instruction as source text.
    pub instruction: String,
}

impl Place {
    pub(crate) fn of(program: &Program, index: u32) -> Self {
        let module = program.module();
        let source = module.lines().and_then(|table| {
            let location = table.location(index)?;
            Some((table.file(location.file)?.to_owned(), location.line, location.column))
        });
        let label = module.code_labels().iter().filter(|(_, at)| *at <= index);
        let label = label.max_by_key(|(_, at)| *at).map(|(name, at)| (name.clone(), index - at));
        Self { index, source, label, instruction: module.instruction_text(index) }
    }
}

/// `file:line:column (label+offset): instruction`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some((file, line, column)) => write!(f, "{file}:{line}:{column}")?,
            None => write!(f, "instruction {}", self.index)?,
        }
        match &self.label {
            Some((name, 0)) => write!(f, " ({name})")?,
            Some((name, offset)) => write!(f, " ({name}+{offset})")?,
            None => {}
        }
        write!(f, ": {}", self.instruction)
    }
}

pub(super) fn backtrace(process: &Process, program: &Program) -> Vec<Place> {
    let calls = process.frames.iter().rev().map(|frame| frame.return_to.saturating_sub(1));
    // One that waits has gone past the instruction that it waits with.
    let at = process.pc.saturating_sub(u32::from(process.pending.is_some()));
    std::iter::once(at)
        .chain(calls)
        .take(SHOWN_CALLS)
        .map(|index| Place::of(program, index))
        .collect()
}
