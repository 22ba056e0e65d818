//! What holding a position costs at 00:00, 08:00 and 16:00 UTC.

use crate::backtest::variant::Funding;

/// Time between two settlements; they lie on its multiples since the epoch.
const INTERVAL_MS: i64 = 8 * 3_600_000;

/// The rates of a run.
#[derive(Debug)]
pub(super) struct FundingRates {
    bps: Funding,
}

impl FundingRates {
    /// `None` where nothing is ever paid.
    pub(super) fn new(bps: &Funding) -> Option<Self> {
        let free = match bps {
            Funding::Constant(bps) => bps.abs() <= 0.0,
            Funding::Steps(steps) => steps.is_empty(),
        };
        (!free).then(|| Self { bps: bps.clone() })
    }

    /// The first candle from `bar` on, of candles as long as `length_ms`, that opens at or after the
    /// first settlement after `since_ms`.
    pub(super) fn next_bar(times: &[i64], length_ms: i64, bar: usize, since_ms: i64) -> usize {
        let settlement_ms = (since_ms.div_euclid(INTERVAL_MS) + 1) * INTERVAL_MS;
        let before = |time: &i64| *time < settlement_ms;
        let rest = times.get(bar..).unwrap_or_default();
        // Without gaps it is as many candles away as fit in between.
        let away = rest.first().map_or(0, |first_ms| settlement_ms - first_ms + length_ms - 1);
        let guess = usize::try_from(away / length_ms).unwrap_or_default();
        let fits = guess > 0
            && rest.get(guess - 1).is_some_and(before)
            && rest.get(guess).is_some_and(|time| !before(time));
        bar + if fits { guess } else { rest.partition_point(before) }
    }

    /// Sum of the rates of all settlements after `since_ms`, up to and with `until_ms`, as a share
    /// of the notional.
    pub(super) fn sum(&self, since_ms: i64, until_ms: i64) -> f64 {
        let settlements = since_ms.div_euclid(INTERVAL_MS) + 1..=until_ms.div_euclid(INTERVAL_MS);
        settlements
            .map(|settlement| self.rate(settlement * INTERVAL_MS))
            .fold(0.0, |sum, rate| sum + rate)
    }

    fn rate(&self, at_ms: i64) -> f64 {
        let bps = match &self.bps {
            Funding::Constant(bps) => *bps,
            Funding::Steps(steps) => {
                let begun = steps.partition_point(|(from_ms, _)| *from_ms <= at_ms);
                begun.checked_sub(1).and_then(|last| steps.get(last)).map_or(0.0, |(_, bps)| *bps)
            }
        };
        bps / 10_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn settlements_lie_after_the_start_and_up_to_the_end() {
        let rates = FundingRates::new(&Funding::Constant(100.0)).unwrap();
        let sum = |since: i64, until: i64| rates.sum(since * HOUR_MS, until * HOUR_MS);
        assert_eq!(vec![sum(0, 7), sum(0, 8), sum(8, 15), sum(7, 8)], [0.0, 0.01, 0.0, 0.01]);
        assert_eq!(vec![sum(0, 16), sum(-1, 0), sum(-9, -7)], [0.02, 0.01, 0.01]);
    }

    #[test]
    fn a_series_holds_from_each_instant_on_and_before_it_there_is_nothing_to_pay() {
        let steps = [(8 * HOUR_MS, 100.0), (15 * HOUR_MS, -50.0)];
        let rates = FundingRates::new(&Funding::Steps(steps.into())).unwrap();
        let sum = |since: i64, until: i64| rates.sum(since * HOUR_MS, until * HOUR_MS);
        assert_eq!(
            vec![sum(-1, 0), sum(0, 8), sum(8, 16), sum(16, 24)],
            [0.0, 0.01, -0.005, -0.005]
        );
    }

    #[test]
    fn the_next_settlement_falls_to_the_first_candle_that_opens_at_or_after_it() {
        let times: Vec<i64> = [0, 3, 6, 9, 12, 15, 40].map(|hour| hour * HOUR_MS).to_vec();
        let next = |bar: usize, since: i64| {
            FundingRates::next_bar(&times, 3 * HOUR_MS, bar, since * HOUR_MS)
        };
        assert_eq!([next(0, 0), next(1, 0), next(3, 9), next(6, 40), next(7, 40)], [3, 3, 6, 7, 7]);
        assert_eq!([next(4, 0), next(5, 15), next(6, 23)], [4, 6, 6]);
    }

    #[test]
    fn no_rate_is_no_funding() {
        assert!(FundingRates::new(&Funding::default()).is_none());
        assert!(FundingRates::new(&Funding::Steps([].into())).is_none());
    }
}
