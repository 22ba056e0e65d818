//! The test windows of all folds as one record, and how it compares with what the train windows
//! promised.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::backtest::daily::DailyEquity;
use crate::backtest::metrics::{Figure, Undefined, annual_figures, finite};
use crate::backtest::report::{EquityPoint, Report};
use crate::backtest::variant::Config;
use crate::domain::candles::Timeframe;

/// Days of a year for growth, as in the figures of a run.
const DAYS_PER_YEAR: f64 = 365.25;
/// Fewer days than this say nothing about a year, as in the figures of a run.
const MIN_DAYS: u32 = 30;
/// An annual return this small is rounding.
const ROUNDING: f64 = 1e-12;

/// What the chosen variant of a fold did on both windows.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldRun {
    /// Where it was chosen.
    pub train: Train,
    /// What came after.
    pub test: Test,
}

/// The run on a train window, as far as it is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Train {
    /// Last equity / balance.
    pub(super) growth: f64,
    pub(super) days: u32,
}

/// The run on a test window, as far as it is stitched.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    pub(super) final_equity: f64,
    pub(super) max_drawdown: f64,
    pub(super) daily: DailyEquity,
    pub(super) points: Vec<EquityPoint>,
}

/// The record of all test windows. Every fold begins with what the ones before left, as if all sizes
/// were shares of the equity: growth is multiplied.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stitched {
    /// Last equity / balance − 1.
    pub total_return: f64,
    /// Annual growth over the days from the first test window to the last; from 30 days on.
    pub cagr: Option<f64>,
    /// Mean / standard deviation of the daily returns · √(days of a year), as in the figures of a run.
    pub sharpe: Option<f64>,
    /// Deepest fall from a peak on closes, across folds, 0 to 1.
    pub max_drawdown: f64,
    /// Days from the first test window to the last.
    pub days: usize,
    /// Annual growth of the chosen variants on their train windows: the growth of all multiplied,
    /// over all their days.
    pub in_sample_cagr: Option<f64>,
    /// `cagr / in_sample_cagr`: how much of what was promised was kept (Pardo's walk-forward
    /// efficiency, of compound returns).
    pub efficiency: Option<f64>,
    /// Folds with a gain on the test window / folds.
    pub profitable_folds: f64,
    /// Why the figures of these names are none.
    pub undefined: BTreeMap<&'static str, Undefined>,
    /// Equity of the record, thinned.
    pub equity: Vec<EquityPoint>,
}

impl Train {
    /// Takes what is needed out of a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let days = u32::try_from(report.daily.marks.len()).unwrap_or(u32::MAX);
        Self { growth: 1.0 + report.metrics.total_return, days }
    }
}

impl Test {
    /// Points of equity to keep of each of `folds` runs, so that `limit` remain of all: at least four,
    /// because then the lowest and the highest equity are among them.
    #[must_use]
    pub fn points_max(limit: u32, folds: u32) -> u32 {
        (limit.saturating_mul(2) / folds.max(1)).max(4)
    }

    /// Takes what is needed out of a report of a run that kept [`Test::points_max`] points.
    #[must_use]
    pub fn of(report: Report) -> Self {
        Self {
            final_equity: report.metrics.final_equity,
            max_drawdown: report.metrics.max_drawdown,
            daily: report.daily,
            points: report.equity,
        }
    }
}

/// Makes one record of the folds, oldest first: an account as `config` says, its equity thinned to as
/// many points as are to be kept.
#[must_use]
pub fn stitch(config: &Config, timeframe: Timeframe, runs: &[&FoldRun]) -> Stitched {
    let mut record = Record::new(config.balance);
    for run in runs {
        record.append(&run.test);
    }
    let Record { equity, daily, points, deepest, .. } = record;
    let [cagr, sharpe] = annual_figures(config.days_per_year, timeframe, &daily);
    let in_sample = in_sample_cagr(runs);
    let mut undefined = BTreeMap::new();
    let mut known =
        |name, figure: Figure| figure.map_err(|reason| undefined.insert(name, reason)).ok();
    let points_max = usize::try_from(config.keep.equity_points).unwrap_or(usize::MAX);
    Stitched {
        total_return: equity / config.balance - 1.0,
        cagr: known("cagr", cagr),
        sharpe: known("sharpe", sharpe),
        max_drawdown: deepest.min(1.0),
        days: daily.marks.len(),
        in_sample_cagr: known("in_sample_cagr", in_sample),
        efficiency: known("efficiency", efficiency(cagr, in_sample)),
        profitable_folds: share(runs, |run| run.test.final_equity > run.test.daily.balance),
        undefined,
        equity: thinned(&points, points_max),
    }
}

/// The account as it goes through the folds.
struct Record {
    equity: f64,
    peak: f64,
    deepest: f64,
    daily: DailyEquity,
    points: Vec<EquityPoint>,
}

impl Record {
    fn new(balance: f64) -> Self {
        Self {
            equity: balance,
            peak: balance,
            deepest: 0.0,
            daily: DailyEquity { first_day: 0, balance, marks: vec![], closed: vec![] },
            points: vec![],
        }
    }

    fn append(&mut self, test: &Test) {
        // Nothing can be gained with what is used up.
        let scale = self.equity.max(0.0) / test.daily.balance;
        let left_over = self.equity.min(0.0);
        let scaled = |equity: f64| equity * scale + left_over;
        let points = test.points.iter();
        let points = points.map(|point| EquityPoint { equity: scaled(point.equity), ..*point });
        let before = self.points.len();
        self.points.extend(points);
        let (_, new) = self.points.split_at(before);
        let extreme = |pick: fn(f64, f64) -> f64| new.iter().map(|point| point.equity).reduce(pick);
        if let (Some(lowest), Some(highest)) = (extreme(f64::min), extreme(f64::max)) {
            // From a peak of this fold, or from one before it.
            let from_before = 1.0 - lowest / self.peak;
            self.deepest = self.deepest.max(test.max_drawdown).max(from_before);
            self.peak = self.peak.max(highest);
        }
        let DailyEquity { first_day, marks, closed, .. } = &mut self.daily;
        if marks.is_empty() {
            *first_day = test.daily.first_day;
        }
        // Days without a candle between two folds change nothing; of a day that two folds share,
        // the later one has the last word.
        let day = usize::try_from(test.daily.first_day - *first_day).unwrap_or_default();
        marks.resize(day, self.equity);
        closed.resize(day, false);
        marks.extend(test.daily.marks.iter().map(|mark| scaled(*mark)));
        closed.extend(&test.daily.closed);
        self.equity = scaled(test.final_equity);
    }
}

/// In logarithms: the growth of a thousand folds may be more than a number holds.
fn in_sample_cagr(runs: &[&FoldRun]) -> Figure {
    let trains = || runs.iter().map(|run| run.train);
    let days = trains().map(|train| train.days).fold(0, u32::saturating_add);
    if days < MIN_DAYS {
        return Err(Undefined::FewerThan30Days);
    }
    if trains().any(|train| train.growth <= 0.0) {
        return Err(Undefined::AccountUsedUp);
    }
    let growth = trains().map(|train| train.growth.ln()).fold(0.0, |sum, growth| sum + growth);
    finite((growth * DAYS_PER_YEAR / f64::from(days)).exp_m1())
}

fn efficiency(out_of_sample: Figure, in_sample: Figure) -> Figure {
    let (out_of_sample, in_sample) = (out_of_sample?, in_sample?);
    if in_sample <= ROUNDING {
        return Err(Undefined::InSampleLoss);
    }
    finite(out_of_sample / in_sample)
}

fn share(runs: &[&FoldRun], which: impl Fn(&FoldRun) -> bool) -> f64 {
    let count = |runs: usize| f64::from(u32::try_from(runs).unwrap_or(u32::MAX));
    count(runs.iter().filter(|run| which(run)).count()) / count(runs.len().max(1))
}

/// At most `limit` of the points: the first, the last, and the lowest and highest of equal parts in
/// between.
pub(super) fn thinned(points: &[EquityPoint], limit: usize) -> Vec<EquityPoint> {
    let (Some((first, rest)), Some(last)) = (points.split_first(), points.last()) else {
        return vec![];
    };
    match limit {
        0 => return vec![],
        1 => return vec![*last],
        _ if points.len() <= limit => return points.to_vec(),
        _ => {}
    }
    let inner = rest.split_last().map_or(&[][..], |(_, inner)| inner);
    let parts = (limit - 2) / 2;
    let cut = |part: usize| inner.len() * part / parts;
    let extremes = (0..parts).flat_map(|part| {
        let part = inner.get(cut(part)..cut(part + 1)).unwrap_or_default();
        let by = |a: &&EquityPoint, b: &&EquityPoint| a.equity.total_cmp(&b.equity);
        let mut found = [part.iter().min_by(by), part.iter().max_by(by)];
        found.sort_by_key(|point| point.map(|point| point.time));
        let [one, other] = found;
        [one, other.filter(|_| one != other)].into_iter().flatten().copied()
    });
    [*first].into_iter().chain(extremes).chain([*last]).collect()
}
