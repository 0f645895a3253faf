//! The typed tree: programs without sugar, before generics are instantiated.
//!
//! Names are resolved, methods are functions, every expression has its type. What is derived from
//! the structure of a type (`==`, `<`, hashing, showing) is still one node, since only an instance
//! tells what it does.
//!
//! * `for`, `while`, `?`, `!`, `??`, f-strings, `assert`, map places and default arguments are gone.
//! * Integer and float operators are one [`Op`]; the type of the first operand tells which it is.
//! * A local is a slot of its function, wherever it is declared; patterns assign to it.
//! * A closure is a function of its own, with the locals that it captures.
#![allow(
    missing_docs,
    reason = "fields and variants are called what they are; the rest is documented"
)]

pub(crate) mod protocol;
mod substitute;
pub(crate) mod walk;

use std::sync::Arc;

use iridium_isa::app::{Restart, Strategy};
use iridium_isa::{FileId, Span};

/// A function of the program, by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FnId(pub u32);

/// A record, by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(pub u32);

/// An enum, by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnumId(pub u32);

/// A local of a function, by its position among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalId(pub u32);

/// A checked program. Only what is reached from `main` and the tests has its body checked and is
/// in here.
#[derive(Debug, Clone, Default)]
pub struct Program {
    pub records: Vec<Record>,
    pub enums: Vec<Enum>,
    pub functions: Vec<Function>,
    pub main: Option<FnId>,
    pub tests: Vec<Test>,
    pub starts: Vec<Start>,
    pub app: Option<App>,
    pub known: Known,
    /// The names of the source files, by their ids.
    pub files: Vec<Arc<str>>,
}

/// What has been typed at a prompt, as a function without parameters that ends by itself.
///
/// The variables of the prompt live between two entries in blocks of the heap, in which those that
/// one entry has made lie one after the other. While an entry runs they are locals of its function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    pub function: FnId,
    pub variables: Vec<Variable>,
    /// Locals that become variables: their values go into a new block.
    pub made: Vec<LocalId>,
    /// The addresses of blocks that no variable is in any more.
    pub freed: Vec<i64>,
}

/// A variable of the prompt that an entry uses, or ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Variable {
    pub local: LocalId,
    pub slot: Slot,
    /// It goes back into its block.
    pub stays: bool,
}

/// Where a variable of the prompt lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The address of the block.
    pub block: i64,
    /// Its first cell.
    pub cell: usize,
}

/// What the back end must know by name. Each is declared in the standard library.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub option: Option<EnumId>,
    pub result: Option<EnumId>,
    pub ordering: Option<EnumId>,
    /// `None` when it does not occur.
    pub map: Option<RecordId>,
    /// `None` when it does not occur.
    pub set: Option<RecordId>,
    /// Functions of the library that derived code calls, by qualified name (`string.push`).
    pub functions: Vec<(Arc<str>, FnId)>,
}

/// A process that can be started from outside: an actor, or a function that receives.
#[derive(Debug, Clone)]
pub struct Start {
    /// With its module, unless that is the program's first.
    pub name: Arc<str>,
    pub function: FnId,
    /// What it receives.
    pub inbox: Type,
    /// The names of its parameters.
    pub params: Vec<Arc<str>>,
}

/// The processes of a program that are there from the begin, under a supervisor.
#[derive(Debug, Clone)]
pub struct App {
    pub name: Arc<str>,
    pub strategy: Strategy,
    pub restarts: u32,
    pub within_ms: u64,
    pub children: Vec<AppChild>,
}

/// A process of an app.
#[derive(Debug, Clone)]
pub struct AppChild {
    /// Within the app.
    pub name: Arc<str>,
    /// It takes nothing.
    pub function: FnId,
    /// What that calls: the function of an actor, or one that receives.
    pub runs: Option<FnId>,
    pub restart: Restart,
    pub shutdown_ms: u64,
}

/// A `test` block.
#[derive(Debug, Clone)]
pub struct Test {
    pub name: Arc<str>,
    pub function: FnId,
    pub file: FileId,
    pub span: Span,
}

/// A type. Those of a generic declaration speak of its parameters by position.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Type {
    Int,
    Float,
    Bool,
    Char,
    String,
    Bytes,
    Duration,
    Node,
    /// Of what does not come to an end.
    Never,
    /// `()` has none.
    Tuple(Arc<[Type]>),
    List(Arc<Type>),
    Record(RecordId, Arc<[Type]>),
    Enum(EnumId, Arc<[Type]>),
    Fn(Arc<FnType>),
    Pid(Arc<Type>),
    Reply(Arc<Type>),
    Param(u32),
}

/// What a function takes and gives.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FnType {
    pub params: Vec<Type>,
    pub result: Type,
    pub receives: Option<Type>,
}

/// A declared record.
#[derive(Debug, Clone)]
pub struct Record {
    /// Without its module, as it is shown.
    pub name: Arc<str>,
    pub generics: u32,
    pub fields: Vec<(Arc<str>, Type)>,
}

/// A declared enum.
#[derive(Debug, Clone)]
pub struct Enum {
    pub name: Arc<str>,
    pub generics: u32,
    pub variants: Vec<Variant>,
}

/// One variant of an enum.
#[derive(Debug, Clone)]
pub struct Variant {
    pub name: Arc<str>,
    /// With the labels that are declared.
    pub fields: Vec<(Option<Arc<str>>, Type)>,
}

/// A function, a closure, a constant or a test.
#[derive(Debug, Clone)]
pub struct Function {
    /// With its module: `list.push`, `main.main`. It is the label in listings and backtraces.
    pub name: Arc<str>,
    pub file: FileId,
    pub span: Span,
    pub generics: u32,
    pub params: Vec<Param>,
    /// Of a closure: the locals that hold what it has captured.
    pub captures: Vec<LocalId>,
    pub result: Type,
    pub locals: Vec<Local>,
    pub body: Body,
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Param {
    pub local: LocalId,
    /// The caller's place has the value that the local has at the end.
    pub inout: bool,
}

/// A variable or value of a function.
#[derive(Debug, Clone)]
pub struct Local {
    /// Empty for one that the compiler made.
    pub name: Arc<str>,
    pub ty: Type,
    /// Where it is declared.
    pub span: Span,
    /// A closure that captures it assigns to it: both use the same variable.
    pub shared: bool,
}

/// What a function does.
#[derive(Debug, Clone)]
pub enum Body {
    Code(Expr),
    /// Done by the back end, which knows it by the function's name.
    Intrinsic,
}

/// An expression with its type.
#[derive(Debug, Clone)]
pub struct Expr {
    pub kind: ExprKind,
    pub ty: Type,
    /// In the file of its function.
    pub span: Span,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// An `Int`, `Bool` (0, 1), `Char` (scalar) or `Duration` (ns), as the type says.
    Int(i64),
    Float(f64),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    Local(LocalId),
    /// A function as a value.
    Fn {
        function: FnId,
        types: Vec<Type>,
    },
    Closure {
        function: FnId,
        types: Vec<Type>,
        captured: Vec<LocalId>,
    },
    Call {
        function: FnId,
        types: Vec<Type>,
        args: Vec<Arg>,
    },
    CallValue {
        function: Box<Expr>,
        args: Vec<Arg>,
    },
    /// `a op b` of numbers, `-a`.
    Op {
        op: Op,
        args: Vec<Expr>,
    },
    /// Of any type that has an order, or for `Eq` and `Ne` an equality.
    Compare {
        op: CompareOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// The `Ordering` of two values.
    Order {
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// An `Int`: the hash of a value, begun with a seed.
    Hash {
        value: Box<Expr>,
        seed: Box<Expr>,
    },
    /// Appends the text of a value to a string. `quoted`: strings and characters with quotes, as
    /// inside of others.
    Show {
        out: Place,
        value: Box<Expr>,
        quoted: bool,
    },
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    /// `()` has none.
    Tuple(Vec<Expr>),
    List(Vec<Expr>),
    Record {
        record: RecordId,
        fields: Vec<Expr>,
    },
    Variant {
        of: EnumId,
        variant: u32,
        fields: Vec<Expr>,
    },
    /// Of a record or tuple.
    Field {
        base: Box<Expr>,
        index: u32,
    },
    /// The statements, then the value.
    Block {
        stmts: Vec<Expr>,
        value: Box<Expr>,
    },
    /// Binds the names of a pattern that fits always, or else does what never goes on.
    Let {
        pattern: Pattern,
        value: Box<Expr>,
        otherwise: Option<Box<Expr>>,
    },
    Assign {
        place: Place,
        value: Box<Expr>,
    },
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// Its arms leave nothing out.
    Match {
        value: Box<Expr>,
        arms: Vec<Arm>,
    },
    /// `value is pattern`: binds the names where it is true.
    Is {
        value: Box<Expr>,
        pattern: Pattern,
    },
    Loop(Box<Expr>),
    /// Of the innermost loop.
    Break,
    Continue,
    Return(Box<Expr>),
    /// Returns what a call gives, which takes the place of this function.
    Become(Box<Expr>),
    /// Ends the process. The text is a `String`.
    Trap {
        kind: Trap,
        text: Box<Expr>,
    },
    /// Starts a process that calls a function, and gives its pid; on another node 0 when it cannot
    /// be reached.
    Spawn {
        function: FnId,
        types: Vec<Type>,
        args: Vec<Expr>,
        node: Option<Box<Expr>>,
    },
    Receive(Box<Receive>),
}

/// Waits for the oldest message, and does what its arm says. What no arm is for is dropped.
#[derive(Debug, Clone)]
pub struct Receive {
    /// What the process receives.
    pub of: Type,
    /// One for each variant of an enum, or one for all messages.
    pub arms: Vec<MessageArm>,
    pub system: Vec<SystemArm>,
    /// What is done with a message that no arm is for.
    pub unknown: UnknownArm,
    /// The longest time to wait, a `Duration`, and what is done then.
    pub after: Option<(Expr, Expr)>,
}

/// What is done for a message.
#[derive(Debug, Clone)]
pub struct MessageArm {
    /// `None`: for all, and the only field is the message.
    pub variant: Option<u32>,
    pub fields: Vec<LocalId>,
    pub body: Expr,
}

/// What is done with a message that is not understood. Both locals are integers.
#[derive(Debug, Clone)]
pub struct UnknownArm {
    pub tag: LocalId,
    pub length: LocalId,
    pub body: Expr,
}

/// What is done when the system tells something. Both locals are integers.
#[derive(Debug, Clone)]
pub struct SystemArm {
    pub kind: SystemMessage,
    pub sender: LocalId,
    /// The reason, or the number of the node.
    pub value: LocalId,
    pub body: Expr,
}

/// What the system tells a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemMessage {
    /// A linked process has ended, or somebody wants this one to.
    Exit,
    /// A monitored process has ended.
    Down,
    NodeUp,
    NodeDown,
}

/// Something that can be changed: a local, and the way into it.
#[derive(Debug, Clone)]
pub struct Place {
    pub local: LocalId,
    pub path: Vec<Step>,
    pub ty: Type,
    pub span: Span,
}

/// One step from a variable into what it holds.
#[derive(Debug, Clone)]
pub enum Step {
    /// Of a record or tuple.
    Field(u32),
    /// Of a list or bytes; traps outside of it. It is a local or a literal, so that reading it
    /// again gives the same.
    Index(Expr),
}

/// An argument.
#[derive(Debug, Clone)]
pub enum Arg {
    Value(Expr),
    InOut(Place),
}

/// An operator on numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Neg,
    AddWrap,
    SubWrap,
    MulWrap,
    BitAnd,
    BitOr,
    BitXor,
    Shl,
    Shr,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// The traps that a program asks for itself; the machine has others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trap {
    Panic,
    Assert,
    Unwrap,
    MissingKey,
    BadSlice,
}

/// An arm of a match.
#[derive(Debug, Clone)]
pub struct Arm {
    pub pattern: Pattern,
    pub guard: Option<Expr>,
    pub body: Expr,
}

/// A pattern with the type of what it fits.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub kind: PatternKind,
    pub ty: Type,
    pub span: Span,
}

impl Pattern {
    /// The patterns in it.
    pub fn parts(&self) -> &[Pattern] {
        match &self.kind {
            PatternKind::As(inner, _) => std::slice::from_ref(inner),
            PatternKind::Or(parts)
            | PatternKind::Tuple(parts)
            | PatternKind::List { patterns: parts, .. }
            | PatternKind::Variant { fields: parts, .. }
            | PatternKind::Record { fields: parts, .. } => parts,
            _ => &[],
        }
    }
}

/// What a pattern is.
#[derive(Debug, Clone)]
pub enum PatternKind {
    Any,
    Bind(LocalId),
    As(Box<Pattern>, LocalId),
    /// All of them bind the same locals.
    Or(Vec<Pattern>),
    Variant {
        of: EnumId,
        variant: u32,
        fields: Vec<Pattern>,
    },
    Record {
        record: RecordId,
        fields: Vec<Pattern>,
    },
    Tuple(Vec<Pattern>),
    List {
        patterns: Vec<Pattern>,
        open: bool,
    },
    /// `Int`, `Bool`, `Char` or `Duration`.
    Int(i64),
    Float(f64),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    /// Of integers or characters, with both ends.
    IntRange(i64, i64),
    FloatRange {
        start: f64,
        end: f64,
        inclusive: bool,
    },
}
