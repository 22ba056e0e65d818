//! All statistics of a bundle together.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bootstrap::{DRAWS, ResampledDays};
use super::clusters::EffectiveTrials;
use super::cscv::Overfitting;
use super::moments::Moments;
use super::random::{Purpose, Random};
use super::reality_check::RealityCheck;
use super::sample::{ceiling, mean_and_deviation};
use super::sharpe::{deflated, expected_maximum, minimum_track_record_days, probabilistic};
use super::trials::{Trial, Trials};
use super::{Figure, Undefined};

/// Version of the definitions of these figures.
pub const STATISTICS_VERSION: u32 = 1;

/// Days of a year, as in the ratios of single results.
const DAYS_PER_YEAR: f64 = 365.0;

/// The probability from which on a figure counts as told from luck.
pub const CONFIDENCE: f64 = 0.95;

/// What the variants of a bundle show together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BundleStatistics {
    /// [`STATISTICS_VERSION`].
    pub version: u32,
    /// Days of returns.
    pub days: usize,
    /// Variants, those that never traded included.
    pub variants: usize,
    /// N: variants that traded. All below is about these.
    pub traded: usize,
    /// How many of them differ.
    pub effective: Option<EffectiveTrials>,
    /// Standard deviation of their annual Sharpe ratios.
    pub sharpe_deviation: Option<f64>,
    /// The variant of the highest Sharpe ratio.
    pub best: Option<BestTrial>,
    /// Probability of backtest overfitting.
    pub overfitting: Option<Overfitting>,
    /// Whether any variant beats the benchmark, or 0.
    pub reality_check: Option<RealityCheck>,
    /// Why figures of these names are `None`.
    pub undefined: BTreeMap<&'static str, Undefined>,
}

/// The variant of the highest Sharpe ratio, and what is left of it. Sharpe ratios are annual (365
/// days), probabilities from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BestTrial {
    /// Its id.
    pub id: i64,
    /// Its Sharpe ratio.
    pub sharpe: f64,
    /// Probability that its true ratio is above 0, had it been the only one tried.
    pub probabilistic_sharpe: Option<f64>,
    /// The ratio to expect of the best of N useless variants.
    pub expected_maximum_sharpe: Option<f64>,
    /// Probability that its true ratio is above that.
    pub deflated_sharpe: Option<f64>,
    /// The ratio to expect of the best, if variants that move together count once.
    pub expected_maximum_sharpe_effective: Option<f64>,
    /// Probability that its true ratio is above that.
    pub deflated_sharpe_effective: Option<f64>,
    /// Days that a ratio like this takes to be above 0 with 95 %, had it been the only one tried.
    pub min_track_record_days: Option<u64>,
    /// Days like these that are missing until it is above `expected_maximum_sharpe` with 95 %; above
    /// 0 where it is the only variant.
    pub more_days: Option<u64>,
    /// What its days could have come to.
    pub resampled: Option<ResampledDays>,
    /// Why figures of these names are `None`.
    pub undefined: BTreeMap<&'static str, Undefined>,
}

impl BundleStatistics {
    /// The statistics of `trials`. Takes up to some seconds of a core for ten thousand variants.
    #[must_use]
    pub fn of(trials: &Trials<'_>) -> Self {
        let traded: Vec<Trial<'_>> = trials.all().iter().copied().filter(Trial::traded).collect();
        let returns: Vec<&[f32]> = traded.iter().map(|trial| trial.daily_returns).collect();
        let (effective, spread, best) = match moments_of(&returns) {
            Ok(moments) => {
                let effective = EffectiveTrials::of(&returns);
                let spread = spread(&moments);
                let luck = Luck { trials: traded.len(), clusters: effective.clusters, spread };
                (Ok(effective), spread, BestTrial::of(&traded, &moments, &luck, trials.seed()))
            }
            Err(reason) => (Err(reason), Err(reason), Err(reason)),
        };
        let mut random = Random::new(trials.seed(), b"", Purpose::RealityCheck);
        let reality_check = RealityCheck::of(&returns, trials.benchmark(), &mut random);
        let overfitting = Overfitting::of(&returns, trials.blocks());
        let mut undefined = BTreeMap::new();
        Self {
            version: STATISTICS_VERSION,
            days: trials.days(),
            variants: trials.all().len(),
            traded: traded.len(),
            effective: known(&mut undefined, "effective", effective),
            sharpe_deviation: known(&mut undefined, "sharpe_deviation", spread.map(annual)),
            best: known(&mut undefined, "best", best),
            overfitting: known(&mut undefined, "overfitting", overfitting),
            reality_check: known(&mut undefined, "reality_check", reality_check),
            undefined,
        }
    }
}

/// What luck had to work with.
#[derive(Debug)]
struct Luck {
    trials: usize,
    clusters: usize,
    /// Standard deviation of the daily Sharpe ratios of all trials.
    spread: Figure,
}

impl BestTrial {
    /// Looks for the highest of `moments`, which are those of `traded`.
    fn of(traded: &[Trial<'_>], moments: &[Moments], luck: &Luck, seed: u64) -> Figure<Self> {
        let (trial, moments) = traded
            .iter()
            .zip(moments)
            .reduce(|best, other| if other.1.sharpe() > best.1.sharpe() { other } else { best })
            .ok_or(Undefined::NoVariants)?;
        let variance = luck.spread.map(|spread| spread * spread);
        let maximum = |trials| variance.map(|variance| expected_maximum(trials, variance));
        let deflated = |trials| deflated(moments, trials, variance?);
        let days_above =
            |threshold| minimum_track_record_days(moments, threshold, CONFIDENCE).map(ceiling);
        let missing =
            |days: u64| days.saturating_sub(u64::try_from(moments.days).unwrap_or(u64::MAX));
        let mut random = Random::new(seed, trial.key, Purpose::Bootstrap);
        let resampled = ResampledDays::of(trial.daily_returns, DRAWS, &mut random);
        let mut reasons = BTreeMap::new();
        let mut figure = |name, figure| known(&mut reasons, name, figure);
        Ok(Self {
            id: trial.id,
            sharpe: annual(moments.sharpe()),
            probabilistic_sharpe: figure("probabilistic_sharpe", probabilistic(moments, 0.0)),
            expected_maximum_sharpe: figure(
                "expected_maximum_sharpe",
                maximum(luck.trials).map(annual),
            ),
            deflated_sharpe: figure("deflated_sharpe", deflated(luck.trials)),
            expected_maximum_sharpe_effective: figure(
                "expected_maximum_sharpe_effective",
                maximum(luck.clusters).map(annual),
            ),
            deflated_sharpe_effective: figure("deflated_sharpe_effective", deflated(luck.clusters)),
            min_track_record_days: known(&mut reasons, "min_track_record_days", days_above(0.0)),
            more_days: known(
                &mut reasons,
                "more_days",
                days_above(maximum(luck.trials).unwrap_or_default()).map(missing),
            ),
            resampled: known(&mut reasons, "resampled", resampled),
            undefined: reasons,
        })
    }
}

/// The moments of all series that traded.
fn moments_of(returns: &[&[f32]]) -> Figure<Vec<Moments>> {
    if returns.is_empty() {
        return Err(Undefined::NoVariants);
    }
    returns.iter().map(|series| Moments::of(series)).collect()
}

/// Standard deviation of the daily Sharpe ratios.
fn spread(moments: &[Moments]) -> Figure {
    if moments.len() < 2 {
        return Err(Undefined::FewerThan2Variants);
    }
    let sharpes: Vec<f64> = moments.iter().map(Moments::sharpe).collect();
    Ok(mean_and_deviation(&sharpes).1)
}

/// A daily ratio as an annual one.
fn annual(daily: f64) -> f64 {
    daily * DAYS_PER_YEAR.sqrt()
}

/// The figure, or its reason under its name.
fn known<T>(
    undefined: &mut BTreeMap<&'static str, Undefined>,
    name: &'static str,
    figure: Figure<T>,
) -> Option<T> {
    figure.map_err(|reason| undefined.insert(name, reason)).ok()
}
