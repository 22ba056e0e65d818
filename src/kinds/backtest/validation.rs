//! How one of the best results of a bundle is checked: run on the time kept back from it, its days
//! resampled, its trades shuffled and held against random entries.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Prepared, Preparer, failure, on_a_slot, simulate};
use crate::backtest::Report;
use crate::backtest::daily::DailyReturns;
use crate::backtest::request::parse_spec;
use crate::backtest::trade::Side;
use crate::backtest::variant::{self, Fill, Variant};
use crate::candles::CandleSource;
use crate::domain::time::format_instant;
use crate::kinds::{RunControl, RunError};
use crate::pipeline::Slots;
use crate::statistics::bootstrap::{ResampledDays, ShuffledTrades};
use crate::statistics::random::{Purpose, Random};
use crate::statistics::random_entry::{HeldTrade, RandomEntry};
use crate::statistics::{Figure, Undefined};

/// What of a run on the time kept back is told.
const HOLDOUT_FIGURES: [&str; 12] = [
    "final_equity",
    "total_return",
    "cagr",
    "sharpe",
    "sortino",
    "max_drawdown",
    "profit_factor",
    "win_rate",
    "trade_count",
    "fees",
    "candles",
    "days",
];

/// A stored result that is to be checked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The spec of its job, JSON.
    pub spec: String,
    /// The time it was made on, milliseconds since the epoch.
    pub range: Range<i64>,
    /// The time that was kept back from it and is to be looked at now; none where there is none, or
    /// where it has been looked at.
    pub held_out: Option<Range<i64>>,
    /// Its digest: a run on other candles is not the result that was asked about.
    pub result_digest: String,
    /// What its random numbers depend on, beside the seed: the digest of the variant.
    pub variant_digest: String,
}

/// A result that was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Validated {
    /// Its trades, as in `results`.
    pub trades: Value,
    /// Its equity, as in `results`.
    pub equity: Value,
    /// What came of the checks, as in `results.validation`.
    pub validation: Value,
}

type Validating = Pin<Box<dyn Future<Output = Result<Validated, RunError>> + Send>>;

/// A [`Validator`] whose source of candles is its own business.
pub type Validate = Arc<dyn Fn(Asked, Arc<RunControl>) -> Validating + Send + Sync>;

/// Checks results.
pub struct Validator<S: CandleSource> {
    preparer: Arc<Preparer<S>>,
    slots: Arc<Slots>,
    slice_candles: usize,
}

impl<S: CandleSource> fmt::Debug for Validator<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator").field("slots", &self.slots).finish_non_exhaustive()
    }
}

impl<S: CandleSource> Validator<S> {
    /// Computes on these slots; cancellation is looked at every `slice_candles` candles.
    #[must_use]
    pub fn new(preparer: Arc<Preparer<S>>, slots: Arc<Slots>, slice_candles: usize) -> Self {
        Self { preparer, slots, slice_candles }
    }

    /// The validator as a function.
    #[must_use]
    pub fn into_validate(self) -> Validate {
        let validator = Arc::new(self);
        Arc::new(move |asked, control| {
            let validator = Arc::clone(&validator);
            Box::pin(async move { validator.validate(&asked, &control).await })
        })
    }

    /// Runs the result again, which gives the same bits, and checks it; then runs the time kept back.
    ///
    /// # Errors
    /// The candles are gone, or others now; or the run was cancelled.
    pub async fn validate(
        &self,
        asked: &Asked,
        control: &Arc<RunControl>,
    ) -> Result<Validated, RunError> {
        let variant =
            parse_spec(&asked.spec).map_err(|error| failure("invalid_spec", &error, false))?;
        let (digest, subject) = (asked.result_digest.clone(), asked.variant_digest.clone());
        let check = move |prepared: &Prepared, report: Report| {
            if report.digest != digest {
                return Err(failure("candles_changed", "the candles are others now", false).into());
            }
            Ok(Validated {
                validation: Value::Object(checks(prepared, &report, subject.as_bytes())),
                trades: json!(report.trades),
                equity: json!(report.equity),
            })
        };
        let mut validated = self.run(&variant, &asked.range, control, check).await?;
        if let Some(range) = &asked.held_out {
            let told = |_: &Prepared, report: Report| Ok(holdout(&report));
            let mut holdout = self.run(&variant, range, control, told).await?;
            if let (Some(found), Some(all)) =
                (holdout.as_object_mut(), validated.validation.as_object_mut())
            {
                found.insert("from".to_owned(), json!(format_instant(range.start)));
                found.insert("until".to_owned(), json!(format_instant(range.end)));
                all.insert("holdout".to_owned(), holdout);
            }
        }
        Ok(validated)
    }

    /// Runs the variant on a range and makes something of its report, on one slot.
    async fn run<T: Send + 'static>(
        &self,
        variant: &Variant,
        range: &Range<i64>,
        control: &Arc<RunControl>,
        make: impl FnOnce(&Prepared, Report) -> Result<T, RunError> + Send + 'static,
    ) -> Result<T, RunError> {
        let mut variant = variant.clone();
        variant.config.validation.holdout_pct = None;
        variant.range = variant::Range::Between { from_ms: range.start, until_ms: range.end };
        let prepared = self.preparer.load(variant, control).await?;
        let (slice_candles, watched) = (self.slice_candles, Arc::clone(control));
        let work = move || {
            let (report, _) = simulate(&prepared, slice_candles, &watched)?;
            make(&prepared, report)
        };
        on_a_slot(&self.slots, control, work).await
    }
}

/// What a run on the time kept back has come to.
fn holdout(report: &Report) -> Value {
    let metrics = serde_json::to_value(&report.metrics).unwrap_or_default();
    let figure = |name: &&str| Some(((*name).to_owned(), metrics.get(name)?.clone()));
    let mut figures: Map<String, Value> = HOLDOUT_FIGURES.iter().filter_map(figure).collect();
    figures.insert("result_digest".to_owned(), json!(report.digest));
    Value::Object(figures)
}

/// The checks that were asked for; null where one was not, or has no meaning, with the reason.
fn checks(prepared: &Prepared, report: &Report, subject: &[u8]) -> Map<String, Value> {
    let config = &prepared.variant.config;
    let draws = usize::try_from(config.validation.monte_carlo).unwrap_or(usize::MAX);
    let runs = usize::try_from(config.validation.random_entries).unwrap_or(usize::MAX);
    let random = |purpose| Random::new(config.seed, subject, purpose);
    let mut told = Told::default();
    if draws > 0 {
        let days = DailyReturns::from_bytes(&report.daily.return_bytes());
        let returns = days.map(|days| days.returns).unwrap_or_default();
        let found = ResampledDays::of(&returns, draws, &mut random(Purpose::Bootstrap));
        told.tell("resampled_days", found);
        let profits: Vec<f64> = report.trades.iter().map(|trade| trade.pnl).collect();
        let mut random = random(Purpose::TradeShuffle);
        let found = ShuffledTrades::of(config.balance, &profits, draws, &mut random);
        told.tell("shuffled_trades", found);
    }
    if runs > 0 {
        told.tell(
            "random_entry",
            random_entry(prepared, report, runs, &mut random(Purpose::RandomEntry)),
        );
    }
    told.into_object()
}

/// The trades against the same ones at random times, at the prices that entries are filled at.
fn random_entry(
    prepared: &Prepared,
    report: &Report,
    runs: usize,
    random: &mut Random,
) -> Figure<RandomEntry> {
    let Prepared { variant, loaded, .. } = prepared;
    let config = &variant.config;
    let column = match config.fill {
        Fill::NextOpen => &loaded.candles.open,
        Fill::Close => &loaded.candles.close,
    };
    let prices = column.get(loaded.first_in_range..loaded.window.end).unwrap_or_default();
    let warmup = loaded.first_in_range.saturating_sub(loaded.window.start);
    let trades: Option<Vec<HeldTrade>> = report
        .trades
        .iter()
        .map(|trade| {
            Some(HeldTrade {
                entry: trade.entry_bar.checked_sub(warmup)?,
                exit: trade.exit_bar.checked_sub(warmup)?,
                is_short: trade.direction == Side::Short,
            })
        })
        .collect();
    let trades = trades.ok_or(Undefined::TradesDoNotFit)?;
    RandomEntry::of(prices, &trades, config.fee_taker_bps + config.slippage_bps, runs, random)
}

/// Figures by name, with the reasons of those that there are none of.
#[derive(Debug, Default)]
struct Told {
    figures: Map<String, Value>,
    undefined: BTreeMap<&'static str, Undefined>,
}

impl Told {
    fn tell(&mut self, name: &'static str, figure: Figure<impl Serialize>) {
        let figure = figure.map_err(|reason| self.undefined.insert(name, reason)).ok();
        self.figures.insert(name.to_owned(), json!(figure));
    }

    fn into_object(mut self) -> Map<String, Value> {
        self.figures.insert("undefined".to_owned(), json!(self.undefined));
        self.figures
    }
}
