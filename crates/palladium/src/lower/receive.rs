//! `receive`: which message is for which arm.

use super::code::{Code, Value};
use super::function::Body;
use crate::core::{Expr, LocalId, MessageArm, Receive, SystemArm, SystemMessage, Type};
use crate::mir::{BinaryOp, BlockIdx, Class, Compare, MachineOp, Operand, Reg};

/// Up to so many tags are compared one after the other.
const IN_A_ROW: usize = 4;

/// The tags of what the system tells.
const EXIT: i32 = -2;
const DOWN: i32 = -3;
const NODE_UP: i32 = -4;
const NODE_DOWN: i32 = -5;

/// A message that has come.
#[derive(Clone, Copy)]
pub(super) struct Came {
    tag: Reg,
    sender: Reg,
    pub(super) length: Reg,
}

impl<'a> Body<'_, 'a> {
    pub(super) fn receive(&mut self, receive: &'a Receive, ty: &Type) -> Value {
        let result = self.code.value(ty);
        let after = self.code.block();
        let deadline = receive.after.as_ref().map(|(time, _)| self.deadline(time));
        let next = self.code.block();
        self.code.jump(next);
        self.code.at(next);
        let came = match (deadline, &receive.after) {
            (Some(deadline), Some((_, body))) => {
                let (came, late, here) = self.receive_until(deadline);
                self.code.at(late);
                self.expr_to(body, &result);
                self.code.jump(after);
                self.code.at(here);
                came
            }
            _ => self.receive_any(),
        };
        let other = self.code.block();
        self.message_arms(receive, came, other, after, &result);
        self.code.at(other);
        let (of_system, unknown) = (self.code.block(), self.code.block());
        self.code.branch(Compare::Lt, came.tag, Operand::Imm(0), of_system, unknown);
        self.code.at(of_system);
        self.system_arms(&receive.system, came, next, after, &result);
        self.code.at(unknown);
        self.bind(receive.unknown.tag, &[came.tag]);
        self.bind(receive.unknown.length, &[came.length]);
        self.expr(&receive.unknown.body);
        self.code.jump(next);
        self.code.at(after);
        result
    }

    fn receive_any(&mut self) -> Came {
        let any = self.code.int(-1);
        self.code.receive_tagged(any)
    }

    /// The time, in ns, at which waiting ends.
    fn deadline(&mut self, time: &'a Expr) -> Reg {
        let time = self.expr(time)[0];
        let now = self.code.machine(MachineOp::Mono, &[], &[Class::Int])[0];
        self.code.binary(BinaryOp::AddWrap, now, Operand::Reg(time))
    }

    /// Waits for a message until then. Gives the blocks for when there was none, and for when there
    /// was.
    fn receive_until(&mut self, deadline: Reg) -> (Came, BlockIdx, BlockIdx) {
        let now = self.code.machine(MachineOp::Mono, &[], &[Class::Int])[0];
        let left = self.code.binary(BinaryOp::SubWrap, deadline, Operand::Reg(now));
        let left = self.code.binary(BinaryOp::AddWrap, left, Operand::Imm(999_999));
        let zero = self.code.int(0);
        let left = self.code.binary(BinaryOp::Max, left, Operand::Reg(zero));
        let ms = self.code.binary(BinaryOp::Div, left, Operand::Imm(1_000_000));
        let any = self.code.int(-1);
        let came = self.code.machine(MachineOp::ReceiveWithin, &[any, ms], &[Class::Int; 4]);
        let (late, here) = (self.code.block(), self.code.block());
        self.code.branch(Compare::Ne, came[0], Operand::Imm(0), here, late);
        (Came { tag: came[1], sender: came[2], length: came[3] }, late, here)
    }

    fn system_arms(
        &mut self,
        arms: &'a [SystemArm],
        came: Came,
        next: BlockIdx,
        after: BlockIdx,
        result: &[Reg],
    ) {
        for arm in arms {
            let (this, other) = (self.code.block(), self.code.block());
            let tag = match arm.kind {
                SystemMessage::Exit => EXIT,
                SystemMessage::Down => DOWN,
                SystemMessage::NodeUp => NODE_UP,
                SystemMessage::NodeDown => NODE_DOWN,
            };
            self.code.branch(Compare::Eq, came.tag, Operand::Imm(tag), this, other);
            self.code.at(this);
            self.bind(arm.sender, &[came.sender]);
            let value = match arm.kind {
                // Behind the reference of the monitor.
                SystemMessage::Down => self.code.message_cell(1),
                _ => self.code.machine(MachineOp::MessageInt, &[], &[Class::Int])[0],
            };
            self.bind(arm.value, &[value]);
            self.expr_to(&arm.body, result);
            self.code.jump(after);
            self.code.at(other);
        }
        // Nobody has asked for it.
        self.code.jump(next);
    }

    /// Goes to `other` with what is no message of the process's own.
    fn message_arms(
        &mut self,
        receive: &'a Receive,
        came: Came,
        other: BlockIdx,
        after: BlockIdx,
        result: &[Reg],
    ) {
        let of = self.ty(&receive.of);
        let mut kinds = self.code.kinds(&of);
        kinds.sort_by_key(|kind| kind.tag);
        let blocks: Vec<BlockIdx> = kinds.iter().map(|_| self.code.block()).collect();
        let tags: Vec<(i64, BlockIdx)> =
            kinds.iter().zip(&blocks).map(|(kind, block)| (kind.tag, *block)).collect();
        self.code.by_tag(came.tag, &tags, other);
        let whole = match receive.arms.as_slice() {
            [MessageArm { variant: None, fields, body }] => Some((fields[0], body)),
            _ => None,
        };
        let shared = whole.map(|_| self.code.block());
        for (kind, block) in kinds.iter().zip(blocks) {
            self.code.at(block);
            let values = self.code.message_fields(&kind.fields, came.length, other);
            if let (Some((local, _)), Some(shared)) = (whole, shared) {
                let value = match self.code.is_by_variant(&of) {
                    true => self.code.variant(&of, kind.variant, values),
                    false => values.concat(),
                };
                self.bind(local, &value);
                self.code.jump(shared);
                continue;
            }
            let arm = receive.arms.iter().find(|arm| arm.variant == Some(kind.variant));
            if let Some(arm) = arm {
                self.bind_fields(&arm.fields, &values);
                self.expr_to(&arm.body, result);
            }
            self.code.jump(after);
        }
        if let (Some((_, body)), Some(shared)) = (whole, shared) {
            self.code.at(shared);
            self.expr_to(body, result);
            self.code.jump(after);
        }
    }

    fn bind_fields(&mut self, fields: &[LocalId], values: &[Value]) {
        for (local, value) in fields.iter().zip(values) {
            self.bind(*local, value);
        }
    }
}

impl Code<'_, '_> {
    /// Waits for ever for a message with a tag, -1 for any.
    pub(super) fn receive_tagged(&mut self, tag: Reg) -> Came {
        let forever = self.int(-1);
        let came = self.machine(MachineOp::Receive, &[tag, forever], &[Class::Int; 3]);
        Came { tag: came[0], sender: came[1], length: came[2] }
    }

    /// Goes where a tag says; the tags are in ascending order.
    fn by_tag(&mut self, tag: Reg, tags: &[(i64, BlockIdx)], unknown: BlockIdx) {
        if tags.len() > IN_A_ROW {
            let (low, high) = tags.split_at(tags.len() / 2);
            let (below, above) = (self.block(), self.block());
            let first = self.int(high[0].0);
            self.branch(Compare::Lt, tag, Operand::Reg(first), below, above);
            self.at(below);
            self.by_tag(tag, low, unknown);
            self.at(above);
            return self.by_tag(tag, high, unknown);
        }
        for (known, block) in tags {
            let (known, other) = (self.int(*known), self.block());
            self.branch(Compare::Eq, tag, Operand::Reg(known), *block, other);
            self.at(other);
        }
        self.jump(unknown);
    }
}
