//! Which part of the translator does an instruction.

use iridium_vm::is_done_beside;

use super::translator::Translator;
use crate::operation::Control;

impl Translator<'_, '_> {
    /// Does the current instruction. Returns whether control goes on to the next one in the current
    /// block.
    pub(super) fn translate(&mut self) -> bool {
        self.read_lanes();
        match &self.operation().next {
            Control::End => self.leave(),
            Control::Interpret => {
                // Outside of this machine code nobody pays for tolls.
                if is_done_beside(self.instruction().opcode()) && !self.is_toll() {
                    self.do_beside();
                } else {
                    self.step();
                }
                return true;
            }
            Control::Next => {
                self.look_at_toll();
                let instruction = self.instruction();
                let is_done = self.compute(instruction)
                    || self.access_memory(instruction)
                    || self.use_block(instruction);
                if is_done {
                    self.owe_toll();
                    self.meet();
                    return true;
                }
                self.leave();
            }
            Control::Jump(to) => {
                self.jump(*to);
            }
            Control::Branch(to) => {
                self.look_at_toll();
                let instruction = self.instruction();
                if !(self.compare_and_branch(instruction, *to)
                    || self.branch_on_block(instruction, *to))
                {
                    self.leave();
                }
            }
            Control::Table(to) => {
                self.look_at_toll();
                self.jump_table(to);
            }
            Control::Call(to) => self.call(*to),
            Control::CallComputed(register) => self.call_computed(*register),
            Control::Return => self.return_from_call(),
        }
        false
    }
}
