//! The spec of a walk-forward: the variants of one ticker and range, and how they are chosen and
//! tested.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::backtest::variant::{Range, Variant};
use crate::backtest::walk_forward::WalkForward;

use super::config::JOBS_MAX;
use super::config::validation::{WALK_KEYS, read_walk};
use super::error::InputError;
use super::market::{read_range, read_ticker, read_timeframe};
use super::node::{Node, read_json};
use super::{Request, RequestColumns};

/// What the parts of the spec are called that a bundle has as columns.
const PARTS: [&str; 5] =
    ["spec.config", "spec.ticker", "spec.range", "spec.scenarios", "spec.money_managements"];

/// How many variants there may be where the spec does not say.
pub(super) const VARIANTS_DEFAULT: u64 = 1_000;
/// How many variants a spec may allow.
pub(super) const VARIANTS: RangeInclusive<u64> = 1..=100_000;

/// A walk-forward that makes sense.
#[derive(Debug)]
pub struct WalkForwardRequest {
    variants: Request,
    /// How they are chosen and tested.
    pub walk: WalkForward,
}

impl WalkForwardRequest {
    /// How many variants there are, at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a request without a variant is refused")]
    pub fn len(&self) -> u64 {
        self.variants.len()
    }

    /// The variant with this number, from zero, over the whole range; none from [`Self::len`] on.
    /// Scenarios with their parameters vary slowest, then money managements.
    #[must_use]
    pub fn variant(&self, number: u64) -> Option<Variant> {
        self.variants.variant(number)
    }

    /// The same over another range, of which nothing is kept back any more.
    #[must_use]
    pub fn variant_within(&self, number: u64, range: Range) -> Option<Variant> {
        let mut variant = Variant { range, ..self.variant(number)? };
        variant.config.validation.holdout_pct = None;
        Some(variant)
    }
}

/// Reads the `spec` of a job of kind `walk_forward`. Lists make variants as in a bundle; ticker,
/// timeframe and range are single ones. Takes as long as [`Request::parse`].
///
/// # Errors
/// The first thing that makes no sense, with its path, or more variants than allowed.
pub fn parse_walk_forward(text: &str) -> Result<WalkForwardRequest, InputError> {
    let value = read_json("spec", text)?;
    let spec = Node::column("spec", &value);
    let [ticker, timeframe, range, scenarios, _, config, walk] = spec.fields([
        "ticker",
        "timeframe",
        "range",
        "scenarios",
        "money_managements",
        "config",
        "walk_forward",
    ])?;
    let [train, test, anchored, metric] = WALK_KEYS;
    let known = [train, test, anchored, metric, "max_variants"];
    walk.refuse_keys_besides("key", &known)?;
    let variants_max_at = walk.child("max_variants");
    let variants_max = variants_max_at.or(VARIANTS_DEFAULT, |node| node.count(&VARIANTS))?;
    let walk = read_walk(&walk)?;

    // What is a list of one here is named here: its path has no number.
    let ticker = read_ticker(&ticker)?;
    let timeframe = if timeframe.is_present() { timeframe } else { config.child("timeframe") };
    let timeframe = read_timeframe(&timeframe)?;
    read_range(&range)?;
    scenarios.items()?;
    let part = |name: &str| value.get(name).cloned();
    let columns = RequestColumns {
        universal_config: &with_room(part("config").unwrap_or(json!({}))),
        ticker_variants: &json!([{ "ticker": ticker, "timeframe": timeframe.name() }]),
        date_ranges: &json!([part("range")]),
        scenario_variants: &part("scenarios").unwrap_or_default(),
        money_management_variants: &part("money_managements").unwrap_or(json!([{}])),
    };
    let variants = Request::parse_at(PARTS, columns, JOBS_MAX)?;
    let found = variants.len();
    if found > variants_max {
        let what = format!("found {found} variants, allowed at most {variants_max}");
        return Err(variants_max_at.error(&what));
    }
    Ok(WalkForwardRequest { variants, walk })
}

/// The limit on variants is another one than that of a bundle.
fn with_room(mut config: Value) -> Value {
    if let Some(config) = config.as_object_mut() {
        config.entry("limits").or_insert(json!({ "max_jobs": JOBS_MAX }));
    }
    config
}
