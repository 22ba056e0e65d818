//! `validation.walk_forward` of a bundle: a job of its own for each market and range, which chooses
//! among all variants there.

use serde_json::{Map, Value, json};

use super::error::InputError;
use super::json::range_to_json;
use super::node::Node;
use super::walk_forward::VARIANTS;
use super::{Request, RequestColumns, take_digit};

/// Most bytes of scenarios and money managements in the spec of a walk-forward. It holds all of them,
/// and a spec takes a megabyte at most.
const SPEC_BYTES_MAX: usize = 500_000;

/// What the specs of all walk-forwards of a bundle have in common.
#[derive(Debug)]
pub(super) struct BundleWalks {
    common: Map<String, Value>,
}

impl BundleWalks {
    /// The walk-forwards that `universal` asks for, if any, over `variants` of each market and range.
    pub(super) fn read(
        universal: &Node<'_>,
        columns: RequestColumns<'_>,
        variants: u64,
    ) -> Result<Option<Self>, InputError> {
        let at = universal.child("validation").child("walk_forward");
        let Some(Value::Object(walk)) = at.value() else { return Ok(None) };
        let most = *VARIANTS.end();
        if variants > most {
            let what = format!("found {variants} variants of a market and range, allowed {most}");
            return Err(at.error(&what));
        }
        let mut walk = walk.clone();
        walk.insert("max_variants".to_owned(), json!(variants));
        let mut config = columns.universal_config.as_object().cloned().unwrap_or_default();
        // Each walk has a timeframe of its own, and makes no jobs.
        config.retain(|key, _| key != "timeframe" && key != "limits");
        if let Some(validation) = config.get_mut("validation").and_then(Value::as_object_mut) {
            validation.remove("walk_forward");
        }
        let common = Map::from_iter([
            ("config".to_owned(), Value::Object(config)),
            ("money_managements".to_owned(), columns.money_management_variants.clone()),
            ("scenarios".to_owned(), columns.scenario_variants.clone()),
            ("walk_forward".to_owned(), Value::Object(walk)),
        ]);
        let bytes = json!(common).to_string().len();
        if bytes > SPEC_BYTES_MAX {
            let what = format!(
                "found {bytes} bytes of variants, allowed {SPEC_BYTES_MAX} to walk forward"
            );
            return Err(at.error(&what));
        }
        Ok(Some(Self { common }))
    }
}

impl Request {
    /// How many jobs there are: one for each variant, and one for each walk-forward.
    #[must_use]
    pub fn jobs(&self) -> u64 {
        let walks = self.markets.len() as u64 * self.ranges.len() as u64;
        self.len + if self.walks.is_some() { walks } else { 0 }
    }

    /// The spec of the walk-forward with this number, from zero; none where there are no more.
    #[must_use]
    pub fn walk_forward_spec(&self, mut number: u64) -> Option<Value> {
        let mut spec = self.walks.as_ref()?.common.clone();
        let range = take_digit(&mut number, self.ranges.len() as u64);
        let market = self.markets.get(usize::try_from(number).ok()?)?;
        let range = *self.ranges.get(usize::try_from(range).ok()?)?;
        spec.insert("ticker".to_owned(), json!(market.ticker));
        spec.insert("timeframe".to_owned(), json!(market.timeframe.name()));
        spec.insert("range".to_owned(), range_to_json(range));
        Some(Value::Object(spec))
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_walk_forward;
    use super::*;

    /// A bundle of two markets and two ranges.
    fn read(walk: &Value, scenarios: &Value) -> Result<Request, InputError> {
        let tickers = json!(["A", { "ticker": "B", "timeframe": "4h" }]);
        read_over(&tickers, &json!([{ "last": "900d" }, { "last": "600d" }]), walk, scenarios)
    }

    fn read_over(
        tickers: &Value,
        ranges: &Value,
        walk: &Value,
        scenarios: &Value,
    ) -> Result<Request, InputError> {
        let columns = RequestColumns {
            universal_config: &json!({
                "timeframe": "1d", "balance": 500, "limits": { "max_jobs": 200_000 },
                "validation": { "holdout_pct": 20, "walk_forward": walk },
            }),
            ticker_variants: tickers,
            date_ranges: ranges,
            scenario_variants: scenarios,
            money_management_variants: &json!([{ "stop_loss_pct": [1, 2] }]),
        };
        Request::parse(columns, 1_000_000)
    }

    #[test]
    fn each_market_and_range_has_a_walk_over_its_own_variants() {
        let walk = json!({ "train": "180d", "test": "30d", "metric": "calmar" });
        let params = json!({ "fast": [5, 10, 40], "slow": 30 });
        let scenarios = json!([{ "preset": "sma_cross", "params": params }]);
        let request = read(&walk, &scenarios).unwrap();
        assert_eq!((request.len(), request.jobs()), (16, 20));
        assert!(request.walk_forward_spec(4).is_none());
        for number in 0..4 {
            let spec = request.walk_forward_spec(number).unwrap();
            let found = parse_walk_forward(&spec.to_string()).unwrap();
            assert_eq!(found.len(), 4, "the left out is left out here, too");
            let first = request.variant(number * 4).unwrap();
            for variant in 0..4 {
                let mut expected = request.variant(number * 4 + variant).unwrap();
                expected.config.validation.walk_forward = None;
                assert_eq!(found.variant(variant), Some(expected));
            }
            assert_eq!(Some(found.walk), first.config.validation.walk_forward);
            // Within a window nothing is kept back any more.
            let within = found.variant_within(0, first.range).unwrap();
            assert_eq!(within.config.validation.holdout_pct, None);
        }
        let without = read(&Value::Null, &scenarios).unwrap();
        assert_eq!((without.jobs(), without.walk_forward_spec(0)), (16, None));
    }

    #[test]
    fn a_walk_over_too_much_is_refused_by_name() {
        let refused = |seeds: Value| {
            let walk = json!({ "train": "180d", "test": "30d" });
            let scenarios = json!([{ "preset": "random_entry", "params": { "seed": seeds } }]);
            let ranges = json!([{ "last": "900d" }]);
            read_over(&json!(["A"]), &ranges, &walk, &scenarios).unwrap_err().to_string()
        };
        assert_eq!(
            refused(json!({ "from": 0, "to": 50_000, "step": 1 })),
            "universal_config.validation.walk_forward: found 100002 variants of a market and range, \
             allowed 100000"
        );
        let long: Vec<u64> = (0..46_000).map(|seed| 1_000_000_000 + seed).collect();
        let error = refused(json!(long));
        assert!(
            error.starts_with("universal_config.validation.walk_forward: found 506"),
            "{error}"
        );
        assert!(error.ends_with("allowed 500000 to walk forward"), "{error}");
    }
}
