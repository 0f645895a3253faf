//! A type of blocks for the tests: a node with a number and two others, or nothing.

use palladium::mir::{
    BinaryOp, Class, Compare, FnIdx, Function, Glue, GlueIdx, Inst, Reg, Terminator,
};

use crate::build::{Building, imm, reg};

pub(crate) const NODE: GlueIdx = GlueIdx(0);
pub(crate) const PTR: Class = Class::Ptr(NODE);
/// What stands for no node.
pub(crate) const NIL: i64 = 1;
pub(crate) const VALUE: u16 = 8;
pub(crate) const LEFT: u16 = 16;
pub(crate) const RIGHT: u16 = 24;

/// The glue of nodes, and its functions.
pub(crate) fn glue(drop: FnIdx, copy: FnIdx) -> Vec<Glue> {
    let pointers = vec![vec![], vec![(LEFT, NODE), (RIGHT, NODE)]];
    vec![Glue { pointers: Some(pointers), drop: Some(drop), copy: Some(copy) }]
}

pub(crate) fn drop() -> Function {
    let mut f = Building::new("node.drop", &[Class::Int], &[]);
    f.passing(&[true]);
    let block = f.param(0);
    for offset in [LEFT, RIGHT] {
        let s = f.load(Class::Int, block, offset);
        let d = f.ptr(NODE);
        f.emit(Inst::Copy { d, s });
    }
    f.emit(Inst::Free { s: block });
    f.ret(&[]);
    f.finish()
}

pub(crate) fn copy() -> Function {
    let mut f = Building::new("node.copy", &[PTR], &[PTR]);
    f.passing(&[true]);
    let old = f.param(0);
    let value = f.load(Class::Int, old, VALUE);
    let (left, right) = (f.load(PTR, old, LEFT), f.load(PTR, old, RIGHT));
    let new = node(&mut f, value, left, right);
    f.ret(&[new]);
    f.finish()
}

pub(crate) fn nil(f: &mut Building) -> Reg {
    let d = f.ptr(NODE);
    f.emit(Inst::Int { d, value: NIL });
    d
}

pub(crate) fn node(f: &mut Building, value: Reg, left: Reg, right: Reg) -> Reg {
    let d = f.ptr(NODE);
    f.emit(Inst::New { d, bytes: 32, variant: 1 });
    f.store(d, VALUE, value);
    f.store(d, LEFT, left);
    f.store(d, RIGHT, right);
    d
}

/// A number that depends on all of a tree down to a depth: (tree, depth) -> number.
pub(crate) fn digest(itself: FnIdx) -> Function {
    let mut f = Building::new("digest", &[PTR, Class::Int], &[Class::Int]);
    let (tree, depth) = (f.param(0), f.param(1));
    let (some, deep, end) = (f.block(), f.block(), f.block());
    f.branch(Compare::Eq, tree, imm(NIL as i32), end, some);
    f.at(some);
    f.branch(Compare::Le, depth, imm(0), end, deep);
    f.at(end);
    let zero = f.number(7);
    f.ret(&[zero]);
    f.at(deep);
    let below = f.binary(BinaryOp::Sub, depth, imm(1));
    let left = f.load(PTR, tree, LEFT);
    let a = f.call(itself, &[left, below], &[Class::Int])[0];
    let right = f.load(PTR, tree, RIGHT);
    let b = f.call(itself, &[right, below], &[Class::Int])[0];
    let value = f.load(Class::Int, tree, VALUE);
    let sum = f.binary(BinaryOp::MulWrap, a, imm(31));
    let sum = f.binary(BinaryOp::AddWrap, sum, reg(b));
    let sum = f.binary(BinaryOp::MulWrap, sum, imm(17));
    let sum = f.binary(BinaryOp::AddWrap, sum, reg(value));
    f.ret(&[sum]);
    f.finish()
}

/// Prints the lower bits of a number as letters.
pub(crate) fn print(f: &mut Building, number: Reg) {
    let mut rest = number;
    for _ in 0..6 {
        let digit = f.binary(BinaryOp::And, rest, imm(15));
        let letter = f.binary(BinaryOp::Add, digit, imm(i32::from(b'a')));
        f.print(letter);
        rest = f.binary(BinaryOp::ShrU, rest, imm(4));
    }
    let line = f.number(10);
    f.print(line);
}

pub(crate) fn exit(f: &mut Building) {
    let code = f.number(0);
    f.end(Terminator::Exit { code });
}
