//! What repeated measurements give, and their means.

use crate::flags::BenchFlags;

/// What each round gave: seconds, mostly.
pub(super) type Samples = Vec<f64>;

/// How often everything is measured.
pub(super) fn rounds(flags: &BenchFlags) -> usize {
    if flags.quick { 3 } else { 5 }
}

/// The middle one, or the mean of the two in the middle.
pub(super) fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        None => f64::NAN,
        Some(upper) if sorted.len() % 2 == 1 => *upper,
        Some(upper) => f64::midpoint(sorted.get(middle - 1).copied().unwrap_or(*upper), *upper),
    }
}

/// The geometric mean.
pub(super) fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::{geometric_mean, median};

    #[test]
    fn means_are_right() {
        assert!(median(&[]).is_nan());
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!((geometric_mean(&[0.5, 2.0, 4.0]) - 4f64.powf(1.0 / 3.0)).abs() < 1e-12);
    }
}
