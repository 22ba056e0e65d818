//! What a heat map is made of: its sides, and what the variants of each cell have.

use serde_json::{Value, json};

use super::figures::{float, floor, median};
use super::grid::{Grid, Parameter};
use super::setting::Setting;

/// Parameters to choose from.
const AXES_MAX: usize = 8;
/// Columns and rows of a map; more values share one.
const STEPS_MAX: usize = 30;

/// One side of a map.
#[derive(Debug)]
pub(super) struct Axis<'g> {
    pub(super) parameter: &'g Parameter,
    pub(super) labels: Vec<String>,
}

impl<'g> Axis<'g> {
    /// `None` for too many words.
    fn of(parameter: &'g Parameter) -> Option<Self> {
        let values = parameter.values.len();
        if values > STEPS_MAX && !parameter.is_numeric() {
            return None;
        }
        let steps = values.min(STEPS_MAX);
        let text = |at: usize| parameter.values.get(at).map_or_else(String::new, Setting::text);
        let label = |step: usize| {
            let (first, after) =
                ((step * values).div_ceil(steps), ((step + 1) * values).div_ceil(steps));
            if after - first == 1 {
                text(first)
            } else {
                format!("{}…{}", text(first), text(after - 1))
            }
        };
        Some(Self { parameter, labels: (0..steps).map(label).collect() })
    }

    /// The step that a variant is on.
    fn step(&self, variant: usize) -> usize {
        self.parameter.code(variant) * self.labels.len() / self.parameter.values.len().max(1)
    }
}

/// The parameters to choose from: numbers first.
pub(super) fn axes(grid: &Grid) -> Vec<Axis<'_>> {
    let mut varying = grid.varying();
    varying.sort_by_key(|parameter| !parameter.is_numeric());
    varying.into_iter().filter_map(Axis::of).take(AXES_MAX).collect()
}

/// What the variants of each cell have, row by row: how many, the best, the middle.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) numbers: Vec<usize>,
    pub(super) best: Vec<Option<f64>>,
    median: Vec<Option<f64>>,
}

impl Cells {
    pub(super) fn of(x: &Axis<'_>, y: Option<&Axis<'_>>, figures: &[Option<f64>]) -> Self {
        let columns = x.labels.len();
        let rows = y.map_or(1, |y| y.labels.len());
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); columns * rows];
        let mut numbers = vec![0; columns * rows];
        for (variant, figure) in figures.iter().enumerate() {
            let cell = y.map_or(0, |y| y.step(variant)) * columns + x.step(variant);
            if let (Some(number), Some(values)) = (numbers.get_mut(cell), values.get_mut(cell)) {
                *number += 1;
                values.extend(figure);
            }
        }
        let best =
            values.iter().map(|values| values.iter().copied().max_by(f64::total_cmp)).collect();
        let median = values.iter_mut().map(|values| median(values)).collect();
        Self { numbers, best, median }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "best": rounded(&self.best), "median": rounded(&self.median) })
    }
}

/// Six digits are enough to choose colours by and to be read.
fn rounded(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let short = |value: f64| format!("{value:.5e}").parse().unwrap_or(value);
    values.iter().map(|value| value.map(short)).collect()
}

/// Ten colours between the lowest and the highest value.
pub(super) struct Levels {
    low: f64,
    high: f64,
}

impl Levels {
    pub(super) fn of(values: &[Option<f64>]) -> Self {
        let known = values.iter().flatten().copied();
        let (low, high) = known
            .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        Self { low, high }
    }

    pub(super) fn level(&self, value: f64) -> usize {
        let span = self.high - self.low;
        if span > 0.0 { floor((value - self.low) / span * float(10)).min(9) } else { 5 }
    }

    pub(super) fn is_highest(&self, value: f64) -> bool {
        value >= self.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::grid::tests::result;

    fn grid(values: impl Iterator<Item = (i32, i32, f64)>) -> Grid {
        let mut grid = Grid::default();
        for (fast, slow, sharpe) in values {
            let params = json!({ "params": { "fast": fast, "slow": slow } });
            grid.push(&result(&params, &json!({}), sharpe));
        }
        grid.finish();
        grid
    }

    #[test]
    fn a_cell_has_the_best_and_the_middle_of_its_variants() {
        let grid = grid([(1, 5, 0.5), (1, 5, 2.5), (2, 5, 1.0), (2, 6, -1.0)].into_iter());
        let axes = axes(&grid);
        let cells = Cells::of(&axes[0], axes.get(1), &grid.sharpe);
        assert_eq!(cells.numbers, [2, 1, 0, 1]);
        assert_eq!(cells.best, [Some(2.5), Some(1.0), None, Some(-1.0)]);
        assert_eq!(cells.median, [Some(1.5), Some(1.0), None, Some(-1.0)]);
        let alone = Cells::of(&axes[0], None, &grid.sharpe);
        assert_eq!(alone.best, [Some(2.5), Some(1.0)]);
    }

    #[test]
    fn many_values_share_the_steps_of_an_axis() {
        let grid = grid((0..95).map(|at| (at, at % 7, 1.0)));
        let axes = axes(&grid);
        assert_eq!(axes[0].labels.len(), STEPS_MAX);
        assert_eq!(axes[0].labels[0], "0…3");
        assert_eq!(axes[0].labels[29], "92…94");
        let mut steps: Vec<usize> = (0..95).map(|at| axes[0].step(at)).collect();
        assert!(steps.is_sorted());
        // A label names what is in its step.
        assert_eq!(steps.iter().filter(|step| **step == 0).count(), 4);
        assert_eq!(steps.iter().filter(|step| **step == 29).count(), 3);
        steps.dedup();
        assert_eq!(steps.len(), STEPS_MAX);
    }
}
