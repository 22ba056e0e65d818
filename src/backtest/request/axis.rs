//! One value, a list of values, or `{"from", "to", "step"}`: what a key varies over.

use std::fmt::Debug;

use super::bounds::Bounds;
use super::error::InputError;
use super::node::Node;
use super::repeats::read_distinct;

/// Forgives the rounding of `(to - from) / step`, so that 0.1 to 0.3 by 0.1 has three values.
const STEP_TOLERANCE: f64 = 1e-9;

/// The values of one key, never none; a stepped range is counted without being written out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Axis<T> {
    Listed(Vec<T>),
    Stepped(Steps),
}

/// A range of numbers with both ends included.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Steps {
    from: f64,
    to: f64,
    step: f64,
    count: u64,
    decimals: usize,
}

impl<T: From<f64> + Copy + Debug> Axis<T> {
    pub(super) fn one(value: T) -> Self {
        Self::Listed(vec![value])
    }

    /// Reads the values: `read` for one alone or in a list, `bounds` for the ends of a range.
    pub(super) fn read(
        node: &Node<'_>,
        bounds: &Bounds,
        read: impl Fn(&Node<'_>) -> Result<T, InputError>,
    ) -> Result<Self, InputError> {
        if node.is_stepped() {
            return Steps::read(node, bounds).map(Self::Stepped);
        }
        Self::listed(node, read)
    }

    /// Reads values that have no order, alone or in a list.
    pub(super) fn listed(
        node: &Node<'_>,
        read: impl Fn(&Node<'_>) -> Result<T, InputError>,
    ) -> Result<Self, InputError> {
        read_distinct(&node.one_or_more()?, read).map(Self::Listed)
    }

    /// How many values there are.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Listed(values) => values.len() as u64,
            Self::Stepped(steps) => steps.count,
        }
    }

    pub(super) fn get(&self, index: u64) -> Option<T> {
        match self {
            Self::Listed(values) => values.get(usize::try_from(index).ok()?).copied(),
            Self::Stepped(steps) => steps.get(index).map(T::from),
        }
    }

    /// All values, written out.
    pub(super) fn values(&self) -> Vec<T> {
        (0..self.len()).map_while(|index| self.get(index)).collect()
    }
}

impl Axis<Option<f64>> {
    /// Whether every value is a number.
    pub(super) fn is_always(&self) -> bool {
        match self {
            Self::Listed(values) => values.iter().all(Option::is_some),
            Self::Stepped(_) => true,
        }
    }
}

impl Axis<f64> {
    /// The first value that is not within the bounds, and its number.
    pub(super) fn first_outside(&self, bounds: &Bounds) -> Option<(usize, f64)> {
        let outside = |value: f64| !bounds.contain(value) || bounds.whole && value.fract() != 0.0;
        match self {
            Self::Listed(values) => {
                values.iter().copied().enumerate().find(|(_, value)| outside(*value))
            }
            // A range is within if both ends are, and its second value is whole like the first.
            Self::Stepped(steps) => [0, 1, steps.count - 1]
                .into_iter()
                .filter_map(|number| steps.get(number))
                .find(|value| outside(*value))
                .map(|value| (0, value)),
        }
    }
}

impl Steps {
    fn read(node: &Node<'_>, bounds: &Bounds) -> Result<Self, InputError> {
        let [from, to, step] = node.fields(["from", "to", "step"])?;
        let first = from.number(bounds)?;
        let last = to.number(bounds)?;
        let width = step.number(&bounds.steps())?;
        if first > last {
            return Err(to.found(&format!("at least from, which is {first}")));
        }
        let count = saturating_count((last - first) / width + STEP_TOLERANCE).saturating_add(1);
        let decimals = decimals(first).max(decimals(width));
        Ok(Self { from: first, to: last, step: width, count, decimals })
    }

    /// The number a person would write: 0.1 plus two steps of 0.1 is 0.3, not 0.30000000000000004.
    fn get(&self, index: u64) -> Option<f64> {
        if index >= self.count {
            return None;
        }
        let number = self.from + exact(index) * self.step;
        let rounded: f64 = format!("{number:.*}", self.decimals).parse().ok()?;
        // Adding zero turns minus zero into zero.
        Some(rounded.min(self.to) + 0.0)
    }
}

/// Digits after the decimal point in the shortest text that is this number.
fn decimals(number: f64) -> usize {
    number.to_string().split_once('.').map_or(0, |(_, digits)| digits.len())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and a count beyond u64 is refused like any other too large one"
)]
fn saturating_count(number: f64) -> u64 {
    number.floor() as u64
}

#[expect(clippy::cast_precision_loss, reason = "indices of accepted ranges are below 2^53")]
fn exact(index: u64) -> f64 {
    index as f64
}

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use serde_json::json;

    use super::*;

    fn stepped(from: f64, to: f64, step: f64) -> Axis<f64> {
        let value = json!({"from": from, "to": to, "step": step});
        let any = Bounds::new(Bound::Unbounded, Bound::Unbounded);
        Axis::read(&Node::column("range", &value), &any, |node| node.number(&any)).unwrap()
    }

    #[test]
    fn both_ends_of_a_range_are_included_and_written_as_a_person_would() {
        assert_eq!(stepped(0.1, 0.3, 0.1).values(), [0.1, 0.2, 0.3]);
        assert_eq!(stepped(-1.0, 1.0, 0.5).values(), [-1.0, -0.5, 0.0, 0.5, 1.0]);
        assert_eq!(stepped(1.0, 2.0, 0.7).values(), [1.0, 1.7]);
        assert_eq!(stepped(7.0, 7.0, 5.0).values(), [7.0]);
        assert_eq!(stepped(7.0, 8.0, 5.0).values(), [7.0]);
    }

    #[test]
    fn ten_thousand_steps_of_a_tenth_end_exactly_at_the_end() {
        let axis = stepped(0.1, 1000.0, 0.1);
        assert_eq!(axis.len(), 10_000);
        assert_eq!(axis.get(9_999), Some(1000.0));
        assert_eq!(axis.get(10_000), None);
    }

    #[test]
    fn a_range_beyond_counting_is_counted_as_the_largest_number() {
        assert_eq!(stepped(-1e308, 1e308, 5e-324).len(), u64::MAX);
    }
}
