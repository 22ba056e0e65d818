//! The variants around one: those that differ from it in numbers of its scenario only.

use crate::backtest::request::scenario::ScenarioVariants;

use super::money::MoneyVariants;
use super::{Request, locate, sum, take_digit};

/// Variants of one scenario by the values of its numeric parameters; all else is the same for them.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// The parameters that have several values.
    pub axes: Vec<GridAxis>,
    /// The number of each variant, and for each axis the place of its value, from 0.
    pub points: Vec<(u64, Vec<u32>)>,
}

/// A numeric parameter and its values.
#[derive(Debug, Clone, PartialEq)]
pub struct GridAxis {
    /// The path of the parameter within the scenario.
    pub name: String,
    /// The values, lowest first.
    pub values: Vec<f64>,
}

impl Request {
    /// The grid that the variant with this number stands on; none where no number of its scenario
    /// has several values.
    #[must_use]
    pub fn grid_around(&self, index: u64) -> Option<Grid> {
        let mut rest = index;
        let money_count = sum(self.money_managements.iter().map(MoneyVariants::len));
        let money = take_digit(&mut rest, money_count);
        let scenario_count = sum(self.scenarios.iter().map(ScenarioVariants::len));
        let scenario = take_digit(&mut rest, scenario_count);
        let (variants, number) = locate(&self.scenarios, ScenarioVariants::len, scenario)?;
        let first = rest * scenario_count + scenario - number;
        let mut grid = variants.grid_around(number)?;
        for (number, _) in &mut grid.points {
            *number = (first + *number) * money_count + money;
        }
        Some(grid)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{RequestColumns, scenario_to_json};
    use super::*;

    fn request(scenarios: &Value, money: &Value) -> Request {
        let columns = RequestColumns {
            universal_config: &json!({ "timeframe": "1d" }),
            ticker_variants: &json!(["A", "B"]),
            date_ranges: &json!([{ "last": "30d" }, { "last": "60d" }, { "last": "90d" }]),
            scenario_variants: scenarios,
            money_management_variants: money,
        };
        Request::parse(columns, 1_000_000).unwrap()
    }

    fn params(request: &Request, index: u64) -> Value {
        scenario_to_json(&request.variant(index).unwrap().scenario)["params"].clone()
    }

    #[test]
    fn a_grid_holds_what_differs_in_numbers_only_each_at_the_place_of_its_values() {
        let scenarios = json!([
            { "preset": "macd_cross", "params": { "signal": [5, 9] } },
            { "preset": "sma_cross", "direction": ["long", "both"],
              "params": { "fast": [20, 5, 10], "slow": { "from": 15, "to": 45, "step": 15 } } },
        ]);
        let request = request(&scenarios, &json!([{ "stop_loss_pct": [null, 2] }]));
        let rest = |index: u64| {
            let variant = request.variant(index).unwrap();
            let preset = scenario_to_json(&variant.scenario)["preset"].clone();
            let direction = variant.scenario.direction;
            (variant.ticker, variant.range, variant.money_management, direction, preset)
        };
        for index in 0..request.len() {
            let grid = request.grid_around(index).unwrap();
            let is_cross = rest(index).4 == "sma_cross";
            let expected: Vec<u64> =
                (0..request.len()).filter(|other| rest(index) == rest(*other)).collect();
            let found: Vec<u64> = grid.points.iter().map(|(number, _)| *number).collect();
            assert_eq!(found, expected, "{index}");
            // 20 above 15 makes no sense: that place has no variant.
            assert_eq!(found.len(), if is_cross { 8 } else { 2 });
            for (number, at) in &grid.points {
                let params = params(&request, *number);
                for (axis, place) in grid.axes.iter().zip(at) {
                    assert_eq!(params[&axis.name].as_f64(), Some(axis.values[*place as usize]));
                }
            }
            let values: Vec<&[f64]> = grid.axes.iter().map(|axis| axis.values.as_slice()).collect();
            let cross: [&[f64]; 2] = [&[5.0, 10.0, 20.0], &[15.0, 30.0, 45.0]];
            let macd: [&[f64]; 1] = [&[5.0, 9.0]];
            assert_eq!(values, if is_cross { &cross[..] } else { &macd[..] });
        }
    }

    #[test]
    fn words_are_no_axes_and_members_of_a_combination_go_by_their_place() {
        let scenarios = json!([{ "combine": [
            { "preset": "sma_cross", "params": { "fast": [5, 10] } }, "macd_cross"],
            "mode": ["all", "any"], "within": [0, 3] }]);
        let grid = request(&scenarios, &json!([{}])).grid_around(0).unwrap();
        let names: Vec<&str> = grid.axes.iter().map(|axis| axis.name.as_str()).collect();
        assert_eq!(names, ["combine[0].fast", "within"]);
        assert_eq!(grid.points.len(), 4, "of one mode");
        let one = json!([{ "preset": "sma_cross" }]);
        assert_eq!(request(&one, &json!([{}])).grid_around(0), None);
    }
}
