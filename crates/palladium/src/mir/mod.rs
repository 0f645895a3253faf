//! The middle: monomorphic functions over virtual registers, in basic blocks.
//!
//! Every register is one lane of the machine: an integer, a float, or a pointer to a counted block.
//! Registers may be assigned more than once. Records, tuples and small enums that are taken apart
//! into several registers are so before this level.
//!
//! **Ownership.** The lowering writes no `Keep` and no `Drop`: it writes as if pointers were values.
//! What an instruction does with a pointer that it reads is fixed: it *consumes* it (takes the
//! reference over) or *borrows* it. What it defines is owned, but for [`Inst::Load`] and
//! [`Inst::LoadElem`], whose result is borrowed from their base. The pass in `rc` inserts the
//! counts from that, and decides of parameters whether they are owned or borrowed.
//!
//! A block of the heap is as the machine's instructions have it: a head of 8 bytes (count, variant,
//! class), then cells of 8 bytes; of lists, strings and bytes the length, then the elements.
#![allow(
    missing_docs,
    reason = "fields and variants are called what they are; the rest is documented"
)]

use std::sync::Arc;

use iridium_isa::app::App;
use iridium_isa::protocol::Protocol;
use iridium_isa::{FileId, Span};

pub mod flow;

/// Where the length of a list, string or bytes is in its block.
pub(crate) const LENGTH: u16 = 8;

/// A function, by its position in the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FnIdx(pub u32);

/// A virtual register, by its position among those of its function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reg(pub u32);

/// A basic block, by its position in its function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockIdx(pub u32);

/// Read-only data, by its position in [`Program::data`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DataIdx(pub u32);

/// How the blocks behind a pointer end and are copied, by position in [`Program::glue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GlueIdx(pub u32);

/// All that is to be emitted.
#[derive(Debug, Clone, Default)]
pub struct Program {
    pub functions: Vec<Function>,
    pub data: Vec<Data>,
    pub glue: Vec<Glue>,
    /// A function without parameters and results, which does not return.
    pub entry: FnIdx,
    /// The names of host functions.
    pub imports: Vec<Arc<str>>,
    /// What processes understand, and the functions at which such processes can be started.
    pub inboxes: Vec<(Protocol, Vec<FnIdx>)>,
    /// The processes that are there from the begin, and the functions at which they start.
    pub app: Option<(App, Vec<FnIdx>)>,
    pub files: Vec<Arc<str>>,
}

/// Read-only data. It is aligned to 16 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Data {
    /// A block: a head, the length of the bytes, the bytes. A pointer to it is never counted.
    Bytes(Arc<[u8]>),
    /// A block: a head, the length, the cells.
    Cells(Arc<[i64]>),
    /// A closure that has captured nothing: a head, the index of the function's first instruction.
    Closure(FnIdx),
}

/// What is behind a pointer of some type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Glue {
    /// The pointers in the cells of each variant of a block, by offset in bytes, with their own glue;
    /// a record or a closure has one variant. `None`: the cells are not known here (a list, an enum of
    /// too many variants, a closure), and `drop` does it.
    pub pointers: Option<Vec<Vec<(u16, GlueIdx)>>>,
    /// Takes a pointer to a block whose last reference is gone: drops what is in it and frees it.
    /// `None`: there are no pointers in it, it is only freed. Its parameter is an integer, as are all
    /// its registers but those of pointers that it drops: it does what it does explicitly.
    pub drop: Option<FnIdx>,
    /// Takes a shared block (owned) and gives one (owned, unique) with the same contents.
    pub copy: Option<FnIdx>,
}

/// What a register holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    Int,
    Float,
    Ptr(GlueIdx),
}

/// A function over virtual registers.
#[derive(Debug, Clone)]
pub struct Function {
    /// The label in listings and backtraces.
    pub name: Arc<str>,
    pub file: FileId,
    pub params: Vec<Reg>,
    pub results: Vec<Class>,
    /// The classes of all registers.
    pub regs: Vec<Class>,
    /// It begins with the first.
    pub blocks: Vec<Block>,
    /// How pointers are passed to it.
    pub passing: Passing,
}

/// How a function takes pointers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passing {
    /// As the pass in `rc` finds best.
    Inferred,
    /// Each as said: whether it is owned. For functions that are called through closures (the
    /// closure itself, the first parameter, is always borrowed, all others are owned), and for glue.
    Fixed(Vec<bool>),
}

/// Instructions that are executed one after the other, and where control goes then.
#[derive(Debug, Clone)]
pub struct Block {
    pub insts: Vec<(Inst, Span)>,
    pub end: (Terminator, Span),
}

/// A register or a number that fits in a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    Reg(Reg),
    Imm(i32),
}

/// An instruction.
#[derive(Debug, Clone, PartialEq)]
pub enum Inst {
    Int {
        d: Reg,
        value: i64,
    },
    Float {
        d: Reg,
        value: f64,
    },
    Data {
        d: Reg,
        data: DataIdx,
    },
    /// The index of the first instruction of a function, for closures.
    Code {
        d: Reg,
        function: FnIdx,
    },
    /// Consumes. From a pointer to an integer it forgets the reference, the other way it makes one.
    Copy {
        d: Reg,
        s: Reg,
    },
    Binary {
        op: BinaryOp,
        d: Reg,
        a: Reg,
        b: Operand,
    },
    Unary {
        op: UnaryOp,
        d: Reg,
        a: Reg,
    },
    FloatBinary {
        op: FloatOp,
        d: Reg,
        a: Reg,
        b: Reg,
    },
    /// 1 or 0.
    Compare {
        op: Compare,
        d: Reg,
        a: Reg,
        b: Operand,
    },
    FloatCompare {
        op: Compare,
        d: Reg,
        a: Reg,
        b: Reg,
    },

    /// A cell, or a part of one. Borrows the base. A pointer that is read is borrowed from it.
    Load {
        d: Reg,
        base: Reg,
        offset: u16,
        width: Width,
    },
    /// Consumes the value, borrows the base. What was there is not dropped.
    Store {
        base: Reg,
        offset: u16,
        s: Reg,
        width: Width,
    },
    /// A pointer is taken out of a cell: it is owned, and the cell has 0.
    Take {
        d: Reg,
        base: Reg,
        offset: u16,
    },
    /// An element of a list, string or bytes; traps outside of it. As `Load`.
    LoadElem {
        d: Reg,
        base: Reg,
        index: Reg,
        width: Elem,
    },
    /// As `Store`.
    StoreElem {
        base: Reg,
        index: Reg,
        s: Reg,
        width: Elem,
    },
    /// As `Take`.
    TakeElem {
        d: Reg,
        base: Reg,
        index: Reg,
    },

    /// A block of `bytes` (with head) with count 1. Its cells are yet to be stored.
    New {
        d: Reg,
        bytes: u16,
        variant: u16,
    },
    /// A block of at least this many bytes (with head), variant 0.
    NewBytes {
        d: Reg,
        bytes: Reg,
    },
    /// How many bytes (with head) the block has room for; 0 in read-only data. Borrows.
    Capacity {
        d: Reg,
        s: Reg,
    },
    /// Consumes; gives the same block when nobody else has it, else a copy by its glue.
    Unique {
        d: Reg,
        s: Reg,
    },
    /// Frees a block without looking at what is in it. Consumes.
    Free {
        s: Reg,
    },

    /// Consumes or borrows as the function does.
    Call {
        function: FnIdx,
        args: Vec<Reg>,
        results: Vec<Reg>,
    },
    /// The closure is borrowed and becomes the first argument. The others are consumed.
    CallClosure {
        closure: Reg,
        args: Vec<Reg>,
        results: Vec<Reg>,
    },
    /// Starts a process at a function that takes no pointers and does not return; `d` is its pid.
    Spawn {
        d: Reg,
        function: FnIdx,
        args: Vec<Reg>,
        /// On the node with this number; then 0 when it cannot be reached.
        node: Option<Reg>,
    },
    /// Borrows everything.
    Machine {
        op: MachineOp,
        args: Vec<Reg>,
        results: Vec<Reg>,
    },

    /// Written by the pass in `rc` alone, as are the next.
    Keep {
        s: Reg,
    },
    /// Drops a reference, by the glue of the register's class.
    Drop {
        s: Reg,
    },
    /// The end of a register whose block's pointers were loaded into `moved`. When nobody else has the
    /// block, their references go over to those, the pointers at the offsets in `rest` are dropped,
    /// and the block is freed, or given as `token`. Else `moved` are kept, the reference is given up,
    /// and `token` is 0.
    Open {
        s: Reg,
        moved: Vec<Reg>,
        rest: Vec<(u16, GlueIdx)>,
        token: Option<Reg>,
    },
    /// As `New`, in a block that `Open` gave, if it did. `same`: that has this variant already.
    Reuse {
        d: Reg,
        token: Reg,
        bytes: u16,
        variant: u16,
        same: bool,
    },
}

/// How much of a cell is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Cell,
    /// 8, 16, 32 bits without sign.
    U8,
    U16,
    U32,
}

/// What the elements of a block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elem {
    Cell,
    Byte,
}

/// Of integers. `Add`, `Sub`, `Mul` trap on overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    AddWrap,
    SubWrap,
    MulWrap,
    /// Truncating; traps on 0 and overflow.
    Div,
    Rem,
    And,
    Or,
    Xor,
    Shl,
    /// Arithmetic.
    Shr,
    /// Logical.
    ShrU,
    DivU,
    RemU,
    Min,
    Max,
}

/// An operation on one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// Checked.
    Neg,
    Not,
    LeadingZeros,
    TrailingZeros,
    CountOnes,
    IntToFloat,
    FloatToInt,
    BitsOfFloat,
    FloatOfBits,
    Sqrt,
    AbsFloat,
    NegFloat,
    Floor,
    Ceil,
    Trunc,
    Round,
}

/// An operation on two floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FloatOp {
    Add,
    Sub,
    Mul,
    Div,
    Min,
    Max,
}

/// A comparison of integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// Without sign; not of floats.
    LtU,
    LeU,
    GtU,
    GeU,
}

/// What the machine does for the library. Addresses are integers: [`MachineOp::Address`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MachineOp {
    /// pointer -> address, which is good as long as the pointer is not dropped
    Address,
    /// address, length
    Print,
    /// character
    PrintChar,
    /// to, from, length
    Copy,
    /// to, byte, length
    Fill,
    /// a, b, length -> -1, 0, 1
    CompareBytes,
    /// integer, to -> length
    IntText,
    /// float, to, how -> length
    FloatText,
    /// address, length -> float, whether it is one
    ParseFloat,
    /// address, length -> length of the valid part
    Utf8,
    /// address, length, address, length -> offset or -1
    Find,
    /// address, length, seed -> hash
    Hash,
    /// -> ns since 1970
    Now,
    /// -> ns
    Mono,
    /// -> 64 bits
    Random,
    /// ms
    Sleep,
    /// -> pid
    OwnPid,
    /// pid, tag, address, length
    Send,
    /// pid, tag, integer
    SendInt,
    /// pid, tag, float
    SendFloat,
    /// tag (-1: any), -1 -> tag, sender, length
    Receive,
    /// tag (-1: any), ms -> whether there is one, tag, sender, length
    ReceiveWithin,
    /// -> integer, that the current message is
    MessageInt,
    /// -> float, that the current message is
    MessageFloat,
    /// address -> length of the current message, which is copied there
    MessageBytes,
    /// pid, tag of the one message that it is until
    MonitorUntil,
    /// pid -> reference
    Monitor,
    /// reference or tag
    Demonitor,
    /// pid
    Link,
    /// pid
    Unlink,
    /// pid, reason
    Kill,
    /// Exits arrive as messages.
    TrapExits,
    /// address, length, pid
    Register,
    /// address, length, pid
    Unregister,
    /// address, length -> pid or 0
    Whereis,
    /// -> number
    OwnNode,
    /// -> how many are alive
    Nodes,
    /// which of them -> number
    NodeAt,
    /// Nodes that come and go are told.
    MonitorNodes,
    /// The host function at this position in [`Program::imports`], with at most 8 arguments and
    /// results.
    Host(u16),
}

/// Where control goes at the end of a block.
#[derive(Debug, Clone, PartialEq)]
pub enum Terminator {
    Jump(BlockIdx),
    /// Compares integers or pointers.
    Branch {
        op: Compare,
        a: Reg,
        b: Operand,
        then: BlockIdx,
        otherwise: BlockIdx,
    },
    FloatBranch {
        op: Compare,
        a: Reg,
        b: Reg,
        then: BlockIdx,
        otherwise: BlockIdx,
    },
    /// To the target at the position `value`, or to the last when it is none.
    Switch {
        value: Reg,
        targets: Vec<BlockIdx>,
        otherwise: BlockIdx,
    },
    /// Gives up a reference to the block at the address in `s`, an integer, without looking at what is
    /// in it. When it was the last, the block is dead, but not freed. Only in glue.
    Release {
        s: Reg,
        last: BlockIdx,
        otherwise: BlockIdx,
    },
    /// Consumes.
    Return(Vec<Reg>),
    /// A call in place of a return. As `Call`.
    TailCall {
        function: FnIdx,
        args: Vec<Reg>,
    },
    /// Ends the process with a text at an address; borrows.
    Trap {
        kind: u8,
        address: Reg,
        length: Reg,
    },
    /// Ends the process: `exit` with this code.
    Exit {
        code: Reg,
    },
    /// What comes here is a mistake of the compiler.
    Unreachable,
}
