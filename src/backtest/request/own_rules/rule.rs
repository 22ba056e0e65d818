//! A rule as users write it: one key that says which, and what it is about.

use std::ops::Bound::Included;

use crate::backtest::params::count_of;
use crate::backtest::request::bounds::Bounds;
use crate::backtest::request::error::InputError;
use crate::backtest::request::node::Node;
use crate::backtest::rules::{Comparison, Operand, Rule};

use super::declared::Declared;
use super::indicators::Indicators;
use super::{BARS_MAX, DEPTH_MAX, Make, MakeSide, NODES_MAX};

/// What is written under the key of a rule.
#[derive(Debug, Clone, Copy)]
pub(in crate::backtest::request) enum Shape {
    /// Two operands.
    Pair(fn(Operand, Operand) -> Rule),
    /// An operand, and what it lies between.
    Between,
    /// An operand, or an operand and for how many candles.
    Run(fn(Operand, usize) -> Rule),
    /// For how many candles, and a rule.
    Within,
    /// Rules.
    List(fn(Vec<Rule>) -> Rule),
    /// A rule.
    Not,
}

/// The rules users write.
pub(in crate::backtest::request) const RULES: [(&str, Shape); 14] = [
    ("gt", Shape::Pair(|left, right| Rule::Compare(Comparison::Gt, left, right))),
    ("lt", Shape::Pair(|left, right| Rule::Compare(Comparison::Lt, left, right))),
    ("ge", Shape::Pair(|left, right| Rule::Compare(Comparison::Ge, left, right))),
    ("le", Shape::Pair(|left, right| Rule::Compare(Comparison::Le, left, right))),
    ("eq", Shape::Pair(|left, right| Rule::Compare(Comparison::Eq, left, right))),
    ("cross_above", Shape::Pair(Rule::CrossAbove)),
    ("cross_below", Shape::Pair(Rule::CrossBelow)),
    ("between", Shape::Between),
    ("rising", Shape::Run(Rule::Rising)),
    ("falling", Shape::Run(Rule::Falling)),
    ("within", Shape::Within),
    ("all", Shape::List(Rule::All)),
    ("any", Shape::List(Rule::Any)),
    ("not", Shape::Not),
];

/// Candles that something may be ago.
pub(in crate::backtest::request) const AGO: Bounds =
    Bounds { low: Included(0.0), high: Included(BARS_MAX), whole: true };

/// Candles in a row.
pub(in crate::backtest::request) const IN_A_ROW: Bounds =
    Bounds { low: Included(1.0), high: Included(BARS_MAX), whole: true };

/// Reads the rules of one scenario.
pub(super) struct RuleReader<'r, 'v> {
    pub(super) indicators: &'r Indicators<'v>,
    pub(super) declared: &'r mut Declared<'v>,
    nodes: usize,
    depth: usize,
}

impl<'r, 'v> RuleReader<'r, 'v> {
    pub(super) fn new(indicators: &'r Indicators<'v>, declared: &'r mut Declared<'v>) -> Self {
        Self { indicators, declared, nodes: 0, depth: 0 }
    }

    /// Reads the rules of one side, which may have none.
    pub(super) fn side(&mut self, node: &Node<'_>) -> Result<MakeSide, InputError> {
        if !node.is_present() {
            return Ok(MakeSide::default());
        }
        let [entry, exit] = node.fields(["entry", "exit"])?;
        Ok(MakeSide {
            entry: Some(self.rule(&entry)?),
            exit: exit.optional(|node| self.rule(node))?,
        })
    }

    fn rule(&mut self, node: &Node<'_>) -> Result<Make<Rule>, InputError> {
        self.nested(node, |reader, node| {
            let (shape, node) = node.only_key("rule", &RULES)?;
            reader.shaped(shape, &node)
        })
    }

    fn shaped(&mut self, shape: Shape, node: &Node<'_>) -> Result<Make<Rule>, InputError> {
        Ok(match shape {
            Shape::Pair(rule) => {
                let [left, right] = node.exactly("a list of two operands")?;
                let (left, right) = (self.operand(&left)?, self.operand(&right)?);
                Box::new(move |params| rule(left(params), right(params)))
            }
            Shape::Between => {
                let [value, low, high] = node.exactly("a list of three operands")?;
                let value = self.operand(&value)?;
                let (low, high) = (self.operand(&low)?, self.operand(&high)?);
                Box::new(move |params| Rule::Between(value(params), low(params), high(params)))
            }
            Shape::Run(rule) => {
                let (value, bars) = self.run(node)?;
                Box::new(move |params| rule(value(params), bars(params)))
            }
            Shape::Within => {
                let [bars, inner] = node.exactly("a list of a number of candles and a rule")?;
                let (bars, inner) = (self.bars(&bars, AGO)?, self.rule(&inner)?);
                Box::new(move |params| Rule::Within(bars(params), Box::new(inner(params))))
            }
            Shape::List(rule) => {
                let items = node.items_up_to(NODES_MAX)?;
                let rules =
                    items.iter().map(|item| self.rule(item)).collect::<Result<Vec<_>, _>>()?;
                Box::new(move |params| rule(rules.iter().map(|make| make(params)).collect()))
            }
            Shape::Not => {
                let inner = self.rule(node)?;
                Box::new(move |params| Rule::Not(Box::new(inner(params))))
            }
        })
    }

    /// Reads `x` or `[x, n]`.
    fn run(&mut self, node: &Node<'_>) -> Result<(Make<Operand>, Make<usize>), InputError> {
        if !node.is_array() {
            return Ok((self.operand(node)?, Box::new(|_| 1)));
        }
        let [value, bars] = node.exactly("an operand, or a list of one and a number of candles")?;
        Ok((self.operand(&value)?, self.bars(&bars, IN_A_ROW)?))
    }

    /// Reads a number of candles.
    pub(super) fn bars(
        &mut self,
        node: &Node<'_>,
        bounds: Bounds,
    ) -> Result<Make<usize>, InputError> {
        let number = self.declared.number(node, bounds)?;
        Ok(Box::new(move |params| count_of(number(params))))
    }

    /// Reads one more rule or operand, one level further down.
    pub(super) fn nested<T>(
        &mut self,
        node: &Node<'_>,
        read: impl FnOnce(&mut Self, &Node<'_>) -> Result<T, InputError>,
    ) -> Result<T, InputError> {
        if self.nodes == NODES_MAX {
            return Err(node.error(&format!(
                "found more than {NODES_MAX} rules and operands, allowed {NODES_MAX}"
            )));
        }
        if self.depth == DEPTH_MAX {
            return Err(
                node.error(&format!("found nesting {} deep, allowed {DEPTH_MAX}", DEPTH_MAX + 1))
            );
        }
        self.nodes += 1;
        self.depth += 1;
        let made = read(self, node);
        self.depth -= 1;
        made
    }
}
