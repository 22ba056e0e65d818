//! Heat maps over any two parameters: the best or the middle of all variants that share two values.

use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::figures::{NONE, count, float, floor, median, ratio};
use super::found::Found;
use super::grid::{Grid, Parameter, Setting};

/// Parameters to choose from.
const AXES_MAX: usize = 8;
/// Columns and rows of a map; more values share one.
const STEPS_MAX: usize = 30;

/// One side of a map.
#[derive(Debug)]
struct Axis<'g> {
    parameter: &'g Parameter,
    labels: Vec<String>,
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
fn axes(grid: &Grid) -> Vec<Axis<'_>> {
    let mut varying = grid.varying();
    varying.sort_by_key(|parameter| !parameter.is_numeric());
    varying.into_iter().filter_map(Axis::of).take(AXES_MAX).collect()
}

/// What the variants of each cell have, row by row: how many, the best, the middle.
#[derive(Debug, Default)]
struct Cells {
    numbers: Vec<usize>,
    best: Vec<Option<f64>>,
    median: Vec<Option<f64>>,
}

impl Cells {
    fn of(x: &Axis<'_>, y: Option<&Axis<'_>>, figures: &[Option<f64>]) -> Self {
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

    fn to_json(&self) -> Value {
        json!({ "best": rounded(&self.best), "median": rounded(&self.median) })
    }
}

/// Six digits are enough to choose colours by and to be read.
fn rounded(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let short = |value: f64| format!("{value:.5e}").parse().unwrap_or(value);
    values.iter().map(|value| value.map(short)).collect()
}

/// The heat map.
pub(super) fn section(found: &Found) -> Markup {
    if found.best().is_none() {
        return html! {};
    }
    let axes = axes(&found.grid);
    html! {
        section #heat {
            h2 { "Parameters" }
            @match (axes.first(), axes.get(1)) {
                (None, _) => p { "No parameter varies: there is nothing to lay out." },
                (Some(x), y) => {
                    p {
                        "Sharpe ratio of the variants that share two values; the stronger the colour the \
                         better, the best cell is framed. A single strong cell among weak ones is \
                         more likely luck than a whole strong field."
                        @if found.grid.is_cut { " The variants have more parameters than are told apart." }
                    }
                    (tools(&axes))
                    div #map.scroll.snug tabindex="0" role="region" aria-label="Heat map, scrolls sideways" {
                        (table(x, y, &Cells::of(x, y, &found.grid.sharpe)))
                    }
                    (data(&axes, &found.grid))
                }
            }
        }
    }
}

/// What to choose; shown by the script that it needs.
fn tools(axes: &[Axis<'_>]) -> Markup {
    let choice = |id: &str, name: &str, chosen: usize| {
        html! {
            span.choice {
                label for=(id) { (name) }
                select id=(id) {
                    @for (at, axis) in axes.iter().enumerate() {
                        option value=(at) selected[at == chosen] { (axis.parameter.name) }
                    }
                }
            }
        }
    };
    html! {
        div.tools hidden {
            (choice("heat-x", "Across", 0))
            @if axes.len() > 1 { (choice("heat-y", "Down", 1)) }
            span.choice {
                label for="heat-figure" { "Figure" }
                select #heat-figure {
                    option value="sharpe" selected { "Sharpe ratio" }
                    option value="total_return" { "Total return" }
                }
            }
            span.choice {
                label for="heat-of" { "Of each cell" }
                select #heat-of {
                    option value="best" selected { "the best" }
                    option value="median" { "the middle" }
                }
            }
        }
    }
}

/// The first map: the best Sharpe ratio of each cell.
fn table(x: &Axis<'_>, y: Option<&Axis<'_>>, cells: &Cells) -> Markup {
    let columns = x.labels.len();
    let down = y.map_or("all variants", |y| y.parameter.name.as_str());
    let one = [String::from("all")];
    let rows = y.map_or(one.as_slice(), |y| &y.labels);
    let levels = Levels::of(&cells.best);
    html! {
        table.map {
            caption { "Best Sharpe ratio by " (x.parameter.name) " (across) and " (down) " (down)" }
            thead {
                tr {
                    td {}
                    @for label in &x.labels { th.n scope="col" { (label) } }
                }
            }
            tbody {
                @for (row, label) in rows.iter().enumerate() {
                    tr {
                        th.n scope="row" { (label) }
                        @for at in row * columns..(row + 1) * columns {
                            (cell(cells, at, &levels))
                        }
                    }
                }
            }
        }
    }
}

fn cell(cells: &Cells, at: usize, levels: &Levels) -> Markup {
    let number = cells.numbers.get(at).copied().unwrap_or(0);
    let Some(value) = cells.best.get(at).copied().flatten() else {
        return html! { td.n { @if number > 0 { (NONE) } } };
    };
    let top = if levels.is_highest(value) { " top" } else { "" };
    html! {
        td class={ "n s" (levels.level(value)) (top) } data-value=(value.to_string())
            title={ (count(number)) " variants" } { (ratio(Some(value))) }
    }
}

/// Ten colours between the lowest and the highest value.
struct Levels {
    low: f64,
    high: f64,
}

impl Levels {
    fn of(values: &[Option<f64>]) -> Self {
        let known = values.iter().flatten().copied();
        let (low, high) = known
            .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        Self { low, high }
    }

    fn level(&self, value: f64) -> usize {
        let span = self.high - self.low;
        if span > 0.0 { floor((value - self.low) / span * float(10)).min(9) } else { 5 }
    }

    fn is_highest(&self, value: f64) -> bool {
        value >= self.high
    }
}

/// All maps, for the script that shows another one.
fn data(axes: &[Axis<'_>], grid: &Grid) -> Markup {
    let mut pairs = Vec::new();
    for (across, x) in axes.iter().enumerate() {
        let below: Vec<(usize, Option<&Axis<'_>>)> = if axes.len() == 1 {
            vec![(across, None)]
        } else {
            axes.iter().enumerate().skip(across + 1).map(|(at, y)| (at, Some(y))).collect()
        };
        for (down, y) in below {
            let sharpe = Cells::of(x, y, &grid.sharpe);
            let total_return = Cells::of(x, y, &grid.total_return);
            pairs.push(json!({
                "x": across, "y": down, "n": sharpe.numbers,
                "sharpe": sharpe.to_json(), "total_return": total_return.to_json(),
            }));
        }
    }
    let named = |axis: &Axis<'_>| json!({ "name": axis.parameter.name, "values": axis.labels });
    let axes: Vec<Value> = axes.iter().map(named).collect();
    let text = json!({ "axes": axes, "pairs": pairs }).to_string();
    html! { script #heat-data type="application/json" { (PreEscaped(harmless(&text))) } }
}

/// JSON that cannot end the element it stands in.
fn harmless(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
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

    #[test]
    fn data_cannot_leave_its_element() {
        assert_eq!(harmless("\"</script>&\""), "\"\\u003c/script\\u003e\\u0026\"");
    }
}
