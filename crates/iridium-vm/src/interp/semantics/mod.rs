//! What the fast instructions do. Both backends compile these functions in.
//!
//! A function reads its operands by their position among the instruction's registers. It leaves
//! rare cases (traps, growing, read-only data) to the slow path by changing nothing and returning
//! [`Step::SlowPath`].
//!
//! `F` is where an operand comes from; see [`register_cache`](super::register_cache).

mod blocks;
mod bulk;
mod messages;

pub(super) use self::blocks::{
    brsh, cap, drop_, free, keep, ldx8, ldx64, ldxf64, new, stx8, stx64, stxf64,
};
pub(super) use self::bulk::{find, hash, memcmp, memcpy, newv};
pub(super) use self::messages::{msgf64, msgi, msgm, recv, recv_if_there, send, sendf64, sendi};
use super::arithmetic::{self, bits};
use super::machine::{Machine, Step};

/// `name: |operands| result;` for instructions that compute one value from registers.
macro_rules! compute {
    ($get:ident $set:ident: $($name:ident |$a:ident| $value:expr;)+) => {$(
        #[inline(always)]
        pub(in crate::interp) fn $name<const F: usize>(m: &mut Machine<'_, F>) -> Step {
            let $a = m.$get(0);
            m.$set(1, $value);
            Step::Next
        }
    )+};
    ($get:ident $set:ident: $($name:ident |$a:ident, $b:ident| $value:expr;)+) => {$(
        #[inline(always)]
        pub(in crate::interp) fn $name<const F: usize>(m: &mut Machine<'_, F>) -> Step {
            let ($a, $b) = (m.$get(0), m.$get(1));
            m.$set(2, $value);
            Step::Next
        }
    )+};
}

/// The same for instructions with a register and a literal.
macro_rules! compute_literal {
    ($($name:ident |$a:ident, $n:ident| $value:expr;)+) => {$(
        #[inline(always)]
        pub(in crate::interp) fn $name<const F: usize>(m: &mut Machine<'_, F>) -> Step {
            let ($a, $n) = (m.int(0), m.literal());
            m.set_int(1, $value);
            Step::Next
        }
    )+};
}

/// `name: |a, b| condition;` for comparisons that set the flag.
macro_rules! compare {
    ($get:ident: $($name:ident |$a:ident, $b:ident| $condition:expr;)+) => {$(
        #[inline(always)]
        pub(in crate::interp) fn $name<const F: usize>(m: &mut Machine<'_, F>) -> Step {
            let ($a, $b) = (m.$get(0), m.$get(1));
            m.run().flag = $condition;
            Step::Next
        }
    )+};
}

/// `name: |a, b| condition;` for compare-and-branch.
macro_rules! branch {
    ($get:ident: $($name:ident |$a:ident, $b:ident| $condition:expr;)+) => {$(
        #[inline(always)]
        pub(in crate::interp) fn $name<const F: usize>(m: &mut Machine<'_, F>) -> Step {
            let ($a, $b) = (m.$get(0), m.$get(1));
            if $condition { m.jump() } else { Step::Next }
        }
    )+};
}

macro_rules! branch_literal {
    ($($name:ident |$a:ident, $n:ident| $condition:expr;)+) => {$(
        #[inline(always)]
        pub(in crate::interp) fn $name<const F: usize>(m: &mut Machine<'_, F>) -> Step {
            let ($a, $n) = (m.int(0), m.literal());
            if $condition { m.jump() } else { Step::Next }
        }
    )+};
}

compute! { int set_int:
    not |a| !a;
    mov |a| a;
    clz |a| i64::from(a.leading_zeros());
    ctz |a| i64::from(a.trailing_zeros());
    popcnt |a| i64::from(a.count_ones());
}

compute! { int set_int:
    add |a, b| a.wrapping_add(b);
    sub |a, b| a.wrapping_sub(b);
    mul |a, b| a.wrapping_mul(b);
    and |a, b| a & b;
    or |a, b| a | b;
    xor |a, b| a ^ b;
    sll |a, b| a.wrapping_shl(b as u32);
    srl |a, b| (a as u64).wrapping_shr(b as u32) as i64;
    sra |a, b| a.wrapping_shr(b as u32);
    min |a, b| a.min(b);
    max |a, b| a.max(b);
    minu |a, b| (a as u64).min(b as u64) as i64;
    maxu |a, b| (a as u64).max(b as u64) as i64;
}

compute_literal! {
    addi |a, n| a.wrapping_add(n);
    subi |a, n| a.wrapping_sub(n);
    muli |a, n| a.wrapping_mul(n);
    andi |a, n| a & n;
    ori |a, n| a | n;
    xori |a, n| a ^ n;
    slli |a, n| a.wrapping_shl(n as u32);
    srli |a, n| (a as u64).wrapping_shr(n as u32) as i64;
    srai |a, n| a.wrapping_shr(n as u32);
}

compute! { float set_float:
    movf64 |a| a;
    sqrtf64 |a| a.sqrt();
    absf64 |a| a.abs();
    negf64 |a| -a;
    floorf64 |a| a.floor();
    ceilf64 |a| a.ceil();
    truncf64 |a| a.trunc();
    roundf64 |a| a.round_ties_even();
}

compute! { float set_float:
    addf64 |a, b| a + b;
    subf64 |a, b| a - b;
    mulf64 |a, b| a * b;
    divf64 |a, b| a / b;
    minf64 |a, b| arithmetic::min(a, b);
    maxf64 |a, b| arithmetic::max(a, b);
}

compute! { int set_float:
    itof |a| a as f64;
    f64bits |a| f64::from_bits(a as u64);
}

compute! { float set_int:
    ftoi |a| a as i64;
    bitsf64 |a| bits(a) as i64;
}

compare! { int:
    eq |a, b| a == b;
    neq |a, b| a != b;
    gt |a, b| a > b;
    gte |a, b| a >= b;
    lt |a, b| a < b;
    lte |a, b| a <= b;
}

compare! { float:
    eqf64 |a, b| a == b;
    neqf64 |a, b| a != b;
    gtf64 |a, b| a > b;
    gtef64 |a, b| a >= b;
    ltf64 |a, b| a < b;
    ltef64 |a, b| a <= b;
}

branch! { int:
    breq |a, b| a == b;
    brne |a, b| a != b;
    brlt |a, b| a < b;
    brle |a, b| a <= b;
    brgt |a, b| a > b;
    brge |a, b| a >= b;
    brltu |a, b| (a as u64) < b as u64;
    brleu |a, b| a as u64 <= b as u64;
    brgtu |a, b| a as u64 > b as u64;
    brgeu |a, b| a as u64 >= b as u64;
}

branch! { float:
    breqf64 |a, b| a == b;
    brnef64 |a, b| a != b;
    brltf64 |a, b| a < b;
    brlef64 |a, b| a <= b;
    brgtf64 |a, b| a > b;
    brgef64 |a, b| a >= b;
}

branch_literal! {
    breqi |a, n| a == n;
    brnei |a, n| a != n;
    brlti |a, n| a < n;
    brlei |a, n| a <= n;
    brgti |a, n| a > n;
    brgei |a, n| a >= n;
    brltui |a, n| (a as u64) < n as u64;
    brleui |a, n| a as u64 <= n as u64;
    brgtui |a, n| a as u64 > n as u64;
    brgeui |a, n| a as u64 >= n as u64;
}

macro_rules! offset {
    ($m:ident offset) => {
        $m.literal()
    };
    ($m:ident none) => {
        0
    };
}

/// `name: bytes, |bytes| value;` for loads with an offset.
macro_rules! load_from {
    ($($name:ident $set:ident $literal:ident |$bytes:ident: $type:ty| $value:expr;)+) => {$(
        #[inline(always)]
        pub(in crate::interp) fn $name<const F: usize>(m: &mut Machine<'_, F>) -> Step {
            let address = m.int(0).wrapping_add(offset!(m $literal));
            match m.load::<{ size_of::<$type>() }>(address) {
                Some(bytes) => {
                    let $bytes = <$type>::from_le_bytes(bytes);
                    m.$set(1, $value);
                    Step::Next
                }
                None => Step::SlowPath,
            }
        }
    )+};
}

/// `name: |value| bytes;` for stores with an offset.
macro_rules! store_to {
    ($($name:ident $get:ident $literal:ident |$value:ident| $bytes:expr;)+) => {$(
        #[inline(always)]
        pub(in crate::interp) fn $name<const F: usize>(m: &mut Machine<'_, F>) -> Step {
            let address = m.int(0).wrapping_add(offset!(m $literal));
            let $value = m.$get(1);
            match m.store(address, $bytes.to_le_bytes()) {
                Some(()) => Step::Next,
                None => Step::SlowPath,
            }
        }
    )+};
}

load_from! {
    ld8 set_int offset |v: u8| i64::from(v);
    ld8s set_int offset |v: i8| i64::from(v);
    ld16 set_int offset |v: u16| i64::from(v);
    ld16s set_int offset |v: i16| i64::from(v);
    ld32 set_int offset |v: u32| i64::from(v);
    ld32s set_int offset |v: i32| i64::from(v);
    ld64 set_int offset |v: i64| v;
    ldf64 set_float offset |v: u64| f64::from_bits(v);
    loadm set_int none |v: i32| i64::from(v);
}

store_to! {
    st8 int offset |v| (v as u8);
    st16 int offset |v| (v as u16);
    st32 int offset |v| (v as u32);
    st64 int offset |v| v;
    stf64 float offset |v| bits(v);
    setm int none |v| (v as u32);
}

#[inline(always)]
pub(in crate::interp) fn load<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let value = m.wide_literal();
    m.set_int(0, value);
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn loadf64<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let bits = m.wide_literal() as u64;
    m.set_float(0, f64::from_bits(bits));
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn nop<const F: usize>(_: &mut Machine<'_, F>) -> Step {
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn lui<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let value = arithmetic::lui(m.int(0), m.literal());
    m.set_int(0, value);
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn inc<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let value = m.int(0).wrapping_add(1);
    m.set_int(0, value);
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn dec<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let value = m.int(0).wrapping_sub(1);
    m.set_int(0, value);
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn shl<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let value = m.int(0).wrapping_shl(m.literal() as u32);
    m.set_int(0, value);
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn shr<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let value = m.int(0).wrapping_shr(m.literal() as u32);
    m.set_int(0, value);
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn div<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let (a, b) = (m.int(0), m.int(1));
    match (a.checked_div(b), a.checked_rem(b)) {
        (Some(quotient), Some(remainder)) => {
            m.run().remainder = remainder;
            m.set_int(2, quotient);
            Step::Next
        }
        _ => Step::SlowPath,
    }
}

/// `name: |a, b| result, if there is one;`
macro_rules! partial {
    ($($name:ident |$a:ident, $b:ident| $value:expr;)+) => {$(
        #[inline(always)]
        pub(in crate::interp) fn $name<const F: usize>(m: &mut Machine<'_, F>) -> Step {
            let ($a, $b) = (m.int(0), m.int(1));
            match $value {
                Some(value) => {
                    m.set_int(2, value as i64);
                    Step::Next
                }
                None => Step::SlowPath,
            }
        }
    )+};
}

/// As `partial`, with a literal as the second operand.
macro_rules! partial_literal {
    ($($name:ident |$a:ident, $n:ident| $value:expr;)+) => {$(
        #[inline(always)]
        pub(in crate::interp) fn $name<const F: usize>(m: &mut Machine<'_, F>) -> Step {
            let ($a, $n) = (m.int(0), m.literal());
            match $value {
                Some(value) => {
                    m.set_int(1, value);
                    Step::Next
                }
                None => Step::SlowPath,
            }
        }
    )+};
}

partial! {
    addc |a, b| a.checked_add(b);
    subc |a, b| a.checked_sub(b);
    mulc |a, b| a.checked_mul(b);
}

partial_literal! {
    addci |a, n| a.checked_add(n);
    subci |a, n| a.checked_sub(n);
    mulci |a, n| a.checked_mul(n);
}

#[inline(always)]
pub(in crate::interp) fn negc<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    match m.int(0).checked_neg() {
        Some(value) => {
            m.set_int(1, value);
            Step::Next
        }
        None => Step::SlowPath,
    }
}

partial! {
    rem |a, b| a.checked_rem(b);
    divu |a, b| (a as u64).checked_div(b as u64);
    remu |a, b| (a as u64).checked_rem(b as u64);
}

#[inline(always)]
pub(in crate::interp) fn getrem<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let remainder = m.run().remainder;
    m.set_int(0, remainder);
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn djmp<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    m.jump()
}

#[inline(always)]
pub(in crate::interp) fn djmpe<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    if m.run().flag { m.jump() } else { Step::Next }
}

#[inline(always)]
pub(in crate::interp) fn djmpn<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    if m.run().flag { Step::Next } else { m.jump() }
}

#[inline(always)]
pub(in crate::interp) fn jmp<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let index = m.int(0);
    m.jump_to(index)
}

#[inline(always)]
pub(in crate::interp) fn jmpe<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let index = m.int(0);
    if m.run().flag { m.jump_to(index) } else { Step::Next }
}

#[inline(always)]
pub(in crate::interp) fn jmpf<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let index = (m.index() as i64).wrapping_add(m.int(0));
    m.jump_to(index)
}

#[inline(always)]
pub(in crate::interp) fn jmpb<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let index = (m.index() as i64).wrapping_sub(m.int(0));
    m.jump_to(index)
}

#[inline(always)]
pub(in crate::interp) fn jtab<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let choice = m.int(0) as u64;
    if choice >= m.op().high as u64 {
        return Step::Next;
    }
    let position = m.op().literal as usize + choice as usize;
    match m.run().code.table_entry(position) {
        // What is cached at a label of the table takes the way from here into account.
        Some(index) => match m.jump_to(i64::from(index)) {
            Step::Landed => Step::Moved,
            other => other,
        },
        None => Step::SlowPath,
    }
}

#[inline(always)]
pub(in crate::interp) fn cloop<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    m.run().counter = u64::from(m.op().literal as u32);
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn loop_<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    if m.run().counter == 0 {
        return Step::Next;
    }
    let step = m.jump();
    if step == Step::Moved {
        m.run().counter -= 1;
    }
    step
}

#[inline(always)]
pub(in crate::interp) fn call<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    m.call(0)
}

#[inline(always)]
pub(in crate::interp) fn callw<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let slide = m.op().registers[0];
    m.call(slide)
}

#[inline(always)]
pub(in crate::interp) fn callr<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    m.call_computed(0)
}

#[inline(always)]
pub(in crate::interp) fn callwr<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let slide = m.op().registers[1];
    m.call_computed(slide)
}

#[inline(always)]
pub(in crate::interp) fn ret<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    m.ret()
}

#[inline(always)]
pub(in crate::interp) fn push<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let value = m.int(0);
    let process = &mut *m.run().process;
    let full = process.stack.len() as u64 >= process.limits.stack;
    if full || process.stack.len() == process.stack.capacity() {
        return Step::SlowPath;
    }
    process.stack.push(value);
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn pop<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    match m.run().process.stack.pop() {
        Some(value) => {
            m.set_int(0, value);
            Step::Next
        }
        None => Step::SlowPath,
    }
}
