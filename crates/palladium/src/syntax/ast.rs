//! The syntax tree that the compiler works on: plain data, made from the lossless tree.
//!
//! What could not be read is an `Error` node, about which the parser has said what there is to say:
//! whoever meets one keeps silent. Everything has the span of its source text in its own file.
#![allow(
    missing_docs,
    reason = "fields and variants are called what they are; the rest is documented"
)]

use std::sync::Arc;

use iridium_isa::Span;

/// A word of the source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ident {
    /// Its text; empty where one is missing.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// A source file.
#[derive(Debug, Clone, Default)]
pub struct File {
    /// The comments with `##` at its beginning, when an empty line or an import follows.
    pub doc: Option<Arc<str>>,
    /// What it imports.
    pub imports: Vec<Import>,
    /// What it declares.
    pub items: Vec<Item>,
}

/// `import std.http as web`
#[derive(Debug, Clone)]
pub struct Import {
    pub span: Span,
    /// How many dots it begins with: 0 from the root, 1 from the own folder, 2 from the one above.
    pub dots: u32,
    pub path: Vec<Ident>,
    /// The name that the file gives it.
    pub alias: Option<Ident>,
}

/// A declaration.
#[derive(Debug, Clone)]
pub struct Item {
    pub span: Span,
    pub public: bool,
    /// The text of the comments with `##` before it, without the marks.
    pub doc: Option<Arc<str>>,
    pub kind: ItemKind,
}

/// What a declaration declares. The tree of the file and the checker share it.
#[derive(Debug, Clone)]
pub enum ItemKind {
    Fn(Arc<Fn>),
    Record(Arc<Record>),
    Enum(Arc<Enum>),
    Alias(Arc<Alias>),
    Const(Arc<Const>),
    Actor(Arc<Actor>),
    App(Arc<App>),
    Test(Test),
}

/// `fn name[T: Ord](a: Int, var b: List[T] = []) -> T receives M { … }`
#[derive(Debug, Clone)]
pub struct Fn {
    /// Of one that stands in an actor or a block; what is said of an item stands there.
    pub doc: Option<Arc<str>>,
    pub name: Ident,
    pub generics: Vec<Generic>,
    pub params: Vec<Param>,
    pub result: Option<Type>,
    pub receives: Option<Type>,
    /// `None` for an `intrinsic fn`, which only the standard library may declare.
    pub body: Option<Block>,
}

/// `T: Ord + Show`
#[derive(Debug, Clone)]
pub struct Generic {
    pub name: Ident,
    pub bounds: Vec<Ident>,
}

/// `var name: Type = default`, of a function, an actor or a handler. `self` is a name as well.
#[derive(Debug, Clone)]
pub struct Param {
    pub span: Span,
    pub inout: bool,
    pub name: Ident,
    /// `None` only in a closure, and for a `self` whose type is to be told from its actor.
    pub ty: Option<Type>,
    pub default: Option<Expr>,
}

/// A record.
#[derive(Debug, Clone)]
pub struct Record {
    pub name: Ident,
    pub generics: Vec<Generic>,
    pub fields: Vec<Field>,
}

/// `name: Type = default`
#[derive(Debug, Clone)]
pub struct Field {
    pub doc: Option<Arc<str>>,
    pub name: Ident,
    pub ty: Type,
    pub default: Option<Expr>,
}

/// An enum.
#[derive(Debug, Clone)]
pub struct Enum {
    pub name: Ident,
    pub generics: Vec<Generic>,
    pub variants: Vec<Variant>,
}

/// `Node(left: Tree[T], value: T)`
#[derive(Debug, Clone)]
pub struct Variant {
    pub doc: Option<Arc<str>>,
    pub name: Ident,
    pub fields: Vec<VariantField>,
}

/// A field of a variant.
#[derive(Debug, Clone)]
pub struct VariantField {
    pub label: Option<Ident>,
    pub ty: Type,
}

/// Another name for a type.
#[derive(Debug, Clone)]
pub struct Alias {
    pub name: Ident,
    pub generics: Vec<Generic>,
    pub ty: Type,
}

/// A constant.
#[derive(Debug, Clone)]
pub struct Const {
    pub name: Ident,
    pub ty: Option<Type>,
    pub value: Expr,
}

/// An actor.
#[derive(Debug, Clone)]
pub struct Actor {
    pub name: Ident,
    pub generics: Vec<Generic>,
    pub params: Vec<Param>,
    pub vars: Vec<Var>,
    pub handlers: Vec<Handler>,
    /// Functions that may use its variables and `self()`.
    pub functions: Vec<Fn>,
    /// Something in it calls `stop`.
    pub stops: bool,
}

/// `var name: Type = value`
#[derive(Debug, Clone)]
pub struct Var {
    pub span: Span,
    pub doc: Option<Arc<str>>,
    pub name: Ident,
    pub ty: Option<Type>,
    pub value: Expr,
}

/// `old on name(params) -> Type { … }`
#[derive(Debug, Clone)]
pub struct Handler {
    pub span: Span,
    pub doc: Option<Arc<str>>,
    pub old: bool,
    pub name: Ident,
    pub params: Vec<Param>,
    pub result: Option<Type>,
    pub body: Expr,
}

/// An app.
#[derive(Debug, Clone)]
pub struct App {
    pub name: Ident,
    pub children: Vec<Child>,
    pub settings: Vec<Setting>,
}

/// `child name = Actor(…), restart: transient`
#[derive(Debug, Clone)]
pub struct Child {
    pub span: Span,
    pub name: Ident,
    pub value: Expr,
    pub settings: Vec<Setting>,
}

/// `restarts: 3 within 5.s`
#[derive(Debug, Clone)]
pub struct Setting {
    pub name: Ident,
    pub value: Expr,
}

/// `test "what it shows" { … }`
#[derive(Debug, Clone)]
pub struct Test {
    pub name: Arc<str>,
    pub name_span: Span,
    /// What it does, as a function without parameters.
    pub run: Arc<Fn>,
}

/// A written type.
#[derive(Debug, Clone)]
pub struct Type {
    pub span: Span,
    pub kind: TypeKind,
}

/// What a written type is.
#[derive(Debug, Clone)]
pub enum TypeKind {
    /// `http.Request[T]`
    Named {
        module: Option<Ident>,
        name: Ident,
        args: Vec<Type>,
    },
    /// `T?`
    Option(Box<Type>),
    /// `(A, B)`; `()` has none.
    Tuple(Vec<Type>),
    Fn {
        params: Vec<Type>,
        result: Option<Box<Type>>,
        receives: Option<Box<Type>>,
    },
    Error,
}

/// `{ … }`. Its value is that of its last statement, when that is an expression.
#[derive(Debug, Clone)]
pub struct Block {
    pub span: Span,
    pub stmts: Vec<Stmt>,
}

/// A statement.
#[derive(Debug, Clone)]
pub struct Stmt {
    pub span: Span,
    pub kind: StmtKind,
}

/// What a statement is.
#[derive(Debug, Clone)]
pub enum StmtKind {
    /// `let pattern: Type = value else { … }`
    Let {
        pattern: Pattern,
        ty: Option<Type>,
        value: Expr,
        otherwise: Option<Block>,
    },
    Var(Var),
    /// `place = value`, `place += value`
    Assign {
        place: Expr,
        op: Option<BinaryOp>,
        op_span: Span,
        value: Expr,
    },
    Assert {
        condition: Expr,
        message: Option<Expr>,
    },
    While {
        condition: Expr,
        body: Block,
    },
    For {
        pattern: Pattern,
        iterated: Expr,
        body: Block,
    },
    Fn(Fn),
    Expr(Expr),
}

/// An expression.
#[derive(Debug, Clone)]
pub struct Expr {
    pub span: Span,
    pub kind: ExprKind,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub enum ExprKind {
    Int(i64),
    Float(f64),
    Bool(bool),
    Char(char),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    /// `f"…{x:>8}…"`
    Format(Vec<FormatPart>),
    /// A value, a function or a module: lower case. `self` is one of them.
    Name(Ident),
    /// A type, variant or actor: upper case.
    TypeName(Ident),
    /// `base.field`, `module.name`, `Enum.Variant`, `t.0`
    Member {
        base: Box<Expr>,
        name: Ident,
    },
    /// `f(x, label: y, &z)`
    Call {
        callee: Box<Expr>,
        args: Vec<Arg>,
    },
    /// A type of functions as an argument of `f[fn(Int) -> Int]`.
    FnType(Type),
    /// `xs[i]`, `m[k, default: 0]`, and `f[T]`: only names tell which it is.
    Index {
        base: Box<Expr>,
        args: Vec<Arg>,
    },
    /// `x?`
    Try(Box<Expr>),
    /// `x!`
    Unwrap(Box<Expr>),
    Unary {
        op: UnaryOp,
        operand: Box<Expr>,
    },
    Binary {
        op: BinaryOp,
        op_span: Span,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `a..b`, `a..=b`
    Range {
        start: Box<Expr>,
        end: Box<Expr>,
        inclusive: bool,
    },
    /// `x is pattern`
    Is {
        value: Box<Expr>,
        pattern: Pattern,
    },
    /// `(a, b)`; `()` has none.
    Tuple(Vec<Expr>),
    List(Vec<Expr>),
    /// `[k: v]`; `[:]` has none.
    Map(Vec<(Expr, Expr)>),
    If {
        condition: Box<Expr>,
        then: Block,
        otherwise: Option<Box<Expr>>,
    },
    /// The branch of an `if`, or the body of an arm.
    Block(Block),
    Match {
        value: Box<Expr>,
        arms: Vec<Arm>,
    },
    Loop(Block),
    /// `fn(x) => x + 1`
    Closure {
        params: Vec<Param>,
        result: Option<Type>,
        body: Box<Expr>,
    },
    Return(Option<Box<Expr>>),
    Break,
    Continue,
    Become(Box<Expr>),
    /// `receive { … }`
    Receive {
        arms: Vec<Arm>,
        after: Option<(Box<Expr>, Box<Expr>)>,
    },
    /// `spawn f(x) on node`
    Spawn {
        call: Box<Expr>,
        node: Option<Box<Expr>>,
    },
    /// `call within 200.ms`
    Within {
        call: Box<Expr>,
        time: Box<Expr>,
    },
    /// `message after 200.ms`, `message every 1.s`
    Timer {
        call: Box<Expr>,
        time: Box<Expr>,
        repeated: bool,
    },
    /// An assignment as the body of an arm or a closure: `Inc => n += 1`
    Stmt(Box<Stmt>),
    Error,
}

/// `label: &value`
#[derive(Debug, Clone)]
pub struct Arg {
    pub span: Span,
    pub label: Option<Ident>,
    pub inout: bool,
    pub value: Expr,
}

/// A part of an f-string.
#[derive(Debug, Clone)]
pub enum FormatPart {
    Text(Arc<str>),
    Value { value: Expr, format: Option<Format> },
}

/// What stands after the colon: `[[fill]align][+][0][width][.precision][x|b|o|e]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    pub span: Span,
    pub fill: char,
    pub align: Option<Align>,
    pub plus: bool,
    pub zero: bool,
    pub width: u32,
    pub precision: Option<u32>,
    /// `x`, `b`, `o` or `e`.
    pub radix: Option<char>,
}

/// Where a value stands in the width of its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Center,
    Right,
}

/// An operator before its operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    Neg,
    Not,
}

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    AddWrap,
    SubWrap,
    MulWrap,
    BitAnd,
    BitOr,
    BitXor,
    Shl,
    Shr,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    And,
    Or,
    /// `??`
    OrElse,
}

/// `pattern if guard => body`
#[derive(Debug, Clone)]
pub struct Arm {
    pub span: Span,
    /// Of `receive`: `system Down(…) => …`
    pub system: bool,
    pub pattern: Pattern,
    pub guard: Option<Expr>,
    pub body: Expr,
}

/// A pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub span: Span,
    pub kind: PatternKind,
}

/// What a pattern is.
#[derive(Debug, Clone)]
pub enum PatternKind {
    /// `_`
    Any,
    /// `name`
    Bind(Ident),
    /// `pattern as name`
    As {
        pattern: Box<Pattern>,
        name: Ident,
    },
    /// `a | b`
    Or(Vec<Pattern>),
    /// `Shape.Circle(r)`, `http.Get`, `Node(..)`; the fields of `Leaf` are none.
    Variant {
        qualifier: Option<Ident>,
        name: Ident,
        fields: VariantPattern,
    },
    /// A literal: an integer, float, character, string, bytes, `true` or `false`.
    Literal(Box<Expr>),
    /// `1..=9`
    Range {
        start: Box<Expr>,
        end: Box<Expr>,
        inclusive: bool,
    },
    Tuple(Vec<Pattern>),
    /// `[a, b, ..]`
    List {
        patterns: Vec<Pattern>,
        open: bool,
    },
    Error,
}

/// What a pattern says of the fields of a variant or record.
#[derive(Debug, Clone)]
pub enum VariantPattern {
    /// `Leaf`
    None,
    /// `Node(..)`
    Rest,
    /// `Node(l, value: v)`
    Fields(Vec<(Option<Ident>, Pattern)>),
}
