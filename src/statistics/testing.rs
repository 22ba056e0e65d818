//! Series and comparisons for the tests of this module.

use super::random::{Purpose, Random};

/// A return as it is kept.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
pub(super) fn narrow(value: f64) -> f32 {
    value as f32
}

/// Variants without skill: independent returns around 0, evenly spread within ±`width` / 2.
pub(super) fn noise(seed: u64, variants: usize, days: usize, width: f64) -> Vec<Vec<f32>> {
    let mut random = Random::new(seed, b"noise", Purpose::Bootstrap);
    let mut day = || narrow(width * (random.f64() - 0.5));
    (0..variants).map(|_| (0..days).map(|_| day()).collect()).collect()
}

/// The same, as it is passed on.
pub(super) fn slices(variants: &[Vec<f32>]) -> Vec<&[f32]> {
    variants.iter().map(Vec::as_slice).collect()
}

#[track_caller]
pub(super) fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected}");
}
