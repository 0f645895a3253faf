//! What all functions that are made have in common.

use std::collections::HashMap;
use std::sync::Arc;

use iridium_isa::protocol::Protocol;

use super::instances::{Instance, Instances};
use super::shape::Types;
use crate::core::protocol::Protocols;
use crate::core::{self, FnId, Type};
use crate::mir::{Class, Data, DataIdx, FnIdx};

pub(super) struct Context<'a> {
    pub(super) program: &'a core::Program,
    pub(super) types: Types<'a>,
    pub(super) instances: Instances,
    pub(super) data: Vec<Data>,
    data_index: HashMap<Data, DataIdx>,
    pub(super) imports: Vec<Arc<str>>,
    protocols: Protocols,
    /// What the closures of each kind have captured; the kind is the variant in their head.
    pub(super) captures: Vec<Vec<Class>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(program: &'a core::Program) -> Self {
        Self {
            program,
            types: Types::new(program),
            instances: Instances::default(),
            data: Vec::new(),
            data_index: HashMap::new(),
            imports: Vec::new(),
            protocols: Protocols::default(),
            captures: Vec::new(),
        }
    }

    pub(super) fn function(&self, id: FnId) -> &'a core::Function {
        &self.program.functions[id.0 as usize]
    }

    /// The tag of a message: of a variant of an enum, or of the only one of another type.
    pub(super) fn tag(&mut self, of: &Type, variant: u32) -> i64 {
        let protocol = self.protocol(of);
        protocol.messages.get(variant as usize).map_or(0, |message| message.tag)
    }

    /// What a process understands that receives values of a type.
    pub(super) fn protocol(&mut self, of: &Type) -> Arc<Protocol> {
        self.protocols.get(self.program, of)
    }

    pub(super) fn data(&mut self, data: Data) -> DataIdx {
        let next = DataIdx(self.data.len() as u32);
        let index = *self.data_index.entry(data.clone()).or_insert(next);
        if index == next {
            self.data.push(data);
        }
        index
    }

    /// Data that comes before all other.
    pub(super) fn begin_with(&mut self, data: &[Data]) {
        self.data = data.to_vec();
        for (index, data) in data.iter().enumerate() {
            self.data_index.entry(data.clone()).or_insert(DataIdx(index as u32));
        }
    }

    /// The number of a host function.
    pub(super) fn import(&mut self, name: &str) -> u16 {
        let known = self.imports.iter().position(|import| &**import == name);
        known.unwrap_or_else(|| {
            self.imports.push(name.into());
            self.imports.len() - 1
        }) as u16
    }

    /// The variant of closures that have captured values of these classes.
    pub(super) fn captured(&mut self, classes: Vec<Class>) -> u16 {
        let known = self.captures.iter().position(|other| *other == classes);
        known.unwrap_or_else(|| {
            self.captures.push(classes);
            self.captures.len() - 1
        }) as u16
    }

    /// The library's own way to derive something for a type, with the types that it is called with.
    pub(super) fn derived_by_library(&mut self, name: &str, ty: &Type) -> Option<FnIdx> {
        let (id, types) = self.program.known.functions.iter().find_map(|(qualified, id)| {
            let (_, last) = qualified.rsplit_once('.')?;
            let function = self.function(*id);
            let param = function.params.first().filter(|_| last == name)?;
            let mut types = vec![Type::Never; function.generics as usize];
            let declared = &function.locals[param.local.0 as usize].ty;
            matches(declared, ty, &mut types).then_some((*id, types))
        })?;
        Some(self.instances.get(Instance::new(id, types).plain()))
    }

    /// The library's own way to make a value of a type, by its result.
    pub(super) fn with_result(&mut self, name: &str, ty: &Type) -> Option<FnIdx> {
        let (id, types) = self.find_with_result(name, ty)?;
        Some(self.instances.get(Instance::new(id, types).plain()))
    }

    /// Whether there is one.
    pub(super) fn has_result(&self, name: &str, ty: &Type) -> bool {
        self.find_with_result(name, ty).is_some()
    }

    fn find_with_result(&self, name: &str, ty: &Type) -> Option<(FnId, Vec<Type>)> {
        self.program.known.functions.iter().find_map(|(qualified, id)| {
            let (_, last) = qualified.rsplit_once('.')?;
            let function = self.function(*id);
            let mut types = vec![Type::Never; function.generics as usize];
            (last == name && matches(&function.result, ty, &mut types)).then_some((*id, types))
        })
    }

    /// A function that reads marks of JSON.
    pub(super) fn json_function(&mut self, name: &str) -> Option<FnIdx> {
        let mut functions = self.program.known.functions.iter();
        let (_, id) = functions
            .find(|(qualified, _)| qualified.strip_prefix("json_decode.") == Some(name))?;
        Some(self.instances.get(Instance::new(*id, []).plain()))
    }
}

/// Whether a declared type fits a concrete one; then with which types for its parameters.
fn matches(declared: &Type, ty: &Type, types: &mut [Type]) -> bool {
    let mut all = |declared: &[Type], args: &[Type]| {
        declared.iter().zip(args).all(|(declared, ty)| matches(declared, ty, types))
    };
    match (declared, ty) {
        (Type::List(a), Type::List(b))
        | (Type::Pid(a), Type::Pid(b))
        | (Type::Reply(a), Type::Reply(b)) => matches(a, b, types),
        (Type::Record(a, declared), Type::Record(b, args)) if a == b => all(declared, args),
        (Type::Enum(a, declared), Type::Enum(b, args)) if a == b => all(declared, args),
        (Type::Param(n), _) => {
            types[*n as usize] = ty.clone();
            true
        }
        _ => declared == ty,
    }
}
