//! What `std/wire.pd` leaves to the back end.

use crate::core::Type;
use crate::core::protocol::described;
use crate::lower::code::{Code, ELEMENTS, Value};
use crate::lower::derive::Reader;
use crate::lower::derive::json::{NONE, SOME};
use crate::mir::{BinaryOp, BlockIdx, Compare, Inst, Operand, Reg};

/// The bytes in front of a value that is kept.
const FINGERPRINT: i32 = 8;

impl Code<'_, '_> {
    pub(in crate::lower) fn wire_intrinsic(
        &mut self,
        name: &str,
        types: &[Type],
        args: &[Value],
    ) -> Value {
        let word = |n: usize| args[n][0];
        match (name, types) {
            ("store", _) => {
                self.store(word(0), 0, word(1));
                Vec::new()
            }
            ("size", [ty]) => vec![self.size_at(ty, &args[0], Some(word(1)))],
            ("size_of_key", [ty]) => vec![self.size_of_element(ty, &args[0], Some(word(1)))],
            ("write", [ty]) => vec![self.write_wire(ty, &args[0], word(1))],
            ("write_key", [ty]) => vec![self.write_element(ty, &args[0], word(1))],
            ("read", [ty]) => self.read_or_say(args, ty, Self::read_wire),
            ("read_key", [ty]) => self.read_or_say(args, ty, Self::read_element),
            ("to_bytes", [ty]) => vec![self.write_wire_bytes(ty, &args[0])],
            ("from_bytes", [ty]) => self.read_wire_bytes(ty, word(0)),
            ("fingerprint", [ty]) => vec![self.fingerprint(ty)],
            ("name", [ty]) => {
                let (name, _) = described(self.context.program, ty);
                vec![self.text(name.as_bytes())]
            }
            _ => Vec::new(),
        }
    }

    /// Reads a value for the library: that it is wrong is told by the address, -1.
    fn read_or_say(
        &mut self,
        args: &[Value],
        ty: &Type,
        read: fn(&mut Self, &Type, &Reader, BlockIdx) -> Value,
    ) -> Value {
        let (at, end, depth) = (args[0][0], args[1][0], Some(args[2][0]));
        let value = self.variable(ty);
        let (wrong, after) = (self.block(), self.block());
        let found = read(self, ty, &Reader { at, end, depth }, wrong);
        self.copy_to(&value, &found);
        self.jump(after);
        self.at(wrong);
        let nothing = self.nothing(ty);
        self.copy_to(&value, &nothing);
        self.emit(Inst::Int { d: at, value: -1 });
        self.jump(after);
        self.at(after);
        value
    }

    fn fingerprint(&mut self, ty: &Type) -> Reg {
        let (_, fingerprint) = described(self.context.program, ty);
        self.int(fingerprint)
    }

    fn write_wire_bytes(&mut self, ty: &Type, value: &[Reg]) -> Reg {
        let length = self.wire_size(ty, value);
        let length = self.binary(BinaryOp::AddWrap, length, Operand::Imm(FINGERPRINT));
        let d = self.block_of(length);
        let begin = self.address(d, ELEMENTS);
        let fingerprint = self.fingerprint(ty);
        self.store(begin, 0, fingerprint);
        let at = self.binary(BinaryOp::AddWrap, begin, Operand::Imm(FINGERPRINT));
        self.write_wire(ty, value, at);
        d
    }

    fn read_wire_bytes(&mut self, ty: &Type, bytes: Reg) -> Value {
        let Some(option) = self.context.program.known.option else { return Vec::new() };
        let option = Type::Enum(option, [ty.clone()].into());
        let result = self.variable(&option);
        let (wrong, whole, after) = (self.block(), self.block(), self.block());
        let at = self.variable(&Type::Int);
        let begin = self.address(bytes, ELEMENTS);
        let first = self.binary(BinaryOp::AddWrap, begin, Operand::Imm(FINGERPRINT));
        self.copy_to(&at, &[first]);
        let length = self.length(bytes);
        let end = self.binary(BinaryOp::AddWrap, begin, Operand::Reg(length));
        self.must(Compare::Ge, length, FINGERPRINT, wrong);
        let value = self.read_wire(ty, &Reader::new(at[0], end), wrong);
        self.branch(Compare::Eq, at[0], Operand::Reg(end), whole, wrong);
        self.at(whole);
        let some = self.variant(&option, SOME, vec![value]);
        self.copy_to(&result, &some);
        self.jump(after);
        self.at(wrong);
        let none = self.variant(&option, NONE, vec![Vec::new()]);
        self.copy_to(&result, &none);
        self.jump(after);
        self.at(after);
        result
    }
}
