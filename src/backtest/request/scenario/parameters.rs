//! The parameters of a scenario: what each varies over, what must hold between them, and which of
//! their combinations are left.

use crate::backtest::params::ParamDefinition;
use crate::backtest::request::axis::Axis;
use crate::backtest::request::condition::Condition;
use crate::backtest::request::error::InputError;
use crate::backtest::request::node::Node;
use crate::backtest::request::param::read_axis;
use crate::backtest::request::product;

/// Everything a scenario varies over besides its direction; a parameter goes by its place.
#[derive(Debug, Default)]
pub(in crate::backtest::request) struct Parameters<'v> {
    axes: Vec<Axis<f64>>,
    /// Each with the place of the first parameter it knows.
    conditions: Vec<(usize, Condition)>,
    ordered: Vec<Ordered<'v>>,
}

/// Two parameters of which one must be below the other.
#[derive(Debug)]
struct Ordered<'v> {
    low: usize,
    high: usize,
    high_name: &'static str,
    /// Where the low one is written.
    node: Node<'v>,
}

/// The combinations of parameters that are to be run.
#[derive(Debug)]
pub(in crate::backtest::request) struct Combinations {
    columns: Columns,
    kept: Vec<usize>,
}

impl<'v> Parameters<'v> {
    /// Parameters that are called by the names they are declared with.
    pub(super) fn new(axes: Vec<Axis<f64>>) -> Self {
        Self { axes, ..Self::default() }
    }

    /// Reads parameters with these definitions from the object at `node`; of each of the `pairs`
    /// the first must be below the second.
    pub(super) fn read(
        definitions: &[ParamDefinition],
        pairs: &[(&str, &'static str)],
        node: &Node<'v>,
    ) -> Result<Self, InputError> {
        let names: Vec<&str> = definitions.iter().map(|definition| definition.name).collect();
        node.refuse_keys_besides("parameter", &names)?;
        let read =
            |definition: &ParamDefinition| read_axis(definition, &node.child(definition.name));
        let axes = definitions.iter().map(read).collect::<Result<_, _>>()?;
        let place = |name: &str| names.iter().position(|known| *known == name);
        let ordered = pairs.iter().filter_map(|(low, high)| {
            let node = node.child(low);
            Some(Ordered { low: place(low)?, high: place(high)?, high_name: high, node })
        });
        Ok(Self { axes, ordered: ordered.collect(), conditions: Vec::new() })
    }

    /// Reads a condition on parameters, given by names and places; there may be none.
    pub(super) fn read_condition(
        &mut self,
        names: &[(&str, usize)],
        node: &Node<'_>,
    ) -> Result<(), InputError> {
        let condition = node.optional(|node| Condition::read(node, names))?;
        self.conditions.extend(condition.map(|condition| (0, condition)));
        Ok(())
    }

    /// Adds parameters behind these.
    pub(super) fn append(&mut self, mut others: Self) {
        let by = self.axes.len();
        self.axes.append(&mut others.axes);
        self.conditions.extend(others.conditions.into_iter().map(|(first, it)| (by + first, it)));
        self.ordered.extend(others.ordered.into_iter().map(|ordered| Ordered {
            low: by + ordered.low,
            high: by + ordered.high,
            ..ordered
        }));
    }

    /// How many combinations there are before any is left out.
    pub(super) fn len(&self) -> u64 {
        product(self.axes.iter().map(Axis::len))
    }

    /// The same text for parameters of the same definitions that vary over the same.
    pub(super) fn identity(&self) -> String {
        format!("{:?} {:?}", self.axes, self.conditions)
    }

    /// Tries every combination and keeps those that make sense; `node` is blamed if none does.
    ///
    /// The caller has looked at [`Self::len`]: the combinations are written out here.
    pub(super) fn thin_out(self, node: &Node<'_>) -> Result<Combinations, InputError> {
        let columns = Columns::new(self.axes.iter().map(Axis::values).collect());
        let count = columns.count();
        let mut params = columns.first();
        if count == 1 && self.conditions.is_empty() {
            self.ordered.iter().try_for_each(|ordered| ordered.check(&params))?;
        }
        let mut makes_sense = |index: &usize| {
            columns.fill(*index, &mut params);
            self.ordered.iter().all(|ordered| ordered.holds(&params))
                && self.conditions.iter().all(|(first, condition)| {
                    condition.holds(params.get(*first..).unwrap_or_default())
                })
        };
        let kept: Vec<usize> = (0..count).filter(&mut makes_sense).collect();
        if kept.is_empty() {
            let what = format!("leaves none of {count} combinations of the parameters");
            return Err(node.error(&what));
        }
        Ok(Combinations { columns, kept })
    }
}

impl Ordered<'_> {
    fn values(&self, params: &[f64]) -> (f64, f64) {
        let value = |place: usize| params.get(place).copied().unwrap_or(f64::NAN);
        (value(self.low), value(self.high))
    }

    fn holds(&self, params: &[f64]) -> bool {
        let (low, high) = self.values(params);
        low < high
    }

    fn check(&self, params: &[f64]) -> Result<(), InputError> {
        if self.holds(params) {
            return Ok(());
        }
        let (low, high) = self.values(params);
        let name = self.high_name;
        Err(self.node.error(&format!("found {low}, allowed below {name}, which is {high}")))
    }
}

impl Combinations {
    pub(super) fn len(&self) -> u64 {
        self.kept.len() as u64
    }

    /// The values of one of the combinations that are left.
    pub(super) fn get(&self, number: u64) -> Option<Vec<f64>> {
        let index = *self.kept.get(usize::try_from(number).ok()?)?;
        let mut params = self.columns.first();
        self.columns.fill(index, &mut params);
        Some(params)
    }

    /// The parameters that have several values: their places, and the values of each.
    pub(super) fn varying(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let values = |place: &usize| Some((*place, self.columns.values.get(*place)?.as_slice()));
        self.columns.varying.iter().filter_map(values)
    }

    /// For every combination the number of the value of each of [`Self::varying`].
    pub(super) fn digits(&self) -> impl Iterator<Item = Vec<usize>> {
        self.kept.iter().map(|index| self.columns.digits(*index))
    }
}

/// The values of each parameter, never none.
#[derive(Debug)]
struct Columns {
    values: Vec<Vec<f64>>,
    /// The places of those that have several.
    varying: Vec<usize>,
}

impl Columns {
    fn new(values: Vec<Vec<f64>>) -> Self {
        let varying = values.iter().zip(0..).filter(|(values, _)| values.len() > 1);
        let varying = varying.map(|(_, place)| place).collect();
        Self { values, varying }
    }

    fn count(&self) -> usize {
        self.values.iter().map(Vec::len).product()
    }

    /// The first combination.
    fn first(&self) -> Vec<f64> {
        self.values.iter().filter_map(|values| values.first().copied()).collect()
    }

    /// The number of the value of each varying parameter in the combination with this number.
    fn digits(&self, mut index: usize) -> Vec<usize> {
        let mut digits = vec![0; self.varying.len()];
        for (digit, place) in digits.iter_mut().zip(&self.varying).rev() {
            let count = self.values.get(*place).map_or(1, Vec::len);
            *digit = index % count;
            index /= count;
        }
        digits
    }

    /// Makes the combination with this number of another one; the last parameter varies fastest.
    fn fill(&self, mut index: usize, params: &mut [f64]) {
        for place in self.varying.iter().rev() {
            let (Some(values), Some(param)) = (self.values.get(*place), params.get_mut(*place))
            else {
                continue;
            };
            if let Some(value) = values.get(index % values.len()) {
                *param = *value;
            }
            index /= values.len();
        }
    }
}
