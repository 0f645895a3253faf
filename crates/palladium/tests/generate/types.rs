//! Types of a random program, and what it declares.

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ty {
    Unit,
    Int,
    Float,
    Bool,
    Char,
    String,
    List(Box<Ty>),
    Map(Box<Ty>, Box<Ty>),
    Set(Box<Ty>),
    Option(Box<Ty>),
    Result(Box<Ty>, Box<Ty>),
    Tuple(Vec<Ty>),
    /// A declared record or enum, with the type for its parameter.
    Named(usize, Option<Box<Ty>>),
    Fn(Vec<Ty>, Box<Ty>),
    /// The parameter of the declaration, which can be compared, a key and shown.
    Param,
}

/// A record, which is its only variant, or an enum.
#[derive(Debug, Clone)]
pub(super) struct Decl {
    pub(super) name: String,
    pub(super) record: bool,
    pub(super) generic: bool,
    /// Whether values of it can be keys, if those of its parameter can.
    pub(super) key: bool,
    pub(super) variants: Vec<Variant>,
}

#[derive(Debug, Clone)]
pub(super) struct Variant {
    pub(super) name: String,
    /// With their labels; those of records always have one.
    pub(super) fields: Vec<(Option<String>, Ty)>,
}

#[derive(Debug, Clone)]
pub(super) struct Signature {
    pub(super) name: String,
    pub(super) generic: bool,
    pub(super) params: Vec<Param>,
    pub(super) result: Ty,
    /// Its first parameter says how deep it may still go.
    pub(super) recursive: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Param {
    pub(super) name: String,
    pub(super) ty: Ty,
    pub(super) inout: bool,
}

impl Ty {
    pub(super) fn list(of: Ty) -> Self {
        Self::List(Box::new(of))
    }

    pub(super) fn option(of: Ty) -> Self {
        Self::Option(Box::new(of))
    }

    /// With a type in the place of the parameter.
    pub(super) fn with(&self, arg: &Ty) -> Self {
        let boxed = |ty: &Ty| Box::new(ty.with(arg));
        match self {
            Self::Param => arg.clone(),
            Self::List(of) => Self::List(boxed(of)),
            Self::Set(of) => Self::Set(boxed(of)),
            Self::Option(of) => Self::Option(boxed(of)),
            Self::Map(key, value) => Self::Map(boxed(key), boxed(value)),
            Self::Result(value, error) => Self::Result(boxed(value), boxed(error)),
            Self::Tuple(parts) => Self::Tuple(parts.iter().map(|ty| ty.with(arg)).collect()),
            Self::Named(id, of) => Self::Named(*id, of.as_deref().map(boxed)),
            Self::Fn(params, result) => {
                Self::Fn(params.iter().map(|ty| ty.with(arg)).collect(), boxed(result))
            }
            other => other.clone(),
        }
    }

    /// Whether it has no parameter in it.
    pub(super) fn is_closed(&self) -> bool {
        self.with(&Self::Int) == *self
    }

    pub(super) fn is_key(&self, decls: &[Decl]) -> bool {
        match self {
            Self::Int | Self::Bool | Self::Char | Self::String | Self::Param => true,
            Self::List(of) | Self::Option(of) => of.is_key(decls),
            Self::Tuple(parts) => parts.iter().all(|ty| ty.is_key(decls)),
            Self::Named(id, of) => {
                decls[*id].key && of.as_deref().is_none_or(|of| of.is_key(decls))
            }
            _ => false,
        }
    }

    pub(super) fn has_fn(&self) -> bool {
        match self {
            Self::Fn(..) => true,
            Self::List(of) | Self::Option(of) | Self::Set(of) => of.has_fn(),
            Self::Map(a, b) | Self::Result(a, b) => a.has_fn() || b.has_fn(),
            Self::Tuple(parts) => parts.iter().any(|ty| ty.has_fn()),
            _ => false,
        }
    }

    /// How it is written.
    pub(super) fn text(&self, decls: &[Decl]) -> String {
        let all =
            |types: &[Ty]| types.iter().map(|ty| ty.text(decls)).collect::<Vec<_>>().join(", ");
        match self {
            Self::Unit => "()".to_owned(),
            Self::Int => "Int".to_owned(),
            Self::Float => "Float".to_owned(),
            Self::Bool => "Bool".to_owned(),
            Self::Char => "Char".to_owned(),
            Self::String => "String".to_owned(),
            Self::Param => "T".to_owned(),
            Self::List(of) => format!("List[{}]", of.text(decls)),
            Self::Set(of) => format!("Set[{}]", of.text(decls)),
            Self::Option(of) if matches!(**of, Self::Fn(..)) => {
                format!("({})?", of.text(decls))
            }
            Self::Option(of) => format!("{}?", of.text(decls)),
            Self::Map(key, value) => format!("Map[{}, {}]", key.text(decls), value.text(decls)),
            Self::Result(value, error) => {
                format!("Result[{}, {}]", value.text(decls), error.text(decls))
            }
            Self::Tuple(parts) => format!("({})", all(parts)),
            Self::Named(id, None) => decls[*id].name.clone(),
            Self::Named(id, Some(of)) => format!("{}[{}]", decls[*id].name, of.text(decls)),
            Self::Fn(params, result) => format!("fn({}) -> {}", all(params), result.text(decls)),
        }
    }
}
