//! Output, clocks, chance and the arguments of the program.

use crate::lower::code::{Code, ELEMENTS, LENGTH, Value};
use crate::mir::{BinaryOp, Class, Inst, MachineOp, Operand, Reg};

impl Code<'_, '_> {
    pub(super) fn world_intrinsic(&mut self, name: &str, args: &[Value]) -> Value {
        let word = |n: usize| args[n][0];
        match name {
            "print_text" => {
                let bytes = self.bytes_of(word(0));
                self.machine(MachineOp::Print, &bytes, &[])
            }
            "eprint_text" => {
                let bytes = self.bytes_of(word(0));
                self.host("eprint", &bytes, &[])
            }
            "now_ns" => self.machine(MachineOp::Now, &[], &[Class::Int]),
            "mono_ns" => self.machine(MachineOp::Mono, &[], &[Class::Int]),
            "bits" => self.machine(MachineOp::Random, &[], &[Class::Int]),
            "sleep_ms" => self.machine(MachineOp::Sleep, &[word(0)], &[]),
            "arg_count" => self.host("env.arg_count", &[], &[Class::Int]),
            "arg_len" => self.host("env.arg_len", &[word(0)], &[Class::Int]),
            "arg_copy" => {
                self.arg_copy(word(0), word(1));
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn host(&mut self, name: &str, args: &[Reg], results: &[Class]) -> Value {
        let import = self.context.import(name);
        self.machine(MachineOp::Host(import), args, results)
    }

    /// Fills a string with an argument, as far as it has room; its length is what was copied.
    fn arg_copy(&mut self, index: Reg, to: Reg) {
        self.unique(to);
        let room = self.reg(Class::Int);
        self.emit(Inst::Capacity { d: room, s: to });
        let room = self.binary(BinaryOp::SubWrap, room, Operand::Imm(i32::from(ELEMENTS)));
        let address = self.address(to, ELEMENTS);
        let length = self.host("env.arg_copy", &[index, address, room], &[Class::Int])[0];
        self.store(to, LENGTH, length);
    }
}
