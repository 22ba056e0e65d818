//! `execution` and `funding_bps_8h`: how orders are filled, and what holding costs.

use std::ops::Bound::Included;

use serde_json::{Value, json};

use crate::backtest::request::bounds::Bounds;
use crate::backtest::request::error::InputError;
use crate::backtest::request::json::{number, without_nulls, word};
use crate::backtest::request::market::{read_instant_ms, read_timeframe};
use crate::backtest::request::node::Node;
use crate::backtest::variant::{Execution, Funding, Intrabar, StopsActive, StopsFrom};
use crate::domain::candles::Timeframe;
use crate::domain::time::format_instant;

pub(in crate::backtest::request) const FUNDING_BPS: Bounds =
    Bounds::new(Included(-10_000.0), Included(10_000.0));

/// Most steps of a funding rate: each job carries them.
pub(in crate::backtest::request) const FUNDING_STEPS_MAX: usize = 10_000;

/// The words for [`StopsFrom`].
pub(in crate::backtest::request) const STOPS_FROM: [(&str, StopsFrom); 2] =
    [("entry_fill", StopsFrom::EntryFill), ("signal_close", StopsFrom::SignalClose)];

/// The words for [`StopsActive`].
pub(in crate::backtest::request) const STOPS_ACTIVE: [(&str, StopsActive); 2] =
    [("entry_bar", StopsActive::EntryBar), ("next_bar", StopsActive::NextBar)];

/// The words for [`Intrabar`].
pub(in crate::backtest::request) const INTRABAR: [(&str, Intrabar); 2] =
    [("stop_first", Intrabar::StopFirst), ("target_first", Intrabar::TargetFirst)];

pub(super) fn read_execution(node: &Node<'_>) -> Result<Execution, InputError> {
    let [from, active, intrabar, bounds, detail] =
        node.fields(["stops_from", "stops_active", "intrabar", "bounds", "detail_timeframe"])?;
    let default = Execution::default();
    Ok(Execution {
        stops_from: from.or(default.stops_from, |node| node.choice("price", &STOPS_FROM))?,
        stops_active: active.or(default.stops_active, |node| node.choice("time", &STOPS_ACTIVE))?,
        intrabar: intrabar.or(default.intrabar, |node| node.choice("order", &INTRABAR))?,
        bounds: bounds.or(default.bounds, Node::bool)?,
        detail_timeframe: detail.nullable(read_timeframe)?,
    })
}

/// Refuses a detail at `node` that does not divide candles of this length.
pub(super) fn check_detail(
    node: &Node<'_>,
    detail: Option<Timeframe>,
    candles: Timeframe,
) -> Result<(), InputError> {
    let divides =
        |finer: Timeframe| finer < candles && candles.length_ms() % finer.length_ms() == 0;
    if detail.is_none_or(divides) {
        return Ok(());
    }
    Err(node.found(&format!("a part of the candles' {candles}, shorter than that")))
}

/// Reads one rate, or `["time", rate]` steps in the order of their times.
pub(super) fn read_funding(node: &Node<'_>) -> Result<Funding, InputError> {
    if !node.is_array() {
        return node.number(&FUNDING_BPS).map(Funding::Constant);
    }
    let mut steps: Vec<(i64, f64)> = Vec::new();
    for item in node.items_up_to(FUNDING_STEPS_MAX)? {
        let [time, rate] = item.exactly("a time and basis points, such as [\"2024-01-01\", 1]")?;
        let time_ms = read_instant_ms(&time)?;
        if let Some((before_ms, _)) = steps.last().filter(|(before_ms, _)| *before_ms >= time_ms) {
            return Err(time.found(&format!("after {}", format_instant(*before_ms))));
        }
        steps.push((time_ms, rate.number(&FUNDING_BPS)?));
    }
    Ok(Funding::Steps(steps.into()))
}

pub(super) fn execution_to_json(execution: &Execution) -> Value {
    without_nulls(json!({
        "bounds": execution.bounds,
        "detail_timeframe": execution.detail_timeframe.map(Timeframe::name),
        "intrabar": word(&INTRABAR, &execution.intrabar),
        "stops_active": word(&STOPS_ACTIVE, &execution.stops_active),
        "stops_from": word(&STOPS_FROM, &execution.stops_from),
    }))
}

pub(super) fn funding_to_json(funding: &Funding) -> Value {
    match funding {
        Funding::Constant(bps) => number(*bps),
        Funding::Steps(steps) => steps
            .iter()
            .map(|(time_ms, bps)| json!([format_instant(*time_ms), number(*bps)]))
            .collect(),
    }
}
