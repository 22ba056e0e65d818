//! Rules: when to enter and leave, as trees over indicators and candles. Presets, a user's own
//! rules and combinations of presets all end as a [`RuleSet`], evaluated in one way.

mod compare;
mod evaluate;
pub mod explain;
mod lookback;
mod operand;

use crate::domain::candles::Timeframe;

use super::indicators::IndicatorDefinition;

pub(super) use self::compare::rounding;
pub use self::evaluate::{Evaluation, RuleError};
pub use self::lookback::warmup_candles;
pub(super) use self::lookback::{exponential, wilder};

/// Everything that decides over entries and exits of one variant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleSet {
    /// The indicators; an indicator may use those before it.
    pub indicators: Vec<Indicator>,
    /// When to enter and leave long positions.
    pub long: SideRules,
    /// When to enter and leave short positions.
    pub short: SideRules,
}

impl RuleSet {
    /// These entries, and no exits.
    #[must_use]
    pub fn entering(indicators: Vec<Indicator>, long: Rule, short: Rule) -> Self {
        let side = |entry: Rule| SideRules { entry: Some(entry), exit: None };
        Self { indicators, long: side(long), short: side(short) }
    }

    /// Long when `fast` rises above `slow`, short when it falls below.
    #[must_use]
    pub fn crossing(indicators: Vec<Indicator>, fast: &Operand, slow: &Operand) -> Self {
        let entry = |rule: fn(Operand, Operand) -> Rule| rule(fast.clone(), slow.clone());
        Self::entering(indicators, entry(Rule::CrossAbove), entry(Rule::CrossBelow))
    }
}

/// When to enter and leave positions of one side; without a rule there is no such signal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SideRules {
    /// True at the closes at which to enter.
    pub entry: Option<Rule>,
    /// True at the closes at which to leave.
    pub exit: Option<Rule>,
}

/// An indicator with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Indicator {
    /// What the user calls it, or the preset.
    pub name: String,
    /// What it computes.
    pub definition: &'static IndicatorDefinition,
    /// One value per parameter of the definition.
    pub params: Vec<f64>,
    /// What it is computed from, where it takes one series.
    pub source: Operand,
    /// A longer timeframe than that of the candles; its values are seen only once its candle has
    /// closed.
    pub timeframe: Option<Timeframe>,
}

/// A column of the candles, or one made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// First price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Last price.
    Close,
    /// Traded volume.
    Volume,
    /// (high + low) / 2.
    Hl2,
    /// (high + low + close) / 3.
    Hlc3,
}

impl Column {
    /// The words users write.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("open", Self::Open),
        ("high", Self::High),
        ("low", Self::Low),
        ("close", Self::Close),
        ("volume", Self::Volume),
        ("hl2", Self::Hl2),
        ("hlc3", Self::Hlc3),
    ];

    /// The word users write.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, column)| *column == self).map_or("", |(name, _)| name)
    }
}

/// A number per candle.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// The same for every candle.
    Number(f64),
    /// Of the candle itself.
    Column(Column),
    /// Of an indicator.
    Field {
        /// Position in [`RuleSet::indicators`].
        indicator: usize,
        /// Position among the fields of its definition.
        field: usize,
    },
    /// As it was this many candles before. There is no way to look ahead.
    Shift(Box<Self>, usize),
}

/// A truth per candle. Where an operand has no value yet, every comparison is false.
///
/// Two numbers closer than 1e-10 of the larger one count as equal: how a sum is rounded must not
/// decide a trade.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// A comparison of two numbers.
    Compare(Comparison, Operand, Operand),
    /// The first is above the second, and was not one candle before.
    CrossAbove(Operand, Operand),
    /// The first is below the second, and was not one candle before.
    CrossBelow(Operand, Operand),
    /// At least the second and at most the third.
    Between(Operand, Operand, Operand),
    /// Above its value of one candle before, at each of so many candles in a row.
    Rising(Operand, usize),
    /// Below its value of one candle before, at each of so many candles in a row.
    Falling(Operand, usize),
    /// The rule is true at this candle or was at one of so many before it.
    Within(usize, Box<Self>),
    /// Every rule is true.
    All(Vec<Self>),
    /// One rule at least is true.
    Any(Vec<Self>),
    /// The rule is not true.
    Not(Box<Self>),
    /// The rule is true, and was not one candle before.
    Becomes(Box<Self>),
    /// The last of the two to be true was the first, and that was at this candle or at one of so
    /// many before it. Both at once count for neither.
    Latest {
        /// Candles it may be ago.
        within: usize,
        /// Must have been true last.
        this: Box<Self>,
        /// Must not have been true since.
        other: Box<Self>,
    },
    /// The first candle of the traded range.
    Start,
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Greater.
    Gt,
    /// Less.
    Lt,
    /// Greater or equal.
    Ge,
    /// Less or equal.
    Le,
    /// Equal.
    Eq,
}

impl Comparison {
    /// The words users write.
    pub const NAMES: [(&'static str, Self); 5] =
        [("gt", Self::Gt), ("lt", Self::Lt), ("ge", Self::Ge), ("le", Self::Le), ("eq", Self::Eq)];
}

/// The close.
pub const CLOSE: Operand = Operand::Column(Column::Close);

/// A field of an indicator.
#[must_use]
pub const fn field(indicator: usize, field: usize) -> Operand {
    Operand::Field { indicator, field }
}

/// The first is greater than the second.
#[must_use]
pub const fn gt(left: Operand, right: Operand) -> Rule {
    Rule::Compare(Comparison::Gt, left, right)
}

/// The first is less than the second.
#[must_use]
pub const fn lt(left: Operand, right: Operand) -> Rule {
    Rule::Compare(Comparison::Lt, left, right)
}

/// The rule is true at so many candles in a row, the last of them this one.
#[must_use]
pub fn in_a_row(rule: Rule, candles: usize) -> Rule {
    let before = candles.saturating_sub(1);
    let first = Operand::Shift(Box::new(CLOSE), before);
    let missing = Rule::Within(before, Box::new(Rule::Not(Box::new(rule))));
    // Prices are positive: the first comparison says that there are so many candles.
    Rule::All(vec![gt(first, Operand::Number(0.0)), Rule::Not(Box::new(missing))])
}

#[cfg(test)]
mod tests;
