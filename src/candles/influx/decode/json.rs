//! Chunked JSON, the answers of `InfluxQL`: one object a line.
//!
//! Every object but the last says that it is `partial`, so a missing end is seen. Errors stand in the
//! objects, whatever the status of the answer says.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::{COLUMNS_MAX, Cell, DecodeError, Decoder, Rows, shown};

/// Reads chunked JSON.
#[derive(Debug)]
pub struct JsonDecoder {
    /// The columns, or tags of series, asked for.
    names: Vec<String>,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// Whether the last object said that it is the last.
    whole: bool,
}

impl JsonDecoder {
    /// A decoder that hands out the columns `names`; those beyond the sixth are left out. A name that
    /// is no column of a series may be one of its tags.
    #[must_use]
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().take(COLUMNS_MAX).map(str::to_owned).collect();
        Self { names, line: Vec::new(), whole: false }
    }

    fn take_line(&mut self, line: &[u8], rows: &mut impl Rows) -> Result<(), DecodeError> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let object: Object = serde_json::from_slice(line).map_err(|error| {
            DecodeError::Unreadable(format!("{error} in {}", shown(line.get(..60).unwrap_or(line))))
        })?;
        if let Some(error) = object.error {
            return Err(DecodeError::Failed(shown(error.as_bytes())));
        }
        // The statement counts; an object without one is no answer to a query.
        self.whole = !object.results.is_empty();
        for statement in object.results {
            if let Some(error) = statement.error {
                return Err(DecodeError::Failed(shown(error.as_bytes())));
            }
            self.whole &= !statement.partial;
            for series in &statement.series {
                series.hand_out(&self.names, rows)?;
            }
        }
        Ok(())
    }
}

impl Decoder for JsonDecoder {
    fn feed(&mut self, mut bytes: &[u8], rows: &mut impl Rows) -> Result<(), DecodeError> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at_checked(end + 1).unwrap_or((bytes, &[]));
            if self.line.is_empty() {
                self.take_line(line, rows)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.take_line(&whole, rows)?;
                // Its room is used again.
                whole.clear();
                self.line = whole;
            }
            bytes = rest;
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&self) -> Result<(), DecodeError> {
        let whole = self.whole && self.line.trim_ascii().is_empty();
        if whole { Ok(()) } else { Err(DecodeError::Cut) }
    }
}

#[derive(serde::Deserialize)]
struct Object {
    #[serde(default)]
    results: Vec<Statement>,
    error: Option<String>,
}

#[derive(serde::Deserialize)]
struct Statement {
    #[serde(default)]
    series: Vec<Series>,
    error: Option<String>,
    #[serde(default)]
    partial: bool,
}

#[derive(serde::Deserialize)]
struct Series {
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    columns: Vec<String>,
    #[serde(default)]
    values: Vec<Vec<OwnedCell>>,
}

impl Series {
    fn hand_out(&self, names: &[String], rows: &mut impl Rows) -> Result<(), DecodeError> {
        let mut cells = [Cell::Missing; COLUMNS_MAX];
        let mut positions = [None; COLUMNS_MAX];
        for ((cell, position), name) in cells.iter_mut().zip(&mut positions).zip(names) {
            *position = self.columns.iter().position(|column| column == name);
            if let (None, Some(tag)) = (&position, self.tags.get(name)) {
                *cell = text(tag);
            }
        }
        for row in &self.values {
            if row.len() != self.columns.len() {
                let (found, columns) = (row.len(), self.columns.len());
                let what = format!("a row of {found} values under {columns} columns");
                return Err(DecodeError::Unreadable(what));
            }
            for (cell, position) in cells.iter_mut().zip(positions) {
                if let Some(owned) = position.and_then(|position| row.get(position)) {
                    *cell = owned.as_cell();
                }
            }
            rows.row(cells.get(..names.len()).unwrap_or_default())?;
        }
        Ok(())
    }
}

fn text(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Missing } else { Cell::Text(text.as_bytes()) }
}

enum OwnedCell {
    Missing,
    Text(String),
    Integer(i64),
    Float(f64),
}

impl OwnedCell {
    fn as_cell(&self) -> Cell<'_> {
        match self {
            Self::Missing => Cell::Missing,
            Self::Text(owned) => text(owned),
            Self::Integer(value) => Cell::Integer(*value),
            Self::Float(value) => Cell::Float(*value),
        }
    }
}

impl<'de> Deserialize<'de> for OwnedCell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl Visitor<'_> for CellVisitor {
    type Value = OwnedCell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, text, true, false or null")
    }

    fn visit_unit<E: de::Error>(self) -> Result<OwnedCell, E> {
        Ok(OwnedCell::Missing)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<OwnedCell, E> {
        Ok(OwnedCell::Integer(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "such a number was a float when it was stored")]
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<OwnedCell, E> {
        Ok(i64::try_from(value).map_or(OwnedCell::Float(value as f64), OwnedCell::Integer))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<OwnedCell, E> {
        Ok(OwnedCell::Float(value))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<OwnedCell, E> {
        Ok(OwnedCell::Text(value.to_string()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<OwnedCell, E> {
        Ok(OwnedCell::Text(value.to_owned()))
    }
}
