//! How many candles in front of the traded range a rule set needs for its values to have settled.

use crate::backtest::params::count_of;
use crate::domain::candles::Timeframe;

use super::{Indicator, Operand, Rule, RuleSet};

/// Candles of `base` needed in front of the first traded one.
#[must_use]
pub fn warmup_candles(rules: &RuleSet, base: Timeframe) -> usize {
    let mut settled: Vec<usize> = Vec::with_capacity(rules.indicators.len());
    for indicator in &rules.indicators {
        settled.push(of_indicator(indicator, base, &settled));
    }
    let sides = [&rules.long, &rules.short];
    let all = sides.into_iter().flat_map(|side| [&side.entry, &side.exit]).flatten();
    all.map(|rule| of_rule(rule, &settled)).max().unwrap_or(0)
}

fn of_indicator(indicator: &Indicator, base: Timeframe, settled: &[usize]) -> usize {
    let own = (indicator.definition.warmup)(&indicator.params);
    let source = of_operand(&indicator.source, settled);
    match indicator.timeframe {
        None => own + source,
        // One longer candle more: the first one may have begun before the candles.
        Some(longer) => {
            let ratio = longer.length_ms().div_euclid(base.length_ms().max(1)).max(1);
            (own + 2).saturating_mul(usize::try_from(ratio).unwrap_or(1))
        }
    }
}

fn of_operand(operand: &Operand, settled: &[usize]) -> usize {
    match operand {
        Operand::Number(_) | Operand::Column(_) => 0,
        Operand::Field { indicator, .. } => settled.get(*indicator).copied().unwrap_or(0),
        Operand::Shift(operand, bars) => of_operand(operand, settled) + bars,
    }
}

fn of_rule(rule: &Rule, settled: &[usize]) -> usize {
    let longest = |operands: &[&Operand]| {
        operands.iter().map(|operand| of_operand(operand, settled)).max().unwrap_or(0)
    };
    match rule {
        Rule::Start => 0,
        Rule::Compare(_, left, right) => longest(&[left, right]),
        Rule::CrossAbove(left, right) | Rule::CrossBelow(left, right) => {
            1 + longest(&[left, right])
        }
        Rule::Between(value, low, high) => longest(&[value, low, high]),
        Rule::Rising(value, bars) | Rule::Falling(value, bars) => bars + longest(&[value]),
        Rule::Within(bars, rule) => bars + of_rule(rule, settled),
        Rule::All(rules) | Rule::Any(rules) => {
            rules.iter().map(|rule| of_rule(rule, settled)).max().unwrap_or(0)
        }
        Rule::Not(rule) => of_rule(rule, settled),
        Rule::Becomes(rule) => 1 + of_rule(rule, settled),
        Rule::Latest { within, this, other } => {
            within + of_rule(this, settled).max(of_rule(other, settled))
        }
    }
}

/// Candles after which the seed of an exponential average of `period` weighs less than a millionth:
/// (1 − 2/(n+1))^k < 1e-6 from k = 6.9 (n+1) on.
#[must_use]
pub(in crate::backtest) fn exponential(period: f64) -> usize {
    count_of(6.9 * (period + 1.0))
}

/// The same for Wilder's average, whose weight is 1/n: (1 − 1/n)^k < 1e-6 from k = 13.8 n on.
#[must_use]
pub(in crate::backtest) fn wilder(period: f64) -> usize {
    count_of(13.8 * period)
}
