//! Values of one parameter of a preset or an indicator.

use std::ops::Bound::Included;

use crate::backtest::params::{Allowed, ParamDefinition, count_of};

use super::axis::Axis;
use super::bounds::Bounds;
use super::error::InputError;
use super::node::Node;

/// What a parameter may be, as the reader sees it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Permitted {
    /// A number within bounds.
    Number(Bounds),
    /// One of these words.
    Word(&'static [&'static str]),
}

impl Permitted {
    pub(super) fn of(definition: &ParamDefinition) -> Self {
        let number = |low, high, whole| Self::Number(Bounds { low, high, whole });
        match definition.allowed {
            Allowed::Whole { min, max } => number(Included(min), Included(max), true),
            Allowed::Number { min, max } => number(Included(min), Included(max), false),
            Allowed::Word(words) => Self::Word(words),
        }
    }
}

/// Reads what a parameter varies over; its default where nothing is said.
pub(super) fn read_axis(
    definition: &ParamDefinition,
    node: &Node<'_>,
) -> Result<Axis<f64>, InputError> {
    let axis = node.optional(|node| match Permitted::of(definition) {
        Permitted::Number(bounds) => Axis::read(node, &bounds, |node| node.number(&bounds)),
        Permitted::Word(words) => {
            Axis::listed(node, |node| read_word(definition.name, words, node))
        }
    })?;
    Ok(axis.unwrap_or(Axis::one(definition.default)))
}

/// Reads a word; its value is its position.
pub(super) fn read_word(what: &str, words: &[&str], node: &Node<'_>) -> Result<f64, InputError> {
    let numbered: Vec<(&str, f64)> = words.iter().copied().zip((0_u32..).map(f64::from)).collect();
    node.choice(what, &numbered)
}

/// The word that this value of a parameter stands for, if it stands for one.
pub(super) fn word_of(definition: &ParamDefinition, value: f64) -> Option<&'static str> {
    match definition.allowed {
        Allowed::Word(words) => words.get(count_of(value)).copied(),
        Allowed::Whole { .. } | Allowed::Number { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::backtest::params::word;

    use super::*;

    const VARIANT: ParamDefinition = word("variant", &["schaff", "skender"]);

    fn read(value: &Value) -> Result<Vec<f64>, String> {
        let axis = read_axis(&VARIANT, &Node::column("variant", value));
        axis.map(|axis| axis.values()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_word_is_its_position_in_the_list_of_words() {
        assert_eq!(read(&json!("skender")), Ok(vec![1.0]));
        assert_eq!(read(&json!(["skender", "schaff"])), Ok(vec![1.0, 0.0]));
        assert_eq!(
            [0.0, 1.0, 2.0].map(|value| word_of(&VARIANT, value)),
            [Some("schaff"), Some("skender"), None]
        );
    }

    #[test]
    fn what_is_no_word_of_the_list_is_refused() {
        for (value, complaint) in [
            (
                json!("scaff"),
                "unknown variant \"scaff\", did you mean \"schaff\"? allowed: schaff, skender",
            ),
            (json!(1), "found 1, allowed schaff, skender"),
            (json!({"from": 0, "to": 1, "step": 1}), "found an object, allowed schaff, skender"),
        ] {
            assert_eq!(read(&value), Err(format!("variant: {complaint}")));
        }
    }
}
