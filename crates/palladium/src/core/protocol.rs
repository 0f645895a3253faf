//! What inboxes understand, as the module says it, and the tags of their messages.

use std::collections::HashMap;
use std::sync::Arc;

use iridium_isa::protocol::{Body, Declared, Field, Protocol, Shape, Start, Variant};

use super::{EnumId, Program, Start as Begin, Type, Variant as Declares};

/// The protocols that were asked for, by their types.
#[derive(Default)]
pub(crate) struct Protocols {
    known: HashMap<Type, Arc<Protocol>>,
}

impl Protocols {
    /// What a process understands that receives values of a type.
    pub(crate) fn get(&mut self, program: &Program, of: &Type) -> Arc<Protocol> {
        if let Some(known) = self.known.get(of) {
            return Arc::clone(known);
        }
        let mut shapes = Shapes::new(program);
        let messages = shapes.messages(of);
        let mut protocol = Protocol::new(shapes.text(of), shapes.declared());
        for (name, fields) in messages {
            protocol.add(name, fields, None);
        }
        let protocol = Arc::new(protocol);
        self.known.insert(of.clone(), Arc::clone(&protocol));
        protocol
    }
}

/// Adds where a process can begin, with parameters of these names and types.
pub(crate) fn add_start(
    program: &Program,
    protocol: &mut Protocol,
    start: &Begin,
    types: &[Type],
    first: Option<i64>,
) {
    let mut shapes = Shapes::resume(program, std::mem::take(&mut protocol.types));
    let param = |(name, ty): (&Arc<str>, &Type)| Field::new(Arc::clone(name), shapes.shape(ty));
    let params = start.params.iter().zip(types).map(param).collect();
    protocol.types = shapes.declared();
    protocol.starts.push(Start { name: Arc::clone(&start.name), entry: 0, params, first });
}

/// A type as modules write it.
pub(crate) fn name_of(program: &Program, ty: &Type) -> String {
    Shapes::new(program).text(ty)
}

/// The name and the fingerprint of a type.
pub(crate) fn described(program: &Program, ty: &Type) -> (String, i64) {
    let mut shapes = Shapes::new(program);
    let shape = shapes.shape(ty);
    let protocol = Protocol::new("", shapes.declared());
    (protocol.text_of(&shape), protocol.fingerprint(&shape))
}

/// The shapes of types, and the records and enums that they speak of.
struct Shapes<'p> {
    program: &'p Program,
    /// By their numbers; `None` while what is in one is found out.
    types: Vec<Option<Declared>>,
    numbers: HashMap<Type, u32>,
}

impl<'p> Shapes<'p> {
    fn new(program: &'p Program) -> Self {
        Self { program, types: Vec::new(), numbers: HashMap::new() }
    }

    /// Goes on where some types have been declared.
    fn resume(program: &'p Program, known: Vec<Declared>) -> Self {
        let types = known.into_iter().map(Some).collect();
        Self { program, types, numbers: HashMap::new() }
    }

    fn declared(&mut self) -> Vec<Declared> {
        std::mem::take(&mut self.types).into_iter().flatten().collect()
    }

    /// The messages of an inbox, with their fields.
    fn messages(&mut self, of: &Type) -> Vec<(Arc<str>, Vec<Field>)> {
        match of {
            Type::Never => Vec::new(),
            Type::Enum(id, args) if !self.is(*id, self.program.known.option) => {
                let variants = &self.program.enums[id.0 as usize].variants;
                let one = |variant: &Declares| {
                    (Arc::clone(&variant.name), self.fields(&variant.fields, args))
                };
                variants.iter().map(one).collect()
            }
            other => vec![("value".into(), vec![Field::unnamed(self.shape(other))])],
        }
    }

    fn fields(&mut self, fields: &[(Option<Arc<str>>, Type)], args: &[Type]) -> Vec<Field> {
        let field = |(label, ty): &(Option<Arc<str>>, Type)| Field {
            label: label.clone(),
            shape: self.shape(&ty.substitute(args)),
        };
        fields.iter().map(field).collect()
    }

    fn is(&self, id: EnumId, known: Option<EnumId>) -> bool {
        known == Some(id)
    }

    fn shape(&mut self, ty: &Type) -> Shape {
        let boxed = |shapes: &mut Self, ty: &Type| Box::new(shapes.shape(ty));
        match ty {
            Type::Int => Shape::Int,
            Type::Float => Shape::Float,
            Type::Bool => Shape::Bool,
            Type::Char => Shape::Char,
            Type::String => Shape::String,
            Type::Bytes => Shape::Bytes,
            Type::Duration => Shape::Duration,
            Type::Node => Shape::Node,
            Type::Tuple(parts) => Shape::Tuple(parts.iter().map(|ty| self.shape(ty)).collect()),
            Type::List(of) => Shape::List(boxed(self, of)),
            Type::Record(id, args) if self.program.known.set == Some(*id) => {
                Shape::Set(boxed(self, &args[0]))
            }
            Type::Record(id, args) if self.program.known.map == Some(*id) => {
                Shape::Map(boxed(self, &args[0]), boxed(self, &args[1]))
            }
            Type::Enum(id, args) if self.is(*id, self.program.known.option) => {
                Shape::Option(boxed(self, &args[0]))
            }
            Type::Record(..) | Type::Enum(..) => Shape::Declared(self.number(ty)),
            Type::Pid(inbox) => Shape::Pid(match **inbox {
                Type::Never => None,
                _ => Some(self.text(inbox).into()),
            }),
            Type::Reply(answer) => Shape::Reply(boxed(self, answer)),
            // They are not sent.
            Type::Fn(_) | Type::Never | Type::Param(_) => Shape::Tuple(Vec::new()),
        }
    }

    fn number(&mut self, ty: &Type) -> u32 {
        if let Some(known) = self.numbers.get(ty) {
            return *known;
        }
        let number = self.types.len() as u32;
        self.numbers.insert(ty.clone(), number);
        self.types.push(None);
        let body = match ty {
            Type::Record(id, args) => {
                let fields = &self.program.records[id.0 as usize].fields;
                let fields: Vec<_> =
                    fields.iter().map(|(name, ty)| (Some(Arc::clone(name)), ty.clone())).collect();
                Body::Record(self.fields(&fields, args))
            }
            Type::Enum(id, args) => {
                let variants = self.program.enums[id.0 as usize].variants.iter();
                let variant = |variant: &Declares| Variant {
                    name: Arc::clone(&variant.name),
                    fields: self.fields(&variant.fields, args),
                };
                Body::Enum(variants.map(variant).collect())
            }
            _ => Body::Record(Vec::new()),
        };
        let name = self.text(ty).into();
        self.types[number as usize] = Some(Declared { name, body });
        number
    }

    /// The type as it is written.
    fn text(&self, ty: &Type) -> String {
        let all =
            |types: &[Type]| types.iter().map(|ty| self.text(ty)).collect::<Vec<_>>().join(", ");
        let applied = |name: &str, args: &[Type]| match args {
            [] => name.to_owned(),
            args => format!("{name}[{}]", all(args)),
        };
        match ty {
            Type::Tuple(parts) => format!("({})", all(parts)),
            Type::List(of) => format!("List[{}]", self.text(of)),
            Type::Pid(of) => format!("Pid[{}]", self.text(of)),
            Type::Reply(of) => format!("Reply[{}]", self.text(of)),
            Type::Record(id, args) => applied(&self.program.records[id.0 as usize].name, args),
            Type::Enum(id, args) if self.is(*id, self.program.known.option) => {
                format!("{}?", self.text(&args[0]))
            }
            Type::Enum(id, args) => applied(&self.program.enums[id.0 as usize].name, args),
            other => format!("{other:?}"),
        }
    }
}
