//! Arithmetic whose result must not depend on the machine or the compiler.

/// The bits of a float that leaves the float lane. There is one NaN outside: which NaN an operation
/// gives is left open by IEEE 754 and differs between processors and compilers.
#[inline(always)]
pub(super) fn bits(number: f64) -> u64 {
    if number.is_nan() { f64::NAN.to_bits() } else { number.to_bits() }
}

/// `minNum` with -0 below +0.
#[inline(always)]
pub(super) fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || (b == a && b.is_sign_negative()) || b < a { b } else { a }
}

/// `maxNum` with +0 above -0.
#[inline(always)]
pub(super) fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || (b == a && a.is_sign_negative()) || b > a { b } else { a }
}

/// The original's `lui`: two bytes shifted into a 32-bit value.
#[inline(always)]
pub(super) fn lui(value: i64, bytes: i64) -> i64 {
    i64::from(((value as i32) << 16) | bytes as i32)
}
