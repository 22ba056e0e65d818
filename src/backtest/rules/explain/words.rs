//! Rules, operands and parameters as users write them.

use crate::backtest::params::{Allowed, ParamDefinition, count_of};
use crate::backtest::rules::{Comparison, Indicator, Operand, Rule, RuleSet};

use super::ParamNow;

/// What a rule is made of.
pub(super) struct Parts<'r> {
    pub(super) word: &'static str,
    pub(super) candles: Option<usize>,
    pub(super) operands: Vec<&'r Operand>,
    pub(super) of: Vec<&'r Rule>,
}

/// The word of a rule, and what it is made of.
pub(super) fn parts(rule: &Rule) -> Parts<'_> {
    let compares = |word, operands| Parts { word, candles: None, operands, of: vec![] };
    let joins = |word, of| Parts { word, candles: None, operands: vec![], of };
    match rule {
        Rule::Start => joins("start", vec![]),
        Rule::Compare(comparison, left, right) => compares(word_of(*comparison), vec![left, right]),
        Rule::CrossAbove(left, right) => compares("cross_above", vec![left, right]),
        Rule::CrossBelow(left, right) => compares("cross_below", vec![left, right]),
        Rule::Between(value, low, high) => compares("between", vec![value, low, high]),
        Rule::Rising(value, bars) => {
            Parts { candles: Some(*bars), ..compares("rising", vec![value]) }
        }
        Rule::Falling(value, bars) => {
            Parts { candles: Some(*bars), ..compares("falling", vec![value]) }
        }
        Rule::Within(bars, rule) => Parts { candles: Some(*bars), ..joins("within", vec![rule]) },
        Rule::All(rules) => joins("all", rules.iter().collect()),
        Rule::Any(rules) => joins("any", rules.iter().collect()),
        Rule::Not(rule) => joins("not", vec![rule]),
        Rule::Becomes(rule) => joins("becomes", vec![rule]),
        Rule::Latest { within, this, other } => {
            Parts { candles: Some(*within), ..joins("latest", vec![this, other]) }
        }
    }
}

fn word_of(comparison: Comparison) -> &'static str {
    let known = Comparison::NAMES.iter().find(|(_, known)| *known == comparison);
    known.map_or("", |(word, _)| word)
}

/// An operand as users write it: a number, a column, an indicator or one of its fields.
pub(super) fn name_of(operand: &Operand, rules: &RuleSet) -> String {
    match operand {
        Operand::Number(number) => number.to_string(),
        Operand::Column(column) => column.name().to_owned(),
        Operand::Field { indicator, field } => {
            let Some(Indicator { name, definition, .. }) = rules.indicators.get(*indicator) else {
                return String::new();
            };
            match definition.fields {
                [] | [_] => name.clone(),
                fields => format!("{name}.{}", fields.get(*field).copied().unwrap_or_default()),
            }
        }
        Operand::Shift(operand, bars) => {
            let candles = if *bars == 1 { "candle" } else { "candles" };
            format!("{} {bars} {candles} before", name_of(operand, rules))
        }
    }
}

/// A parameter as users write it.
pub(super) fn param_now(definition: &ParamDefinition, value: f64) -> ParamNow {
    let word = match definition.allowed {
        Allowed::Word(words) => words.get(count_of(value)).copied(),
        Allowed::Whole { .. } | Allowed::Number { .. } => None,
    };
    word.map_or(ParamNow::Number(value), ParamNow::Word)
}
