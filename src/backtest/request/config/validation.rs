//! `validation` and `data`: how far results can be trusted, and which candles they may be made of.

use std::ops::Bound::Included;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::backtest::request::bounds::Bounds;
use crate::backtest::request::error::InputError;
use crate::backtest::request::json::number;
use crate::backtest::request::market::{read_span_ms, span_to_text};
use crate::backtest::request::node::Node;
use crate::backtest::validation::{DataLimits, Validation};
use crate::backtest::walk_forward::{Objective, WalkForward};

pub(in crate::backtest::request) const HOLDOUT_PCT: Bounds =
    Bounds::new(Included(1.0), Included(50.0));
pub(in crate::backtest::request) const CSCV_BLOCKS: RangeInclusive<u64> = 4..=24;
pub(in crate::backtest::request) const RUNS: RangeInclusive<u64> = 0..=100_000;
pub(in crate::backtest::request) const CANDLES: RangeInclusive<u64> = 0..=1_000_000_000;

/// Keys of `walk_forward`.
pub(in crate::backtest::request) const WALK_KEYS: [&str; 4] =
    ["train", "test", "anchored", "metric"];

pub(super) fn read_validation(node: &Node<'_>) -> Result<Validation, InputError> {
    let [holdout, cscv_blocks, walk_forward, monte_carlo, random_entries] = node.fields([
        "holdout_pct",
        "cscv_blocks",
        "walk_forward",
        "monte_carlo",
        "random_entries",
    ])?;
    let default = Validation::default();
    Ok(Validation {
        holdout_pct: holdout.nullable(|node| node.number(&HOLDOUT_PCT))?,
        cscv_blocks: cscv_blocks.or(default.cscv_blocks, read_blocks)?,
        walk_forward: walk_forward.nullable(read_walk_forward)?,
        monte_carlo: monte_carlo.or(default.monte_carlo, |node| node.count(&RUNS))?,
        random_entries: random_entries.or(default.random_entries, |node| node.count(&RUNS))?,
    })
}

fn read_blocks(node: &Node<'_>) -> Result<u32, InputError> {
    let blocks: u32 = node.count(&CSCV_BLOCKS)?;
    if blocks.is_multiple_of(2) { Ok(blocks) } else { Err(node.found("an even number")) }
}

fn read_walk_forward(node: &Node<'_>) -> Result<WalkForward, InputError> {
    node.refuse_keys_besides("key", &WALK_KEYS)?;
    read_walk(node)
}

/// Reads the windows and the metric; other keys are not looked at.
pub(in crate::backtest::request) fn read_walk(node: &Node<'_>) -> Result<WalkForward, InputError> {
    let [train, test, anchored, metric] = WALK_KEYS.map(|key| node.child(key));
    Ok(WalkForward {
        train_ms: read_span_ms(&train)?,
        test_ms: read_span_ms(&test)?,
        anchored: anchored.or(false, Node::bool)?,
        metric: metric.or(Objective::default(), |node| node.choice("metric", &Objective::NAMES))?,
    })
}

pub(super) fn read_data(node: &Node<'_>) -> Result<DataLimits, InputError> {
    let [gap, gaps, missing, duplicates, overlaps, incomplete, bad_bars, parts, warmup] =
        node.fields(DATA_KEYS)?;
    let limit = |node: &Node<'_>| node.nullable(|node| node.count(&CANDLES));
    Ok(DataLimits {
        gap_candles_max: limit(&gap)?,
        gaps_max: limit(&gaps)?,
        missing_candles_max: limit(&missing)?,
        duplicates_max: limit(&duplicates)?,
        overlaps_max: limit(&overlaps)?,
        incomplete_max: limit(&incomplete)?,
        bad_bars_max: limit(&bad_bars)?,
        parts_missing_max: limit(&parts)?,
        warmup_missing_max: limit(&warmup)?,
    })
}

/// In the order of [`DataLimits`].
pub(in crate::backtest::request) const DATA_KEYS: [&str; 9] = [
    "gap_candles_max",
    "gaps_max",
    "missing_candles_max",
    "duplicates_max",
    "overlaps_max",
    "incomplete_max",
    "bad_bars_max",
    "parts_missing_max",
    "warmup_missing_max",
];

/// `validation` with every value written out.
pub(in crate::backtest::request) fn validation_to_json(validation: &Validation) -> Value {
    let walk_forward = validation.walk_forward.map(|walk| {
        json!({
            "anchored": walk.anchored,
            "metric": walk.metric.name(),
            "test": span_to_text(walk.test_ms),
            "train": span_to_text(walk.train_ms),
        })
    });
    json!({
        "cscv_blocks": validation.cscv_blocks,
        "holdout_pct": validation.holdout_pct.map(number),
        "monte_carlo": validation.monte_carlo,
        "random_entries": validation.random_entries,
        "walk_forward": walk_forward,
    })
}

/// `data` with the limits that there are.
pub(super) fn data_to_json(data: &DataLimits) -> Value {
    let limits = data.by_key().into_iter().filter_map(|(key, limit)| Some((key, limit?)));
    limits.map(|(key, limit)| (key.to_owned(), json!(limit))).collect()
}
