//! What runs over the same candles share: series of indicators, and signals of scenarios.

use std::fmt;
use std::sync::Arc;

use super::bounded::Bounded;
use super::checked::CheckedCandles;
use super::request::scenario_to_json;
use super::rules::{Evaluation, RuleError};
use super::scenario::Scenario;
use super::series::SeriesCache;
use super::signals::Signals;

/// Signals take this share of the bytes.
const SIGNALS_SHARE: u64 = 8;

/// Number of the candle set, first traded candle, and the scenario's rules.
type SignalsKey = (u64, usize, String);

/// Series and signals, bounded by bytes. Cloning shares them.
#[derive(Clone)]
pub struct Shared {
    series: SeriesCache,
    signals: Bounded<SignalsKey, Arc<Signals>>,
}

impl Shared {
    /// Room for at most `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        let for_signals = bytes_max / SIGNALS_SHARE;
        let weigh = |key: &SignalsKey, signals: &Arc<Signals>| key.2.len() + signals.bytes();
        Self {
            series: SeriesCache::new(bytes_max - for_signals),
            signals: Bounded::new(for_signals, weigh),
        }
    }

    /// Room for nothing: every run computes its own.
    #[must_use]
    pub fn nothing() -> Self {
        Self::new(0)
    }

    /// The signals of a scenario, once for all runs that differ in money management only.
    ///
    /// # Errors
    /// An indicator that refuses its parameters.
    pub fn signals(
        &self,
        scenario: &Scenario,
        candles: &CheckedCandles,
        start: usize,
    ) -> Result<Arc<Signals>, RuleError> {
        let unnamed = Scenario { name: None, ..scenario.clone() };
        let key = (candles.id(), start, scenario_to_json(&unnamed).to_string());
        let compute = || {
            let evaluation = Evaluation::new(&scenario.rules, candles, start, &self.series)?;
            Ok(Arc::new(evaluation.signals()?.limited_to(scenario.direction)))
        };
        self.signals.get(key, compute)
    }

    /// The series alone.
    #[must_use]
    pub fn series(&self) -> &SeriesCache {
        &self.series
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("series", &self.series).finish_non_exhaustive()
    }
}
