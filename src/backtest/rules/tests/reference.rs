//! Rules read plainly, one candle at a time, with nothing shared and nothing clever.

use crate::backtest::params::count_of;

use super::*;

/// What the plain reading looks at: averages are the only indicators, each by its own definition.
pub(super) struct Plain<'a> {
    pub(super) rules: &'a RuleSet,
    pub(super) candles: &'a Candles,
    pub(super) start: usize,
}

impl Plain<'_> {
    pub(super) fn truth(&self, rule: &Rule, bar: usize) -> bool {
        let earlier = |bars: usize| bar.checked_sub(bars);
        match rule {
            Rule::Start => bar == self.start,
            Rule::Compare(comparison, left, right) => self.compares(*comparison, left, right, bar),
            Rule::CrossAbove(left, right) => self.crosses(Comparison::Gt, left, right, bar),
            Rule::CrossBelow(left, right) => self.crosses(Comparison::Lt, left, right, bar),
            Rule::Between(value, low, high) => {
                self.compares(Comparison::Ge, value, low, bar)
                    && self.compares(Comparison::Le, value, high, bar)
            }
            Rule::Rising(value, bars) => self.moves(Comparison::Gt, value, *bars, bar),
            Rule::Falling(value, bars) => self.moves(Comparison::Lt, value, *bars, bar),
            Rule::Within(bars, rule) => {
                (0..=*bars).filter_map(earlier).any(|bar| self.truth(rule, bar))
            }
            Rule::All(rules) => rules.iter().all(|rule| self.truth(rule, bar)),
            Rule::Any(rules) => rules.iter().any(|rule| self.truth(rule, bar)),
            Rule::Not(rule) => !self.truth(rule, bar),
            Rule::Becomes(rule) => {
                self.truth(rule, bar) && earlier(1).is_some_and(|bar| !self.truth(rule, bar))
            }
            Rule::Latest { within, this, other } => {
                let says = |bar| (self.truth(this, bar), self.truth(other, bar));
                let mut said = (0..=*within).filter_map(earlier).map(says);
                said.find(|(this, other)| this != other).is_some_and(|(this, _)| this)
            }
        }
    }

    fn compares(&self, how: Comparison, left: &Operand, right: &Operand, bar: usize) -> bool {
        let (Some(a), Some(b)) = (self.value(left, bar), self.value(right, bar)) else {
            return false;
        };
        let equal = (a - b).abs() <= 1e-10 * a.abs().max(b.abs());
        match how {
            Comparison::Gt => a > b && !equal,
            Comparison::Lt => a < b && !equal,
            Comparison::Ge => a > b || equal,
            Comparison::Le => a < b || equal,
            Comparison::Eq => equal,
        }
    }

    fn crosses(&self, how: Comparison, left: &Operand, right: &Operand, bar: usize) -> bool {
        let not_before = bar.checked_sub(1).is_some_and(|bar| {
            let known = self.value(left, bar).is_some() && self.value(right, bar).is_some();
            known && !self.compares(how, left, right, bar)
        });
        not_before && self.compares(how, left, right, bar)
    }

    fn moves(&self, how: Comparison, value: &Operand, bars: usize, bar: usize) -> bool {
        let before = Operand::Shift(Box::new(value.clone()), 1);
        (0..bars).all(|back| bar >= back && self.compares(how, value, &before, bar - back))
    }

    fn value(&self, operand: &Operand, bar: usize) -> Option<f64> {
        match operand {
            Operand::Number(number) => Some(*number),
            Operand::Column(column) => Some(column_of(self.candles, *column, bar)),
            Operand::Field { indicator, .. } => {
                let indicator = &self.rules.indicators[*indicator];
                let period = indicator.params[0];
                match indicator.timeframe {
                    None => self.average(&indicator.source, period, bar),
                    Some(longer) => self.average_of_closed(longer, period, bar),
                }
            }
            // A number was always the same.
            Operand::Shift(operand, _) if is_number(operand) => self.value(operand, bar),
            Operand::Shift(operand, bars) => self.value(operand, bar.checked_sub(*bars)?),
        }
    }

    fn average(&self, source: &Operand, period: f64, bar: usize) -> Option<f64> {
        let count = count_of(period);
        let first = (bar + 1).checked_sub(count)?;
        let window: Option<Vec<f64>> = (first..=bar).map(|bar| self.value(source, bar)).collect();
        Some(window?.iter().sum::<f64>() / period)
    }

    /// The average close of the last longer candles that have closed by the close of this one.
    fn average_of_closed(&self, longer: Timeframe, period: f64, bar: usize) -> Option<f64> {
        let now = self.candles.time[bar] + 5 * MINUTE_MS;
        let mut closes: Vec<(i64, f64)> = Vec::new();
        for (time, close) in self.candles.time[..=bar].iter().zip(&self.candles.close) {
            let start = longer.start_of(*time);
            if start < self.candles.time[0] || start + longer.length_ms() > now {
                continue;
            }
            match closes.last_mut().filter(|(last, _)| *last == start) {
                Some(last) => last.1 = *close,
                None => closes.push((start, *close)),
            }
        }
        let first = closes.len().checked_sub(count_of(period))?;
        Some(closes[first..].iter().map(|(_, close)| close).sum::<f64>() / period)
    }
}

fn is_number(operand: &Operand) -> bool {
    match operand {
        Operand::Number(_) => true,
        Operand::Column(_) | Operand::Field { .. } => false,
        Operand::Shift(operand, _) => is_number(operand),
    }
}

fn column_of(candles: &Candles, column: Column, bar: usize) -> f64 {
    let (high, low, close) = (candles.high[bar], candles.low[bar], candles.close[bar]);
    match column {
        Column::Open => candles.open[bar],
        Column::High => high,
        Column::Low => low,
        Column::Close => close,
        Column::Volume => candles.volume[bar],
        Column::Hl2 => (high + low) / 2.0,
        Column::Hlc3 => (high + low + close) / 3.0,
    }
}
