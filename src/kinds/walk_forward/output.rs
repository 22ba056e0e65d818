//! What a walk-forward writes: its folds, and the record of their test windows.

use std::ops::Range as Span;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::choice::Best;
use crate::backtest::request::{
    WalkForwardRequest, money_management_to_json, range_to_json, scenario_to_json,
};
use crate::backtest::variant::Variant;
use crate::backtest::walk_forward::{Fold, FoldRun, Objective, Test, Train, stitch};
use crate::backtest::{ENGINE_VERSION, METRICS_VERSION, Report, sha256_hex};
use crate::domain::time::format_instant;

/// What is told of a run besides the figures that can be chosen by.
const FIGURES: [&str; 6] =
    ["final_equity", "max_drawdown", "trade_count", "exposure", "candles", "days"];

/// A run on one window.
#[derive(Debug)]
pub(super) struct Run {
    /// What came out.
    pub(super) report: Report,
    /// Digest of its candles, warm-up included.
    pub(super) candle_digest: String,
}

/// A fold as it is shown in `job_parts` and in the output, and what is stitched of it.
#[derive(Debug, Serialize)]
pub(super) struct FoldOutput {
    train: Value,
    test: Value,
    /// None where a window has no candles: then nothing was chosen.
    chosen: Option<Chosen>,
    #[serde(skip)]
    run: Option<FoldRun>,
}

/// The variant that was best on the train window.
#[derive(Debug, Serialize)]
struct Chosen {
    /// Its number among the variants, from 0.
    number: u64,
    scenario: Value,
    money_management: Value,
    in_sample: Value,
    out_of_sample: Value,
}

impl FoldOutput {
    pub(super) fn new(fold: &Fold) -> Self {
        Self { train: window(&fold.train), test: window(&fold.test), chosen: None, run: None }
    }

    /// Notes what was chosen, and how it did on both windows.
    pub(super) fn set(&mut self, variant: &Variant, best: Best, tested: Run) {
        let trained = best.run;
        self.chosen = Some(Chosen {
            number: best.number,
            scenario: scenario_to_json(&variant.scenario),
            money_management: money_management_to_json(&variant.money_management),
            in_sample: figures(&trained),
            out_of_sample: figures(&tested),
        });
        let train = Train::of(&trained.report);
        self.run = Some(FoldRun { train, test: Test::of(tested.report) });
    }
}

/// The output of the job; `variant` is any of them, over the settled range.
pub(super) fn output(
    request: &WalkForwardRequest,
    variant: &Variant,
    folds: &[FoldOutput],
) -> Value {
    let runs: Vec<&FoldRun> = folds.iter().filter_map(|fold| fold.run.as_ref()).collect();
    let mut output = json!({
        "ticker": variant.ticker,
        "timeframe": variant.timeframe.name(),
        "range": range_to_json(variant.range),
        "variants": request.len(),
        "metric": request.walk.metric.name(),
        "anchored": request.walk.anchored,
        "folds": folds,
        "out_of_sample": stitch(&variant.config, variant.timeframe, &runs),
        "engine_version": ENGINE_VERSION,
        "metrics_version": METRICS_VERSION,
    });
    // Keys are sorted and numbers are written in one way: the same text means the same result.
    let digest = sha256_hex(output.to_string().as_bytes());
    if let Some(output) = output.as_object_mut() {
        output.insert("result_digest".to_owned(), json!(digest));
    }
    output
}

fn window(window: &Span<i64>) -> Value {
    json!({ "from": format_instant(window.start), "until": format_instant(window.end) })
}

/// The figures that can be chosen by and a few more, why some of them are null, and the digests.
fn figures(run: &Run) -> Value {
    let metrics = serde_json::to_value(&run.report.metrics).unwrap_or_default();
    let names = || Objective::NAMES.iter().map(|(name, _)| *name).chain(FIGURES);
    let pick = |from: &Value| -> Map<String, Value> {
        names().filter_map(|name| Some((name.to_owned(), from.get(name)?.clone()))).collect()
    };
    let mut figures = pick(&metrics);
    let undefined = metrics.get("undefined").map(pick).unwrap_or_default();
    figures.insert("undefined".to_owned(), Value::Object(undefined));
    figures.insert("result_digest".to_owned(), json!(run.report.digest));
    figures.insert("candle_digest".to_owned(), json!(run.candle_digest));
    Value::Object(figures)
}
