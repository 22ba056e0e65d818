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
