//! What all variants share.

use serde_json::{Value, json};

use crate::backtest::request::config::execution::{
    FUNDING_BPS, FUNDING_STEPS_MAX, INTRABAR, STOPS_ACTIVE, STOPS_FROM,
};
use crate::backtest::request::config::validation::{
    CANDLES, CSCV_BLOCKS, DATA_KEYS, HOLDOUT_PCT, RUNS, validation_to_json,
};
use crate::backtest::request::config::{
    BALANCE, COST_BPS, DAYS_PER_YEAR, EQUITY_POINTS, FILLS, JOBS_DEFAULT, JOBS_MAX, KEEP_TRADES,
    MAINTENANCE_PCT, MIN_NOTIONAL, QUANTITY_STEP, SEED, TOP, config_to_json,
};
use crate::backtest::validation::Validation;
use crate::backtest::variant::Config;
use crate::backtest::walk_forward::Objective;

use super::Schema;
use super::parts::{
    any_of, count, described, insert, list, nullable, number, object, tuple, with_default, words,
};

impl Schema {
    /// `universal_config` of a bundle, `config` of a spec.
    pub(super) fn config(&mut self) -> Value {
        let (funding, execution) = (self.funding(), self.execution());
        let default = config_to_json(&Config::default());
        let properties = [
            ("balance", number(&BALANCE)),
            ("fee_taker_bps", number(&COST_BPS)),
            ("fee_maker_bps", number(&COST_BPS)),
            ("slippage_bps", number(&COST_BPS)),
            ("funding_bps_8h", funding),
            ("maintenance_pct", number(&MAINTENANCE_PCT)),
            ("quantity_step", nullable(&number(&QUANTITY_STEP))),
            ("min_notional", number(&MIN_NOTIONAL)),
            ("fill", words(&FILLS)),
            ("execution", execution),
            ("data", data()),
            ("validation", self.validation()),
            ("days_per_year", count(&DAYS_PER_YEAR)),
            ("keep", keep()),
            ("days_per_year", count(&DAYS_PER_YEAR)),
            ("seed", count(&SEED)),
            ("reuse_results", json!({"type": "boolean"})),
        ];
        let mut properties: Vec<(&str, Value)> = properties
            .into_iter()
            .map(|(key, schema)| match default.get(key) {
                Some(value) if !value.is_object() => (key, with_default(schema, value.clone())),
                _ => (key, schema),
            })
            .collect();
        let jobs = with_default(count(&(1..=JOBS_MAX)), JOBS_DEFAULT);
        properties.push(("limits", object(&[("max_jobs", jobs)], &[])));
        properties.push(("timeframe", self.timeframes()));
        object(&properties, &[])
    }

    fn funding(&mut self) -> Value {
        let rate = number(&FUNDING_BPS);
        let step = tuple(&[self.instant(), rate.clone()]);
        let steps = described(list(&step, 1..=FUNDING_STEPS_MAX), "From each time on, this rate");
        any_of(&[rate, steps])
    }

    fn execution(&mut self) -> Value {
        let timeframe = self.timeframe();
        object(
            &[
                ("stops_from", words(&STOPS_FROM)),
                ("stops_active", words(&STOPS_ACTIVE)),
                ("intrabar", words(&INTRABAR)),
                ("bounds", json!({"type": "boolean"})),
                ("detail_timeframe", nullable(&timeframe)),
            ],
            &[],
        )
    }

    /// How a walk-forward chooses and tests.
    pub(super) fn walk_forward(&mut self) -> Value {
        let span = self.span();
        object(
            &[
                ("train", span.clone()),
                ("test", span),
                ("anchored", with_default(json!({"type": "boolean"}), false)),
                ("metric", words(&Objective::NAMES)),
            ],
            &["train", "test"],
        )
    }

    fn validation(&mut self) -> Value {
        let walk_forward = self.walk_forward();
        let mut blocks = count(&CSCV_BLOCKS);
        insert(&mut blocks, "multipleOf", 2);
        let default = validation_to_json(&Validation::default());
        let properties = [
            ("holdout_pct", nullable(&number(&HOLDOUT_PCT))),
            ("cscv_blocks", blocks),
            ("walk_forward", nullable(&walk_forward)),
            ("monte_carlo", count(&RUNS)),
            ("random_entries", count(&RUNS)),
        ];
        object(
            &properties.map(|(key, schema)| {
                (key, with_default(schema, default.get(key).cloned().unwrap_or_default()))
            }),
            &[],
        )
    }
}

fn data() -> Value {
    object(&DATA_KEYS.map(|key| (key, nullable(&count(&CANDLES)))), &[])
}

fn keep() -> Value {
    object(
        &[
            ("trades", words(&KEEP_TRADES)),
            ("top", count(&TOP)),
            ("equity_points", count(&EQUITY_POINTS)),
        ],
        &[],
    )
}
