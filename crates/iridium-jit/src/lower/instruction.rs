//! Which part of the translator does an instruction.

use super::translator::Translator;
use crate::context::Leave;
use crate::operation::Control;

impl Translator<'_, '_> {
    /// Does the current instruction. Returns whether control goes on to the next one in the current
    /// block.
    pub(super) fn translate(&mut self) -> bool {
        match &self.operation().next {
            Control::Interpret | Control::End => self.leave(Leave::Interpret),
            Control::Next => {
                if self.is_toll() {
                    self.need_fuel();
                }
                let instruction = self.instruction();
                let is_done = self.compute(instruction)
                    || self.access_memory(instruction)
                    || self.use_block(instruction);
                if is_done {
                    if self.is_toll() {
                        self.take_fuel();
                    }
                    return true;
                }
                self.leave(Leave::Interpret);
            }
            Control::Jump(to) => {
                self.pay();
                self.jump_to_block(*to);
            }
            Control::Branch(to) => {
                if self.is_toll() {
                    self.need_fuel();
                }
                let instruction = self.instruction();
                if !(self.compare_and_branch(instruction, *to)
                    || self.branch_on_block(instruction, *to))
                {
                    self.leave(Leave::Interpret);
                }
            }
            Control::Table(to) => {
                if self.is_toll() {
                    self.need_fuel();
                }
                self.jump_table(to);
            }
            Control::Call(to) => self.call(*to),
            Control::CallComputed(register) => self.call_computed(*register),
            Control::Return => self.return_from_call(),
        }
        false
    }
}
