//! What was measured beside what must be reached: one table for people, one file for programs.

use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value, json};

/// A limit of a figure.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// What a figure must reach, and what it had better.
pub(crate) struct Bar {
    pub(crate) workload: &'static str,
    pub(crate) what: &'static str,
    /// The section and the name of the figure.
    pub(crate) figure: (&'static str, &'static str),
    pub(crate) must: Limit,
    pub(crate) stretch: Option<Limit>,
}

/// A figure beside its bar.
pub(crate) struct Row<'a> {
    bar: &'a Bar,
    /// `None` where a quick run leaves it out.
    value: Option<f64>,
}

impl Limit {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "≥ {least}"),
            Self::AtMost(most) => write!(f, "≤ {most}"),
        }
    }
}

impl<'a> Row<'a> {
    /// The rows of the sections that were run.
    pub(crate) fn of(bars: &'a [Bar], sections: &Map<String, Value>) -> Vec<Self> {
        let row = |bar: &'a Bar| {
            let (section, name) = bar.figure;
            let value = sections.get(section)?.get(name).and_then(Value::as_f64);
            Some(Self { bar, value })
        };
        bars.iter().filter_map(row).collect()
    }

    fn verdict(&self) -> &'static str {
        let Bar { must, stretch, .. } = self.bar;
        match (self.value, stretch) {
            (None, _) => "not measured",
            (Some(value), Some(stretch)) if stretch.holds(value) => "stretch",
            (Some(value), _) if must.holds(value) => "met",
            _ => "MISSED",
        }
    }

    fn json(&self) -> Value {
        let Bar { workload, what, must, stretch, .. } = self.bar;
        json!({
            "workload": workload,
            "what": what,
            "value": self.value,
            "must": must.to_string(),
            "stretch": stretch.map(|stretch| stretch.to_string()),
            "verdict": self.verdict(),
        })
    }
}

/// The table of all rows.
pub(crate) fn table(rows: &[Row<'_>]) -> Table {
    let mut table = bare_table(&["", "what", "measured", "must", "stretch", ""]);
    for row in rows {
        let Bar { workload, what, must, stretch, .. } = row.bar;
        let stretch = stretch.map(|stretch| stretch.to_string()).unwrap_or_default();
        let (value, must) = (&row.value.map(short).unwrap_or_default(), &must.to_string());
        table.add_row([*workload, *what, value, must, &stretch, row.verdict()]);
    }
    align_right(&mut table, &[2]);
    table
}

/// A table without lines.
pub(crate) fn bare_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    table
}

pub(crate) fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        let column = table.column_mut(*column);
        column.unwrap().set_cell_alignment(CellAlignment::Right);
    }
}

/// A figure with about three digits that count.
pub(crate) fn short(value: f64) -> String {
    let digits = match value.abs() {
        0.0..0.1 => 4,
        0.1..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

/// Writes `target/bench/<name>.json`.
pub(crate) fn write(name: &str, report: &Value) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("bench");
    std::fs::create_dir_all(&folder).unwrap();
    let text = serde_json::to_string_pretty(report).unwrap();
    std::fs::write(folder.join(name).with_extension("json"), text).unwrap();
}

/// The rows as JSON.
pub(crate) fn json(rows: &[Row<'_>]) -> Value {
    rows.iter().map(Row::json).collect()
}

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    *values.get(values.len() / 2).unwrap()
}
