//! Rules of a user's own: read once, made for any values of their parameters.

mod declared;
mod indicators;
mod operand;
mod rule;

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::backtest::rules::{Indicator, Rule, RuleSet, SideRules};
use crate::backtest::scenario::OwnRules;
use crate::domain::candles::Timeframe;

use super::axis::Axis;
use super::error::InputError;
use super::node::Node;

pub(super) use self::declared::{PARAMS_MAX, RESERVED};
pub(super) use self::indicators::INDICATORS_MAX;
pub(super) use self::rule::{AGO, IN_A_ROW, RULES, Shape};

use self::declared::Declared;
use self::indicators::Indicators;
use self::rule::RuleReader;

/// Most rules and operands in the rules of one scenario.
pub(super) const NODES_MAX: usize = 1_000;

/// Deepest nesting of rules and operands: reading, making and evaluating them recurses.
pub(super) const DEPTH_MAX: usize = 32;

/// Most candles that a rule may look back in one step.
pub(super) const BARS_MAX: f64 = 10_000.0;

/// Makes something of the values of the parameters.
type Make<T> = Box<dyn Fn(&[f64]) -> T + Send + Sync>;

/// A scenario of the user's own rules, and what its parameters vary over.
pub(super) struct OwnRulesRequest<'v> {
    pub(super) form: OwnRulesForm,
    /// One for each of [`OwnRulesForm::param_names`].
    pub(super) axes: Vec<Axis<f64>>,
    /// Timeframes of indicators and where they are written.
    pub(super) timeframes: Vec<(Node<'v>, Timeframe)>,
}

/// Rules with places for parameters.
pub(super) struct OwnRulesForm {
    template: Arc<Value>,
    text: String,
    names: Vec<String>,
    indicators: Vec<Make<Indicator>>,
    long: MakeSide,
    short: MakeSide,
}

#[derive(Default)]
struct MakeSide {
    entry: Option<Make<Rule>>,
    exit: Option<Make<Rule>>,
}

impl<'v> OwnRulesRequest<'v> {
    pub(super) fn read(
        params: &Node<'v>,
        indicators: &Node<'v>,
        [long, short]: [&Node<'v>; 2],
    ) -> Result<Self, InputError> {
        let template = [("indicators", indicators), ("long", long), ("short", short)];
        let template: Map<String, Value> = template
            .into_iter()
            .filter_map(|(key, node)| Some((key.to_owned(), node.value()?.clone())))
            .collect();
        let mut declared = Declared::read(params)?;
        let indicators = Indicators::read(indicators, &mut declared)?;
        let mut reader = RuleReader::new(&indicators, &mut declared);
        let template = Value::Object(template);
        let form = OwnRulesForm {
            text: template.to_string(),
            template: Arc::new(template),
            long: reader.side(long)?,
            short: reader.side(short)?,
            names: declared.names().map(str::to_owned).collect(),
            indicators: indicators.makes,
        };
        Ok(Self { form, axes: declared.into_axes()?, timeframes: indicators.timeframes })
    }
}

impl OwnRulesForm {
    /// The names of the parameters, sorted.
    pub(super) fn param_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The rules for these values of the parameters.
    pub(super) fn rules(&self, params: &[f64]) -> RuleSet {
        RuleSet {
            indicators: self.indicators.iter().map(|make| make(params)).collect(),
            long: self.long.make(params),
            short: self.short.make(params),
        }
    }

    /// What the rules are said by.
    pub(super) fn origin(&self, params: &[f64]) -> OwnRules {
        let named = self.names.iter().cloned().zip(params.iter().copied());
        OwnRules { template: Arc::clone(&self.template), params: named.collect() }
    }

    /// The rules as the user wrote them.
    pub(super) fn identity(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for OwnRulesForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnRulesForm").field("template", &self.template).finish_non_exhaustive()
    }
}

impl MakeSide {
    fn make(&self, params: &[f64]) -> SideRules {
        let made = |rule: &Option<Make<Rule>>| rule.as_ref().map(|make| make(params));
        SideRules { entry: made(&self.entry), exit: made(&self.exit) }
    }
}
