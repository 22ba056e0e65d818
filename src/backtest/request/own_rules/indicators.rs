//! `indicators` of a user's own rules, in the order in which they need each other.

use std::iter::successors;

use crate::backtest::indicators::{INDICATORS, IndicatorDefinition, Input};
use crate::backtest::params::ParamDefinition;
use crate::backtest::request::error::{InputError, unknown};
use crate::backtest::request::market::read_timeframe;
use crate::backtest::request::node::Node;
use crate::backtest::request::param::{Permitted, read_word};
use crate::backtest::rules::{CLOSE, Column, Indicator, Operand, field};
use crate::domain::candles::Timeframe;

use super::Make;
use super::declared::{Declared, read_names};

/// Most indicators of one scenario.
pub(in crate::backtest::request) const INDICATORS_MAX: usize = 64;

/// The indicators of a scenario.
pub(super) struct Indicators<'v> {
    /// In an order in which each uses only those before it.
    known: Vec<Known<'v>>,
    /// Makes each of them, in the same order.
    pub(super) makes: Vec<Make<Indicator>>,
    /// Timeframes and where they are written.
    pub(super) timeframes: Vec<(Node<'v>, Timeframe)>,
}

/// What is known of an indicator by its name alone.
#[derive(Clone)]
struct Known<'v> {
    name: &'v str,
    node: Node<'v>,
    definition: &'static IndicatorDefinition,
}

impl<'v> Indicators<'v> {
    pub(super) fn read(node: &Node<'v>, declared: &mut Declared<'v>) -> Result<Self, InputError> {
        let mut all = Vec::new();
        for name in read_names(node, INDICATORS_MAX)? {
            let node = node.child(name);
            if Column::NAMES.iter().any(|(column, _)| *column == name) {
                return Err(node.error("is a column of the candles, allowed any other name"));
            }
            all.push(Known { name, definition: read_kind(&node)?, node });
        }
        let known = in_order(all)?;
        let mut indicators = Self { known, makes: Vec::new(), timeframes: Vec::new() };
        for one in indicators.known.clone() {
            let make = indicators.read_one(one, declared)?;
            indicators.makes.push(make);
        }
        Ok(indicators)
    }

    fn read_one(
        &mut self,
        Known { name, node, definition }: Known<'v>,
        declared: &mut Declared<'v>,
    ) -> Result<Make<Indicator>, InputError> {
        let source = (definition.input == Input::Source).then_some("source");
        let params = definition.params.iter().map(|param| param.name);
        let keys = ["kind"].into_iter().chain(params).chain(source).chain(["timeframe"]);
        node.refuse_keys_besides("key", &keys.collect::<Vec<_>>())?;
        let params = definition
            .params
            .iter()
            .map(|param| read_param(param, &node.child(param.name), declared))
            .collect::<Result<Vec<_>, _>>()?;
        let source = node.child("source").optional(|node| self.read_source(node))?;
        let source = source.unwrap_or(CLOSE);
        let place = node.child("timeframe");
        let timeframe = place.optional(read_timeframe)?;
        if let Some(timeframe) = timeframe {
            if !matches!(source, Operand::Column(_)) {
                return Err(place.found("none where the source is an indicator"));
            }
            self.timeframes.push((place, timeframe));
        }
        let name = name.to_owned();
        Ok(Box::new(move |values| Indicator {
            name: name.clone(),
            definition,
            params: params.iter().map(|make| make(values)).collect(),
            source: source.clone(),
            timeframe,
        }))
    }

    fn read_source(&self, node: &Node<'_>) -> Result<Operand, InputError> {
        let text = node.as_text().ok_or_else(|| node.found("a column or an indicator"))?;
        self.resolve(text, node)
    }

    /// The column or the field of an indicator that `text` names.
    pub(super) fn resolve(&self, text: &str, node: &Node<'_>) -> Result<Operand, InputError> {
        if let Some((_, column)) = Column::NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(Operand::Column(*column));
        }
        let (name, wanted) =
            text.split_once('.').map_or((text, None), |(name, field)| (name, Some(field)));
        let Some(place) = self.known.iter().position(|known| known.name == name) else {
            let columns = Column::NAMES.iter().map(|(name, _)| *name);
            let names: Vec<&str> = columns.chain(self.known.iter().map(|it| it.name)).collect();
            return Err(node.error(&unknown("column or indicator", name, &names)));
        };
        let fields = self.known.get(place).map_or(&[][..], |known| known.definition.fields);
        match wanted.map(|wanted| (wanted, fields.iter().position(|field| *field == wanted))) {
            None => Ok(field(place, 0)),
            Some((_, Some(number))) => Ok(field(place, number)),
            Some((wanted, None)) => Err(node.error(&unknown("field", wanted, fields))),
        }
    }
}

impl Known<'_> {
    /// The name of the indicator or column it is computed from, if it says so.
    fn uses(&self) -> Option<&str> {
        let source = self.node.child("source").as_text()?;
        Some(source.split_once('.').map_or(source, |(name, _)| name))
    }
}

fn read_kind(node: &Node<'_>) -> Result<&'static IndicatorDefinition, InputError> {
    let kinds: Vec<_> = INDICATORS.iter().map(|known| (known.name, *known)).collect();
    if !node.is_object() {
        return Err(node.found("an object with kind"));
    }
    node.child("kind").choice("kind", &kinds)
}

fn read_param(
    definition: &ParamDefinition,
    node: &Node<'_>,
    declared: &mut Declared<'_>,
) -> Result<Make<f64>, InputError> {
    let value = match Permitted::of(definition) {
        _ if !node.is_present() => definition.default,
        Permitted::Number(bounds) => return declared.number(node, bounds),
        Permitted::Word(words) => read_word(definition.name, words, node)?,
    };
    Ok(Box::new(move |_| value))
}

/// Puts each indicator behind the one it uses, otherwise in the order of their names.
fn in_order(mut waiting: Vec<Known<'_>>) -> Result<Vec<Known<'_>>, InputError> {
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let names: Vec<&str> = waiting.iter().map(|one| one.name).collect();
        let (ready, blocked): (Vec<_>, Vec<_>) = waiting
            .iter()
            .cloned()
            .partition(|one| one.uses().is_none_or(|used| !names.contains(&used)));
        if let (true, [first, ..]) = (ready.is_empty(), &blocked[..]) {
            return Err(circle(first, &blocked));
        }
        ordered.extend(ready);
        waiting = blocked;
    }
    Ok(ordered)
}

/// The complaint about indicators each of which uses another one of them.
fn circle(first: &Known<'_>, all: &[Known<'_>]) -> InputError {
    let next = |one: &&Known<'_>| all.iter().find(|other| Some(other.name) == one.uses());
    // After as many steps as there are indicators, whatever led to the circle is behind.
    let one = successors(Some(first), next).nth(all.len()).unwrap_or(first);
    let others = successors(Some(one), next).skip(1).map(|other| other.name);
    let others: Vec<&str> = others.take_while(|name| *name != one.name).collect();
    let names = [&[one.name], &others[..], &[one.name]].concat();
    one.node.child("source").error(&format!("goes round in a circle: {}", names.join(", ")))
}
