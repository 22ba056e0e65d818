//! Heat maps over any two parameters: the best or the middle of all variants that share two values.

use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::cells::{Axis, Cells, Levels, axes};
use super::figures::{NONE, count, ratio};
use super::found::Found;
use super::grid::Grid;

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

    #[test]
    fn data_cannot_leave_its_element() {
        assert_eq!(harmless("\"</script>&\""), "\"\\u003c/script\\u003e\\u0026\"");
    }
}
