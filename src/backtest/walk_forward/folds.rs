//! Which windows a range is cut into.

use std::ops::Range;

use super::WalkForward;

/// A train window and the test window after it, half-open, in milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Where the choice is made.
    pub train: Range<i64>,
    /// Where the choice is tested.
    pub test: Range<i64>,
}

impl WalkForward {
    /// The folds of a range, oldest first. Each one's test window begins where the one before ended;
    /// the last one's may be cut short by the end of the range. None where the range is not longer
    /// than the first train window.
    pub fn folds(self, range: Range<i64>) -> impl Iterator<Item = Fold> {
        let Self { train_ms, test_ms, anchored, .. } = self;
        let first_test = range.start.saturating_add(train_ms);
        let next = move |start: &i64| Some(start.saturating_add(test_ms));
        let starts = std::iter::successors(Some(first_test), next);
        starts.take_while(move |start| *start < range.end).map(move |start| {
            let from = if anchored { range.start } else { start.saturating_sub(train_ms) };
            Fold { train: from..start, test: start..start.saturating_add(test_ms).min(range.end) }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::backtest::walk_forward::Objective;

    fn walk(train_ms: i64, test_ms: i64, anchored: bool) -> WalkForward {
        WalkForward { train_ms, test_ms, anchored, metric: Objective::default() }
    }

    fn folds(anchored: bool, range: Range<i64>) -> Vec<[i64; 4]> {
        let ends = |Fold { train, test }: Fold| [train.start, train.end, test.start, test.end];
        walk(30, 10, anchored).folds(range).map(ends).collect()
    }

    #[test]
    fn rolling_windows_move_by_the_test_window() {
        let expected = [[100, 130, 130, 140], [110, 140, 140, 150], [120, 150, 150, 160]];
        assert_eq!(folds(false, 100..160), expected);
    }

    #[test]
    fn anchored_windows_grow_from_the_start_of_the_range() {
        let expected = [[100, 130, 130, 140], [100, 140, 140, 150], [100, 150, 150, 160]];
        assert_eq!(folds(true, 100..160), expected);
    }

    #[test]
    fn the_last_test_window_is_cut_by_the_end_of_the_range() {
        assert_eq!(folds(false, 0..41), [[0, 30, 30, 40], [10, 40, 40, 41]]);
        assert_eq!(folds(false, 0..31), [[0, 30, 30, 31]]);
        assert_eq!(folds(false, 0..30), [[0; 4]; 0]);
    }

    proptest! {
        #[test]
        fn tests_cover_what_follows_the_first_train_window_once(
            start in -1_000..1_000_i64, len in 0..500_i64, train in 1..90_i64, test in 1..60_i64,
            anchored: bool,
        ) {
            let range = start..start + len;
            let mut covered = range.start + train;
            for fold in walk(train, test, anchored).folds(range.clone()) {
                prop_assert_eq!(fold.test.start, covered);
                prop_assert_eq!(fold.train.end, covered, "the past only, up to the test");
                let from = if anchored { start } else { covered - train };
                prop_assert_eq!(fold.train.start, from);
                covered = fold.test.end;
            }
            prop_assert_eq!(covered, range.end.max(range.start + train));
        }
    }
}
