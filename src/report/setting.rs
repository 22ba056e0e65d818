//! One value of a parameter: how it is told from others, sorted and shown.

use serde_json::Value;

use super::figures::{NONE, fixed};

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Setting {
    /// The variant has no such parameter, or it is null.
    Missing,
    /// A number.
    Number(f64),
    /// Anything else.
    Text(String),
}

impl Setting {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Missing,
            Value::Number(number) => number.as_f64().map_or(Self::Missing, Self::Number),
            Value::String(text) => Self::Text(text.clone()),
            other => Self::Text(other.to_string()),
        }
    }

    /// As it is shown.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Missing => NONE.to_owned(),
            Self::Number(number) => plain(*number),
            Self::Text(text) => text.clone(),
        }
    }

    /// What it is known by.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Number(number) => format!("n{number}"),
            Self::Text(text) => format!("t{text}"),
        }
    }

    /// Missing first, then numbers by size, then words.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let class = |setting: &Self| match setting {
            Self::Missing => 0,
            Self::Number(_) => 1,
            Self::Text(_) => 2,
        };
        match (self, other) {
            (Self::Number(one), Self::Number(two)) => one.total_cmp(two),
            (Self::Text(one), Self::Text(two)) => one.cmp(two),
            _ => class(self).cmp(&class(other)),
        }
    }
}

/// A number as a user wrote it, with a true minus sign.
fn plain(number: f64) -> String {
    if number.abs() >= 1e15 { fixed(number, 0) } else { number.to_string().replace('-', "−") }
}
