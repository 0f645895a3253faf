//! The text of values.

use std::sync::Arc;

use crate::core::Type;
use crate::lower::code::Code;
use crate::lower::instances::{Derived, Key, Support};
use crate::mir::{Compare, Inst, Operand, Reg};

use super::Parts;

/// How the machine writes a float that reads back as it was.
const SHORTEST: i64 = -1;

impl Code<'_, '_> {
    /// Appends the text of a value to a string, in place.
    pub(in crate::lower) fn show(&mut self, ty: &Type, value: &[Reg], out: Reg, quoted: bool) {
        match ty {
            Type::Int => {
                self.change(Support::PushInt, &[out, value[0]], &[]);
            }
            Type::Float => {
                let how = self.int(SHORTEST);
                self.change(Support::PushFloat, &[out, value[0], how], &[]);
            }
            Type::String if !quoted => {
                self.change(Support::PushBytes, &[out, value[0]], &[]);
            }
            Type::Char if !quoted => {
                self.change(Support::PushChar, &[out, value[0]], &[]);
            }
            Type::Bool => self.show_bool(value[0], out),
            Type::Fn(_) => self.show_text("fn", out),
            _ => self.show_by_function(ty, value, out),
        }
    }

    fn show_by_function(&mut self, ty: &Type, value: &[Reg], out: Reg) {
        let function = match self.context.derived_by_library("derive_show", ty) {
            Some(function) => function,
            None => self.context.instances.get(Key::Derived(Derived::Show, ty.clone())),
        };
        let args = [value, &[out]].concat();
        self.emit(Inst::Call { function, args, results: vec![out] });
    }

    pub(super) fn show_bool(&mut self, bool: Reg, out: Reg) {
        let (yes, no, after) = (self.block(), self.block(), self.block());
        self.branch(Compare::Ne, bool, Operand::Imm(0), yes, no);
        for (block, text) in [(yes, "true"), (no, "false")] {
            self.at(block);
            self.show_text(text, out);
            self.jump(after);
        }
        self.at(after);
    }

    pub(super) fn show_text(&mut self, text: &str, out: Reg) {
        let text = self.text(text.as_bytes());
        self.change(Support::PushBytes, &[out, text], &[]);
    }

    pub(super) fn show_body(&mut self, ty: &Type, value: &[Reg], out: Reg) {
        match ty {
            Type::Record(id, _) => {
                let record = &self.context.program.records[id.0 as usize];
                let labels = record.fields.iter().map(|(name, _)| Some(Arc::clone(name)));
                let fields = self.fields_of(ty, value);
                self.show_fields(&record.name.clone(), labels.collect(), fields, out);
                self.give(vec![out]);
            }
            Type::Enum(id, _) => {
                let variants = &self.context.program.enums[id.0 as usize].variants;
                let blocks = self.blocks_by_variant(ty, value, variants.len() as u32);
                for (n, (variant, block)) in variants.iter().zip(blocks).enumerate() {
                    self.at(block);
                    let labels = variant.fields.iter().map(|(label, _)| label.clone()).collect();
                    let fields = self.payload_of(ty, n as u32, value);
                    self.show_fields(&variant.name, labels, fields, out);
                    self.give(vec![out]);
                }
            }
            Type::Tuple(types) => {
                let fields = self.fields_of(ty, value);
                let labels = vec![None; types.len()];
                if fields.is_empty() {
                    self.show_text("()", out);
                }
                self.show_fields("", labels, fields, out);
                self.give(vec![out]);
            }
            // Of what has no text of its own, the name of its type.
            other => {
                let name = format!("{other:?}");
                let name = name.split(['(', ' ']).next().unwrap_or_default();
                self.show_text(name, out);
                self.give(vec![out]);
            }
        }
    }

    /// `name(label: value, value)`
    fn show_fields(&mut self, name: &str, labels: Vec<Option<Arc<str>>>, fields: Parts, out: Reg) {
        let mut before = format!("{name}(");
        for (label, (source, ty)) in labels.iter().zip(&fields) {
            if let Some(label) = label {
                before.push_str(&format!("{label}: "));
            }
            self.show_text(&before, out);
            let value = self.read(source, ty);
            self.show(ty, &value, out, true);
            before = ", ".to_owned();
        }
        self.show_text(if fields.is_empty() { name } else { ")" }, out);
    }
}
