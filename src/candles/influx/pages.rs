//! Cuts a span into pages, and puts the candles of pages together.

use std::mem::take;
use std::ops::Range;
use std::sync::Arc;

use crate::candles::Series;
use crate::domain::candles::Candles;

/// The pages of a span, each `length_ms` long but the last.
pub(super) fn of(span: Range<i64>, length_ms: i64) -> impl Iterator<Item = Range<i64>> {
    let mut start = span.start;
    std::iter::from_fn(move || {
        if start >= span.end {
            return None;
        }
        let page = start..start.saturating_add(length_ms.max(1)).min(span.end);
        start = page.end;
        Some(page)
    })
}

/// One page as several buckets have it: of candles with one open time the first bucket's stays.
pub(super) fn merged(mut buckets: Vec<Candles>) -> Candles {
    buckets.retain(|candles| !candles.is_empty());
    if buckets.len() < 2 {
        return buckets.pop().unwrap_or_default();
    }
    buckets.reverse();
    // Of candles with one open time a series keeps the last.
    let series = Series::from_unsorted(joined(buckets));
    Arc::unwrap_or_clone(series.candles)
}

/// Candles one after the other. One column is copied at a time and freed where it came from, so that
/// no more than that column is in memory twice.
pub(super) fn joined(mut parts: Vec<Candles>) -> Candles {
    if parts.len() < 2 {
        return parts.pop().unwrap_or_default();
    }
    Candles {
        time: column(&mut parts, |candles| &mut candles.time),
        open: column(&mut parts, |candles| &mut candles.open),
        high: column(&mut parts, |candles| &mut candles.high),
        low: column(&mut parts, |candles| &mut candles.low),
        close: column(&mut parts, |candles| &mut candles.close),
        volume: column(&mut parts, |candles| &mut candles.volume),
    }
}

fn column<T: Copy>(parts: &mut [Candles], of: impl Fn(&mut Candles) -> &mut Vec<T>) -> Vec<T> {
    let count = parts.iter_mut().map(|part| of(part).len()).sum();
    let mut column = Vec::with_capacity(count);
    for part in parts {
        column.extend_from_slice(&take(of(part)));
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candles(times: &[i64], price: f64) -> Candles {
        let mut candles = Candles::default();
        times.iter().for_each(|time| candles.push(*time, [price; 5]));
        candles
    }

    #[test]
    fn pages_cover_a_span_without_gap_and_overlap() {
        assert_eq!(of(0..25, 10).collect::<Vec<_>>(), [0..10, 10..20, 20..25]);
        assert_eq!(of(5..5, 10).count(), 0);
        assert_eq!(of(i64::MAX - 1..i64::MAX, 10).count(), 1);
    }

    #[test]
    fn the_first_bucket_wins_and_the_others_fill_its_gaps() {
        let merged =
            merged(vec![candles(&[2, 4], 1.0), Candles::default(), candles(&[1, 2, 3], 2.0)]);
        assert_eq!(merged.time, [1, 2, 3, 4]);
        assert_eq!(merged.close, [2.0, 1.0, 2.0, 1.0]);
    }

    #[test]
    fn candles_one_after_the_other_keep_their_order() {
        let joined = joined(vec![candles(&[3, 4], 1.0), candles(&[], 0.0), candles(&[1], 2.0)]);
        assert_eq!(joined.time, [3, 4, 1]);
        assert_eq!(joined.volume, [1.0, 1.0, 2.0]);
    }
}
