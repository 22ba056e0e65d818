//! Why a scenario asked for what at the close of one candle: its rules with their truths and values.

mod place;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::backtest::bits::Bits;
use crate::backtest::checked::CheckedCandles;
use crate::backtest::indicators::Input;
use crate::backtest::scenario::Scenario;
use crate::backtest::series::SeriesCache;
use crate::domain::candles::Timeframe;

use super::{Evaluation, Indicator, Operand, Rule, RuleError, RuleSet, SideRules};

pub use self::place::{NothingDecided, candle_at};
use self::words::{Parts, name_of, param_now, parts};

/// What a scenario said at the close of one candle, and on what grounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The indicators and their values.
    pub indicators: Vec<IndicatorNow>,
    /// The rules of the long side.
    pub long: SideNow,
    /// The rules of the short side.
    pub short: SideNow,
    /// What the rules asked for, once the direction of the scenario is heeded.
    pub asked: Asked,
}

/// The rules of one side; none where the scenario has none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SideNow {
    /// When to enter.
    pub entry: Option<RuleNow>,
    /// When to leave.
    pub exit: Option<RuleNow>,
}

/// What is asked for at a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "four signals that do not exclude each other")]
pub struct Asked {
    /// Take a long position.
    pub enter_long: bool,
    /// Leave a long position.
    pub leave_long: bool,
    /// Take a short position.
    pub enter_short: bool,
    /// Leave a short position.
    pub leave_short: bool,
}

/// An indicator and its values at the close.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IndicatorNow {
    /// What the scenario calls it.
    pub name: String,
    /// What it computes.
    pub kind: &'static str,
    /// Its parameters.
    pub params: BTreeMap<&'static str, ParamNow>,
    /// What it is computed from, where it takes one series.
    pub source: Option<String>,
    /// The longer timeframe it is computed on.
    pub timeframe: Option<&'static str>,
    /// Its values; none where there are too few candles before.
    pub values: BTreeMap<&'static str, Option<f64>>,
}

/// A parameter as users write it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ParamNow {
    /// A number.
    Number(f64),
    /// One of a few words.
    Word(&'static str),
}

/// A rule, whether it held, and what it is made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleNow {
    /// The word users write; `becomes`, `latest` and `start` are those of presets and combinations.
    pub rule: &'static str,
    /// Over how many candles it looks, where it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candles: Option<usize>,
    /// Whether it held.
    pub holds: bool,
    /// How many candles ago it held last: 0 where it holds, none where it never did.
    pub held_ago: Option<usize>,
    /// The numbers it compares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operands: Vec<OperandNow>,
    /// The rules it is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<Self>,
}

/// A number that a rule compares.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperandNow {
    /// Where it comes from.
    pub operand: String,
    /// Its value at the close; none where there are too few candles before.
    pub value: Option<f64>,
    /// Its value one candle before, likewise.
    pub before: Option<f64>,
}

/// Says what the rules of a scenario came to at the close of candle `bar`, and why; `start` is the
/// first traded candle.
///
/// # Errors
/// An indicator that refuses its parameters, or a rule that names a field that is not there.
pub fn explain(
    scenario: &Scenario,
    candles: &CheckedCandles,
    start: usize,
    bar: usize,
) -> Result<Explanation, RuleError> {
    let rules: &RuleSet = &scenario.rules;
    let cache = SeriesCache::new(0);
    let evaluation = Evaluation::new(rules, candles, start, &cache)?;
    let signals = evaluation.signals()?.limited_to(scenario.direction);
    let now = Now { rules, evaluation, bar };
    let indicators = rules.indicators.iter().enumerate();
    Ok(Explanation {
        indicators: indicators
            .map(|(position, indicator)| now.indicator(position, indicator))
            .collect::<Result<_, _>>()?,
        long: now.side(&rules.long)?,
        short: now.side(&rules.short)?,
        asked: Asked {
            enter_long: signals.long_entry.contains(bar),
            leave_long: signals.long_exit.contains(bar),
            enter_short: signals.short_entry.contains(bar),
            leave_short: signals.short_exit.contains(bar),
        },
    })
}

/// Rules at one close.
struct Now<'a> {
    rules: &'a RuleSet,
    evaluation: Evaluation<'a>,
    bar: usize,
}

impl Now<'_> {
    fn side(&self, side: &SideRules) -> Result<SideNow, RuleError> {
        let optional = |rule: &Option<Rule>| rule.as_ref().map(|rule| self.rule(rule)).transpose();
        Ok(SideNow { entry: optional(&side.entry)?, exit: optional(&side.exit)? })
    }

    fn rule(&self, rule: &Rule) -> Result<RuleNow, RuleError> {
        let Parts { word, candles, operands, of } = parts(rule);
        let truth = self.evaluation.truth(rule)?;
        let operands = operands.into_iter().map(|operand| self.operand(operand));
        let of = of.into_iter().map(|rule| self.rule(rule));
        Ok(RuleNow {
            rule: word,
            candles,
            holds: truth.contains(self.bar),
            held_ago: held_ago(&truth, self.bar),
            operands: operands.collect::<Result<_, _>>()?,
            of: of.collect::<Result<_, _>>()?,
        })
    }

    fn operand(&self, operand: &Operand) -> Result<OperandNow, RuleError> {
        let at = |bar: usize| self.evaluation.value(operand, bar);
        Ok(OperandNow {
            operand: name_of(operand, self.rules),
            value: at(self.bar)?,
            before: self.bar.checked_sub(1).map_or(Ok(None), at)?,
        })
    }

    fn indicator(&self, position: usize, indicator: &Indicator) -> Result<IndicatorNow, RuleError> {
        let Indicator { name, definition, params, source, timeframe } = indicator;
        let value =
            |field| self.evaluation.value(&Operand::Field { indicator: position, field }, self.bar);
        let values = definition.fields.iter().zip(0..);
        let params = definition.params.iter().zip(params);
        Ok(IndicatorNow {
            name: name.clone(),
            kind: definition.name,
            params: params.map(|(param, value)| (param.name, param_now(param, *value))).collect(),
            source: (definition.input == Input::Source).then(|| name_of(source, self.rules)),
            timeframe: timeframe.map(Timeframe::name),
            values: values
                .map(|(name, field)| Ok((*name, value(field)?)))
                .collect::<Result<_, RuleError>>()?,
        })
    }
}

/// How many candles before `bar`, or at it, the last candle of the set lies.
fn held_ago(truth: &Bits, bar: usize) -> Option<usize> {
    (0..=bar).find(|ago| truth.contains(bar - ago))
}
