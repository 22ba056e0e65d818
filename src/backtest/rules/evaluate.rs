//! Rules evaluated over whole columns, into sets of candles.

use std::cell::RefCell;
use std::rc::Rc;

use crate::backtest::bits::Bits;
use crate::backtest::checked::CheckedCandles;
use crate::backtest::indicators::IndicatorError;
use crate::backtest::series::SeriesCache;
use crate::backtest::signals::Signals;

use super::compare::Order;
use super::operand::Operands;
use super::{Comparison, Operand, Rule, RuleSet, SideRules};

/// Why rules could not be evaluated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// An indicator refused its parameters.
    #[error(transparent)]
    Indicator(#[from] IndicatorError),
    /// A rule names a field that is not there, or not yet.
    #[error("no field {field} of indicator {indicator} at this place")]
    NoSuchField {
        /// Position of the indicator.
        indicator: usize,
        /// Position of the field.
        field: usize,
    },
    /// Only an indicator over a column of the candles can have a timeframe of its own.
    #[error("indicator {0:?} has a timeframe and another indicator as its source")]
    TimeframeOfSource(String),
    /// An indicator of one number for all candles.
    #[error("indicator {0:?} has a number as its source")]
    SourceIsANumber(String),
}

/// Rules over candles, ready to be asked.
#[derive(Debug)]
pub struct Evaluation<'a> {
    rules: &'a RuleSet,
    operands: Operands<'a>,
    /// Comparisons made so far: a rule and its opposite, such as two crosses, need the same one.
    orders: RefCell<Vec<Compared>>,
    len: usize,
    start: usize,
}

/// Two operands, and which of them is the larger one.
type Compared = (Operand, Operand, Rc<Order>);

impl<'a> Evaluation<'a> {
    /// Computes the indicators, or takes them from the cache; `start` is the first traded candle.
    ///
    /// # Errors
    /// An indicator that refuses its parameters.
    pub fn new(
        rules: &'a RuleSet,
        candles: &'a CheckedCandles,
        start: usize,
        cache: &SeriesCache,
    ) -> Result<Self, RuleError> {
        let operands = Operands::new(&rules.indicators, candles, cache)?;
        let orders = RefCell::default();
        Ok(Self { rules, operands, orders, len: candles.candles().len(), start })
    }

    /// The candles at whose closes to enter and leave.
    ///
    /// # Errors
    /// A rule that names a field that is not there.
    pub fn signals(&self) -> Result<Signals, RuleError> {
        let SideRules { entry: long_entry, exit: long_exit } = &self.rules.long;
        let SideRules { entry: short_entry, exit: short_exit } = &self.rules.short;
        Ok(Signals {
            long_entry: self.optional(long_entry.as_ref())?,
            long_exit: self.optional(long_exit.as_ref())?,
            short_entry: self.optional(short_entry.as_ref())?,
            short_exit: self.optional(short_exit.as_ref())?,
        })
    }

    /// The candles at whose closes the rule is true.
    ///
    /// # Errors
    /// A rule that names a field that is not there.
    pub fn truth(&self, rule: &Rule) -> Result<Bits, RuleError> {
        Ok(match rule {
            Rule::Start => {
                let mut first = Bits::none(self.len);
                first.insert(self.start);
                first
            }
            Rule::Compare(comparison, left, right) => self.compare(*comparison, left, right)?,
            Rule::CrossAbove(left, right) => {
                let order = self.order(left, right)?;
                begins(&order.above).and(&order.known.later(1))
            }
            Rule::CrossBelow(left, right) => {
                let order = self.order(left, right)?;
                begins(&order.below).and(&order.known.later(1))
            }
            Rule::Between(value, low, high) => self
                .compare(Comparison::Ge, value, low)?
                .and(&self.compare(Comparison::Le, value, high)?),
            Rule::Rising(value, bars) => self.run_of(&self.step(value)?.above, *bars),
            Rule::Falling(value, bars) => self.run_of(&self.step(value)?.below, *bars),
            Rule::Within(bars, rule) => spread(self.truth(rule)?, *bars),
            Rule::All(rules) => {
                self.folded(rules, Bits::from(0, self.len), |all, one| all.and(&one))?
            }
            Rule::Any(rules) => {
                self.folded(rules, Bits::none(self.len), |any, one| any.or(&one))?
            }
            Rule::Not(rule) => Bits::from(0, self.len).without(&self.truth(rule)?),
            Rule::Becomes(rule) => begins(&self.truth(rule)?).and(&Bits::from(1, self.len)),
            Rule::Latest { within, this, other } => {
                latest(&self.truth(this)?, &self.truth(other)?, *within)
            }
        })
    }

    /// The value of an operand at the close of a candle, if it has one.
    ///
    /// # Errors
    /// A field that is not there.
    pub fn value(&self, operand: &Operand, bar: usize) -> Result<Option<f64>, RuleError> {
        Ok(self.operands.values(operand)?.at(bar))
    }

    fn optional(&self, rule: Option<&Rule>) -> Result<Bits, RuleError> {
        rule.map_or_else(|| Ok(Bits::none(self.len)), |rule| self.truth(rule))
    }

    fn folded(
        &self,
        rules: &[Rule],
        first: Bits,
        fold: impl Fn(Bits, Bits) -> Bits,
    ) -> Result<Bits, RuleError> {
        rules.iter().try_fold(first, |bits, rule| Ok(fold(bits, self.truth(rule)?)))
    }

    fn compare(
        &self,
        comparison: Comparison,
        left: &Operand,
        right: &Operand,
    ) -> Result<Bits, RuleError> {
        let order = self.order(left, right)?;
        Ok(match comparison {
            Comparison::Gt => order.above.clone(),
            Comparison::Lt => order.below.clone(),
            Comparison::Ge => order.known.without(&order.below),
            Comparison::Le => order.known.without(&order.above),
            Comparison::Eq => order.known.without(&order.above).without(&order.below),
        })
    }

    fn order(&self, left: &Operand, right: &Operand) -> Result<Rc<Order>, RuleError> {
        let mut orders = self.orders.borrow_mut();
        if let Some((.., order)) = orders.iter().find(|(a, b, _)| (a, b) == (left, right)) {
            return Ok(Rc::clone(order));
        }
        let values = (self.operands.values(left)?, self.operands.values(right)?);
        let order = Rc::new(Order::of(values.0, values.1, self.len));
        orders.push((left.clone(), right.clone(), Rc::clone(&order)));
        Ok(order)
    }

    /// Where the value is above and below that of one candle before.
    fn step(&self, value: &Operand) -> Result<Rc<Order>, RuleError> {
        self.order(value, &Operand::Shift(Box::new(value.clone()), 1))
    }

    /// The candles that are the last of so many in a row.
    fn run_of(&self, steps: &Bits, bars: usize) -> Bits {
        // None is missing within one less.
        let missing = Bits::from(0, self.len).without(steps);
        Bits::from(bars, self.len).without(&spread(missing, bars.saturating_sub(1)))
    }
}

/// The candles of the set whose candle before is not in it.
fn begins(bits: &Bits) -> Bits {
    bits.without(&bits.later(1))
}

/// Every candle of the set and the `bars` after it, by doubling steps.
fn spread(bits: Bits, bars: usize) -> Bits {
    let (mut spread, mut reach) = (bits, 0);
    while reach < bars {
        let step = (reach + 1).min(bars - reach);
        spread = spread.or(&spread.later(step));
        reach += step;
    }
    spread
}

/// The candles at which the last of the two sets with a candle is `this`, `within` candles ago at
/// most.
fn latest(this: &Bits, other: &Bits, within: usize) -> Bits {
    let (this, other) = (this.without(other), other.without(this));
    let mut found = Bits::none(this.len());
    let (mut from, mut filled) = (0, 0);
    while let Some(begin) = this.next(from) {
        let until = other.next(begin + 1).unwrap_or(this.len());
        let end = until.min(begin.saturating_add(within).saturating_add(1));
        for bar in begin.max(filled)..end {
            found.insert(bar);
        }
        (from, filled) = (begin + 1, end);
    }
    found
}
