//! Typed trees built by hand, for tests of what comes after the checker.

use std::sync::Arc;

use iridium_isa::FileId;
use palladium::core::*;

pub(crate) fn unit() -> Type {
    Type::Tuple([].into())
}

pub(crate) fn list_of(element: Type) -> Type {
    Type::List(element.into())
}

pub(crate) fn expr(ty: Type, kind: ExprKind) -> Expr {
    Expr { kind, ty, span: 0..1 }
}

pub(crate) fn int(n: i64) -> Expr {
    expr(Type::Int, ExprKind::Int(n))
}

pub(crate) fn string(text: &str) -> Expr {
    expr(Type::String, ExprKind::String(text.into()))
}

pub(crate) fn op(op: Op, a: Expr, b: Expr) -> Expr {
    expr(a.ty.clone(), ExprKind::Op { op, args: vec![a, b] })
}

pub(crate) fn compare(op: CompareOp, a: Expr, b: Expr) -> Expr {
    expr(Type::Bool, ExprKind::Compare { op, left: a.into(), right: b.into() })
}

pub(crate) fn if_(ty: Type, condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    let (condition, then, otherwise) = (condition.into(), then.into(), otherwise.into());
    expr(ty, ExprKind::If { condition, then, otherwise })
}

pub(crate) fn nothing() -> Expr {
    expr(unit(), ExprKind::Tuple(Vec::new()))
}

pub(crate) fn block(stmts: Vec<Expr>, value: Expr) -> Expr {
    expr(value.ty.clone(), ExprKind::Block { stmts, value: value.into() })
}

pub(crate) fn while_(condition: Expr, body: Vec<Expr>) -> Expr {
    let leave = expr(Type::Never, ExprKind::Break);
    let body = if_(unit(), condition, block(body, nothing()), leave);
    expr(unit(), ExprKind::Loop(body.into()))
}

pub(crate) fn pattern(ty: Type, kind: PatternKind) -> Pattern {
    Pattern { kind, ty, span: 0..1 }
}

pub(crate) fn arm(pattern: Pattern, body: Expr) -> Arm {
    Arm { pattern, guard: None, body }
}

pub(crate) fn match_(ty: Type, value: Expr, arms: Vec<Arm>) -> Expr {
    expr(ty, ExprKind::Match { value: value.into(), arms })
}

pub(crate) fn tuple(fields: Vec<Expr>) -> Expr {
    let types = fields.iter().map(|field| field.ty.clone()).collect();
    expr(Type::Tuple(types), ExprKind::Tuple(fields))
}

pub(crate) fn field(ty: Type, base: Expr, index: u32) -> Expr {
    expr(ty, ExprKind::Field { base: base.into(), index })
}

/// A function while it is being built.
#[derive(Default)]
pub(crate) struct Fun {
    name: String,
    generics: u32,
    params: Vec<Param>,
    captures: Vec<LocalId>,
    locals: Vec<Local>,
}

impl Fun {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    pub(crate) fn generics(mut self, count: u32) -> Self {
        self.generics = count;
        self
    }

    pub(crate) fn local(&mut self, ty: Type) -> LocalId {
        self.locals.push(Local { name: "".into(), ty, span: 0..0, shared: false });
        LocalId(self.locals.len() as u32 - 1)
    }

    pub(crate) fn shared(&mut self, ty: Type) -> LocalId {
        let local = self.local(ty);
        self.locals[local.0 as usize].shared = true;
        local
    }

    pub(crate) fn capture(&mut self, local: LocalId) {
        self.captures.push(local);
    }

    pub(crate) fn param(&mut self, ty: Type) -> LocalId {
        let local = self.local(ty);
        self.params.push(Param { local, inout: false });
        local
    }

    pub(crate) fn inout(&mut self, ty: Type) -> LocalId {
        let local = self.local(ty);
        self.params.push(Param { local, inout: true });
        local
    }

    pub(crate) fn get(&self, local: LocalId) -> Expr {
        expr(self.locals[local.0 as usize].ty.clone(), ExprKind::Local(local))
    }

    pub(crate) fn place(&self, local: LocalId, path: Vec<Step>, ty: Type) -> Place {
        Place { local, path, ty, span: 0..1 }
    }

    pub(crate) fn whole(&self, local: LocalId) -> Place {
        self.place(local, Vec::new(), self.locals[local.0 as usize].ty.clone())
    }

    pub(crate) fn bind(&self, local: LocalId) -> Pattern {
        pattern(self.locals[local.0 as usize].ty.clone(), PatternKind::Bind(local))
    }

    pub(crate) fn let_(&self, local: LocalId, value: Expr) -> Expr {
        let pattern = self.bind(local);
        expr(unit(), ExprKind::Let { pattern, value: value.into(), otherwise: None })
    }

    pub(crate) fn set(&self, local: LocalId, value: Expr) -> Expr {
        self.assign(self.whole(local), value)
    }

    pub(crate) fn assign(&self, place: Place, value: Expr) -> Expr {
        expr(unit(), ExprKind::Assign { place, value: value.into() })
    }

    fn finish(self, result: Type, body: Body) -> Function {
        Function {
            name: self.name.into(),
            file: FileId(0),
            span: 0..1,
            generics: self.generics,
            params: self.params,
            captures: self.captures,
            result,
            locals: self.locals,
            body,
        }
    }
}

/// A program while it is being built.
#[derive(Default)]
pub(crate) struct Trees {
    pub(crate) program: Program,
}

impl Trees {
    pub(crate) fn add(&mut self, function: Fun, body: Expr) -> FnId {
        let result = body.ty.clone();
        self.push(function.finish(result, Body::Code(body)))
    }

    pub(crate) fn intrinsic(&mut self, function: Fun, result: Type) -> FnId {
        self.push(function.finish(result, Body::Intrinsic))
    }

    fn push(&mut self, function: Function) -> FnId {
        self.program.functions.push(function);
        FnId(self.program.functions.len() as u32 - 1)
    }

    /// A function whose body calls it.
    pub(crate) fn next(&self) -> FnId {
        FnId(self.program.functions.len() as u32)
    }

    pub(crate) fn record(&mut self, name: &str, fields: Vec<(&str, Type)>) -> RecordId {
        let fields = fields.into_iter().map(|(name, ty)| (Arc::from(name), ty)).collect();
        self.program.records.push(Record { name: name.into(), generics: 0, fields });
        RecordId(self.program.records.len() as u32 - 1)
    }

    pub(crate) fn sum(
        &mut self,
        name: &str,
        generics: u32,
        variants: Vec<(&str, Vec<Type>)>,
    ) -> EnumId {
        let variant = |(name, types): (&str, Vec<Type>)| Variant {
            name: name.into(),
            fields: types.into_iter().map(|ty| (None, ty)).collect(),
        };
        let variants = variants.into_iter().map(variant).collect();
        self.program.enums.push(Enum { name: name.into(), generics, variants });
        EnumId(self.program.enums.len() as u32 - 1)
    }

    pub(crate) fn call(&self, function: FnId, types: Vec<Type>, ty: Type, args: Vec<Arg>) -> Expr {
        expr(ty, ExprKind::Call { function, types, args })
    }
}
