//! Values read from JSON. What has a form of its own is read by `std/json_decode.pd`, as are the
//! marks between values: here is in which order a type's parts are read, and what is made of them.
//!
//! A function takes a reader, and gives an option of the value and the reader. When something is
//! wrong, the reader says what.

use std::sync::Arc;

use crate::core::Type;
use crate::lower::code::{Code, MADE, Value};
use crate::lower::instances::{Derived, Key};
use crate::mir::{BlockIdx, Class, Compare, Function, Inst, Operand, Passing, Reg, Terminator};

use super::json::{NONE, Payload, SOME};

/// What follows a field: another, or none. Everything else is wrong.
const NO_OTHER: i32 = 1;
/// The field that comes is not known, and was passed over.
const UNKNOWN: i32 = -1;

/// The fields of a record or variant.
struct Fields<'f> {
    /// Of what they are, for messages.
    of: &'f str,
    names: &'f [Arc<str>],
    types: &'f [Type],
}

impl Code<'_, '_> {
    /// An option of the value that comes next. The reader is changed in place.
    pub(super) fn decode(&mut self, ty: &Type, reader: &[Reg]) -> Value {
        let option = self.option_of(ty);
        let function = match self.context.with_result("derive_decode", &option) {
            Some(function) => function,
            None => self.context.instances.get(Key::Derived(Derived::Decode, ty.clone())),
        };
        let value = self.value(&option);
        let results = [&value, reader].concat();
        self.emit(Inst::Call { function, args: reader.to_vec(), results });
        value
    }

    pub(in crate::lower) fn option_of(&self, ty: &Type) -> Type {
        match self.context.program.known.option {
            Some(option) => Type::Enum(option, [ty.clone()].into()),
            None => Type::Never,
        }
    }

    /// Makes the function of a type.
    pub(super) fn decode_function(mut self, ty: &Type) -> Function {
        let reader = self.reader();
        let wrong = self.block();
        let option = self.option_of(ty);
        let value = self.decode_body(ty, &reader, wrong);
        let some = self.variant(&option, SOME, vec![value]);
        self.give([some, reader.clone()].concat());
        self.at(wrong);
        let none = self.variant(&option, NONE, vec![Vec::new()]);
        self.give([none, reader.clone()].concat());
        let name = Arc::from(format!("{}.decode", self.name_of(ty)));
        let results: Vec<Class> =
            self.context.types.parts(&option).into_iter().chain(self.classes(&reader)).collect();
        self.finish(name, MADE, reader, results, Passing::Inferred)
    }

    /// The registers of a reader: what the functions of the library take.
    fn reader(&mut self) -> Value {
        let program = self.context.program;
        let known =
            program.known.functions.iter().find(|(name, _)| &**name == "json_decode.is_null");
        let param = known.and_then(|(_, id)| {
            let function = self.context.function(*id);
            let param = function.params.first()?;
            Some(function.locals[param.local.0 as usize].ty.clone())
        });
        self.variable(&param.unwrap_or(Type::Never))
    }

    fn classes(&self, regs: &[Reg]) -> Vec<Class> {
        regs.iter().map(|reg| self.class(*reg)).collect()
    }

    fn decode_body(&mut self, ty: &Type, reader: &[Reg], wrong: BlockIdx) -> Value {
        match ty {
            Type::Record(id, args) => {
                let record = &self.context.program.records[id.0 as usize];
                let types: Vec<Type> =
                    record.fields.iter().map(|(_, ty)| ty.substitute(args)).collect();
                let names = self.names_of_fields(*id);
                let fields = Fields { of: &record.name, names: &names, types: &types };
                let values = self.decode_fields(&fields, reader, wrong);
                self.product(ty, values)
            }
            Type::Enum(id, args) if self.is_option(*id) => {
                self.decode_option(ty, &args[0], reader, wrong)
            }
            Type::Enum(..) => self.decode_enum(ty, reader, wrong),
            Type::Tuple(types) => {
                let values = self.decode_values(types, reader, wrong);
                self.product(ty, values)
            }
            // There are no others that the bound lets through.
            _ => self.value(ty),
        }
    }

    fn decode_option(&mut self, ty: &Type, inner: &Type, reader: &[Reg], wrong: BlockIdx) -> Value {
        let option = self.variable(ty);
        let (null, other, after) = (self.block(), self.block(), self.block());
        let is_null = self.read_json("is_null", reader, &[]);
        self.branch(Compare::Ne, is_null, Operand::Imm(0), null, other);
        self.at(null);
        let none = self.variant(ty, NONE, vec![Vec::new()]);
        self.copy_to(&option, &none);
        self.jump(after);
        self.at(other);
        let values = if self.has_null(inner) {
            self.decode_values(std::slice::from_ref(inner), reader, wrong)
        } else {
            vec![self.decode_or(inner, reader, None, wrong)]
        };
        let some = self.variant(ty, SOME, values);
        self.copy_to(&option, &some);
        self.jump(after);
        self.at(after);
        option
    }

    fn decode_enum(&mut self, ty: &Type, reader: &[Reg], wrong: BlockIdx) -> Value {
        let Type::Enum(id, args) = ty else { return self.value(ty) };
        let declared = &self.context.program.enums[id.0 as usize];
        let variants = self.payloads(*id);
        let names: String = variants
            .iter()
            .map(|(name, payload)| match payload {
                Payload::Nothing => format!("{name}\n"),
                _ => format!("{name}(\n"),
            })
            .collect();
        let texts = [&*declared.name, &names].map(|text| self.text(text.as_bytes()));
        let which = self.read_json("open_variant", reader, &texts);
        let found = self.variable(ty);
        let after = self.block();
        let blocks: Vec<BlockIdx> = variants.iter().map(|_| self.block()).collect();
        self.end(Terminator::Switch { value: which, targets: blocks.clone(), otherwise: wrong });
        for ((n, (name, payload)), block) in variants.iter().enumerate().zip(blocks) {
            self.at(block);
            let fields = &declared.variants[n].fields;
            let types: Vec<Type> = fields.iter().map(|(_, ty)| ty.substitute(args)).collect();
            let lost = self.block();
            let step = Some(format!(".{name}"));
            let values = match payload {
                Payload::Nothing => Vec::new(),
                Payload::Value => vec![self.decode_or(&types[0], reader, None, lost)],
                Payload::Values => self.decode_values(&types, reader, lost),
                Payload::Labelled(names) => {
                    let fields = Fields { of: name, names, types: &types };
                    self.decode_fields(&fields, reader, lost)
                }
            };
            if !matches!(payload, Payload::Nothing) {
                let closed = self.read_json("close_variant", reader, &[]);
                self.go_on_if(closed, wrong);
            }
            let value = self.variant(ty, n as u32, values);
            self.copy_to(&found, &value);
            self.jump(after);
            self.lose(lost, step, reader, wrong);
        }
        self.at(after);
        found
    }

    /// The values of a list of so many.
    fn decode_values(&mut self, types: &[Type], reader: &[Reg], wrong: BlockIdx) -> Vec<Value> {
        let size = self.int(types.len() as i64);
        let opened = self.read_json("open_tuple", reader, &[size]);
        self.go_on_if(opened, wrong);
        let mut values = Vec::new();
        for (n, ty) in types.iter().enumerate() {
            values.push(self.decode_or(ty, reader, Some(format!("[{n}]")), wrong));
            let (nth, size) = (self.int(n as i64), self.int(types.len() as i64));
            let follows = self.read_json("after_value", reader, &[nth, size]);
            self.go_on_if(follows, wrong);
        }
        values
    }

    /// The values of the fields of an object, which may come in any order. Mostly it is the order in
    /// which they are declared, so that the one that is expected is looked for first.
    fn decode_fields(&mut self, of: &Fields<'_>, reader: &[Reg], wrong: BlockIdx) -> Vec<Value> {
        let options: Vec<Type> = of.types.iter().map(|ty| self.option_of(ty)).collect();
        let found: Vec<Value> = options.iter().map(|option| self.variable(option)).collect();
        for ((found, option), ty) in found.iter().zip(&options).zip(of.types) {
            let nothing = self.not_found(option, ty);
            self.copy_to(found, &nothing);
        }
        let expected = self.variable(&Type::Int);
        let zero = self.int(0);
        self.copy_to(&expected, &[zero]);
        let (next, after, done) = (self.block(), self.block(), self.block());
        let name = self.text(of.of.as_bytes());
        let opened = self.read_json("open_object", reader, &[name]);
        self.by_what_follows(opened, next, done, wrong);

        self.at(next);
        let (tries, fields): (Vec<_>, Vec<_>) =
            of.names.iter().map(|_| (self.block(), self.block())).unzip();
        let search = self.block();
        let value = expected[0];
        self.end(Terminator::Switch { value, targets: tries.clone(), otherwise: search });
        for ((name, block), field) in of.names.iter().zip(tries).zip(&fields) {
            self.at(block);
            let key = self.text(format!("\"{name}\":").as_bytes());
            let comes = self.read_json("has_field", reader, &[key]);
            self.branch(Compare::Ne, comes, Operand::Imm(0), *field, search);
        }
        self.at(search);
        let names: String = of.names.iter().map(|name| format!("{name}\n")).collect();
        let names = self.text(names.as_bytes());
        let which = self.read_json("which_field", reader, &[names]);
        let other = self.block();
        self.end(Terminator::Switch { value: which, targets: fields.clone(), otherwise: other });
        self.at(other);
        self.branch(Compare::Eq, which, Operand::Imm(UNKNOWN), after, wrong);

        for (n, block) in fields.into_iter().enumerate() {
            self.at(block);
            let value = self.decode(&of.types[n], reader);
            let (some, none) = (self.block(), self.block());
            self.switch_on_variant(&value, &options[n], &[none, some], none);
            self.at(some);
            self.copy_to(&found[n], &value);
            let next = self.int(n as i64 + 1);
            self.copy_to(&expected, &[next]);
            self.jump(after);
            self.lose(none, Some(format!(".{}", of.names[n])), reader, wrong);
        }
        self.at(after);
        let follows = self.read_json("after_field", reader, &[]);
        self.by_what_follows(follows, next, done, wrong);

        self.at(done);
        let mut values = Vec::new();
        for (n, found) in found.iter().enumerate() {
            let (some, none) = (self.block(), self.block());
            self.switch_on_variant(found, &options[n], &[none, some], none);
            self.at(none);
            let name = self.text(of.names[n].as_bytes());
            self.call_json("miss_field", reader, &[name], &[]);
            self.jump(wrong);
            self.at(some);
            values.push(self.some_of(found, &options[n]));
        }
        values
    }

    /// What a field is before it was found: `None`, and where it is an option itself, that.
    fn not_found(&mut self, option: &Type, ty: &Type) -> Value {
        match ty {
            Type::Enum(id, _) if self.is_option(*id) => {
                let none = self.variant(ty, NONE, vec![Vec::new()]);
                self.variant(option, SOME, vec![none])
            }
            _ => self.variant(option, NONE, vec![Vec::new()]),
        }
    }

    /// Reads a value. When that fails, goes to where that is dealt with, after it was said that a
    /// step leads there.
    fn decode_or(
        &mut self,
        ty: &Type,
        reader: &[Reg],
        step: Option<String>,
        wrong: BlockIdx,
    ) -> Value {
        let option = self.option_of(ty);
        let value = self.decode(ty, reader);
        let (some, none) = (self.block(), self.block());
        self.switch_on_variant(&value, &option, &[none, some], none);
        self.lose(none, step, reader, wrong);
        self.at(some);
        self.some_of(&value, &option)
    }

    fn some_of(&mut self, value: &[Reg], option: &Type) -> Value {
        let (source, ty) = self.payload(value, option, SOME, 0);
        self.read(&source, &ty)
    }

    fn lose(&mut self, at: BlockIdx, step: Option<String>, reader: &[Reg], wrong: BlockIdx) {
        self.at(at);
        if let Some(step) = step {
            let step = self.text(step.as_bytes());
            self.call_json("lose", reader, &[step], &[]);
        }
        self.jump(wrong);
    }

    fn go_on_if(&mut self, fine: Reg, wrong: BlockIdx) {
        let next = self.block();
        self.branch(Compare::Ne, fine, Operand::Imm(0), next, wrong);
        self.at(next);
    }

    fn by_what_follows(&mut self, what: Reg, next: BlockIdx, done: BlockIdx, wrong: BlockIdx) {
        let other = self.block();
        self.branch(Compare::Eq, what, Operand::Imm(0), next, other);
        self.at(other);
        self.branch(Compare::Eq, what, Operand::Imm(NO_OTHER), done, wrong);
    }

    /// Calls a function of the library that gives an integer.
    fn read_json(&mut self, name: &str, reader: &[Reg], args: &[Reg]) -> Reg {
        self.call_json(name, reader, args, &[Class::Int])[0]
    }

    fn call_json(&mut self, name: &str, reader: &[Reg], args: &[Reg], results: &[Class]) -> Value {
        let value = self.regs(results);
        if let Some(function) = self.context.json_function(name) {
            let args = [reader, args].concat();
            let results = [&value, reader].concat();
            self.emit(Inst::Call { function, args, results });
        }
        value
    }
}
