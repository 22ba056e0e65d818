//! Candles of a timeframe that is not stored, made of shorter ones that are.

use std::ops::Range;
use std::sync::Arc;

use super::Series;
use super::extent::Extent;
use super::series::Parts;
use crate::domain::candles::Timeframe;
use crate::domain::resample::{Resampled, resampled_within};

/// The longest of `stored` that candles of `longer` can be made of: the fewest parts.
pub(super) fn finer(longer: Timeframe, stored: &[Timeframe]) -> Option<Timeframe> {
    stored.iter().copied().filter(|shorter| longer.is_made_of(*shorter)).max()
}

/// The open times of candles of `longer` of which every part lies in `span`, is stored, and has
/// closed by `now_ms`.
pub(super) fn complete_within(
    span: &Range<i64>,
    stored: (i64, i64),
    shorter: Timeframe,
    longer: Timeframe,
    now_ms: i64,
) -> Range<i64> {
    let start = longer.first_start_from(span.start.max(stored.0));
    let stored_end = stored.1.saturating_add(shorter.length_ms());
    let end = longer.start_of(span.end.min(stored_end).min(now_ms));
    start..end.max(start)
}

/// Makes the candles of `longer` that open in `span` from an extent of `shorter` ones that holds all
/// their parts. Duplicates, and rows that were left out, stay those of the parts.
pub(super) fn make(
    from: &Extent,
    shorter: Timeframe,
    longer: Timeframe,
    span: Range<i64>,
) -> Extent {
    let Series { candles, flaws, .. } = &from.series;
    let Resampled { candles, parts } = resampled_within(candles, longer, &span);
    let whole = longer.length_ms() / shorter.length_ms();
    let whole = u32::try_from(whole).unwrap_or(u32::MAX);
    let missing = parts.into_iter().map(|parts| whole.saturating_sub(parts)).collect();
    let series = Series {
        candles: Arc::new(candles),
        flaws: flaws.within(&span),
        made_of: Some(Arc::new(Parts { timeframe: shorter, missing })),
    };
    Extent::new(span, series, Vec::new(), Some(from.id))
}
