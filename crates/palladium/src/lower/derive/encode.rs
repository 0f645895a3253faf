//! Values written as JSON. What has a form of its own is written by `std/json_encode.pd`.

use std::sync::Arc;

use crate::core::Type;
use crate::lower::code::Code;
use crate::lower::instances::{Derived, Key, Support};
use crate::mir::{Inst, Reg};

use super::Parts;
use super::json::{NONE, Payload, SOME};

impl Code<'_, '_> {
    /// Appends the JSON of a value to a string, in place.
    pub(super) fn encode(&mut self, ty: &Type, value: &[Reg], out: Reg) {
        match ty {
            Type::Int => {
                self.change(Support::PushInt, &[out, value[0]], &[]);
            }
            Type::Bool => self.show_bool(value[0], out),
            _ => self.encode_by_function(ty, value, out),
        }
    }

    fn encode_by_function(&mut self, ty: &Type, value: &[Reg], out: Reg) {
        let function = match self.context.derived_by_library("derive_encode", ty) {
            Some(function) => function,
            None => self.context.instances.get(Key::Derived(Derived::Encode, ty.clone())),
        };
        let args = [value, &[out]].concat();
        self.emit(Inst::Call { function, args, results: vec![out] });
    }

    pub(super) fn encode_body(&mut self, ty: &Type, value: &[Reg], out: Reg) {
        match ty {
            Type::Record(id, _) => {
                let names = self.names_of_fields(*id);
                let fields = self.fields_of(ty, value);
                self.encode_object("", &names, fields, "", out);
                self.give(vec![out]);
            }
            Type::Enum(id, _) if self.is_option(*id) => self.encode_option(ty, value, out),
            Type::Enum(id, _) => {
                let variants = self.payloads(*id);
                let blocks = self.blocks_by_variant(ty, value, variants.len() as u32);
                for ((n, (name, payload)), block) in (0..).zip(variants).zip(blocks) {
                    self.at(block);
                    let fields = self.payload_of(ty, n, value);
                    self.encode_variant(&name, &payload, fields, out);
                    self.give(vec![out]);
                }
            }
            _ => {
                let fields = self.fields_of(ty, value);
                self.encode_list("", fields, "", out);
                self.give(vec![out]);
            }
        }
    }

    fn encode_option(&mut self, ty: &Type, value: &[Reg], out: Reg) {
        let blocks = self.blocks_by_variant(ty, value, 2);
        self.at(blocks[NONE as usize]);
        self.show_text("null", out);
        self.give(vec![out]);
        self.at(blocks[SOME as usize]);
        let fields = self.payload_of(ty, SOME, value);
        if fields.iter().any(|(_, ty)| self.has_null(ty)) {
            self.encode_list("", fields, "", out);
        } else {
            self.encode_each(&fields, out);
        }
        self.give(vec![out]);
    }

    fn encode_variant(&mut self, name: &str, payload: &Payload, fields: Parts, out: Reg) {
        let before = format!("{{\"{name}\":");
        match payload {
            Payload::Nothing => self.show_text(&format!("\"{name}\""), out),
            Payload::Labelled(labels) => self.encode_object(&before, labels, fields, "}", out),
            Payload::Values => self.encode_list(&before, fields, "}", out),
            Payload::Value => {
                self.show_text(&before, out);
                self.encode_each(&fields, out);
                self.show_text("}", out);
            }
        }
    }

    /// Values without anything between them.
    fn encode_each(&mut self, fields: &Parts, out: Reg) {
        for (source, ty) in fields {
            let value = self.read(source, ty);
            self.encode(ty, &value, out);
        }
    }

    fn encode_object(
        &mut self,
        before: &str,
        names: &[Arc<str>],
        fields: Parts,
        after: &str,
        out: Reg,
    ) {
        let mut next = format!("{before}{{");
        for (name, (source, ty)) in names.iter().zip(&fields) {
            next.push_str(&format!("\"{name}\":"));
            self.show_text(&next, out);
            let value = self.read(source, ty);
            self.encode(ty, &value, out);
            next = ",".to_owned();
        }
        let last = if fields.is_empty() { next } else { String::new() };
        self.show_text(&format!("{last}}}{after}"), out);
    }

    fn encode_list(&mut self, before: &str, fields: Parts, after: &str, out: Reg) {
        let mut next = format!("{before}[");
        for (source, ty) in &fields {
            self.show_text(&next, out);
            let value = self.read(source, ty);
            self.encode(ty, &value, out);
            next = ",".to_owned();
        }
        self.show_text(&format!("]{after}"), out);
    }
}
