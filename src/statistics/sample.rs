//! Counts as floats.

/// A count as a float; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts of days, variants and draws are smaller")]
pub(super) fn count(count: usize) -> f64 {
    count as f64
}
