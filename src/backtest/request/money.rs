//! `money_management_variants`: how much to take, and where to stop.

use std::ops::Bound::{Excluded, Included};

use crate::backtest::variant::{MoneyManagement, Size};

use super::axis::Axis;
use super::bounds::Bounds;
use super::config::AMOUNT;
use super::error::InputError;
use super::node::Node;
use super::repeats::read_distinct;
use super::{product, take_digit};

// More than all of the equity would be leverage.
const PCT_EQUITY: Bounds = Bounds::new(Excluded(0.0), Included(100.0));
// At 100 % the stop of a long position would be at a price of zero.
const STOP_LOSS_PCT: Bounds = Bounds::new(Excluded(0.0), Excluded(100.0));
const TAKE_PROFIT_PCT: Bounds = Bounds::new(Excluded(0.0), Included(1e6));
const LEVERAGE: Bounds = Bounds::new(Included(1.0), Included(1.0));

/// One entry of the column, with everything it varies over.
#[derive(Debug, PartialEq)]
pub(super) struct MoneyVariants {
    sizes: SizeAxis,
    stop_losses: Axis<Option<f64>>,
    take_profits: Axis<Option<f64>>,
}

#[derive(Debug, PartialEq)]
enum SizeAxis {
    Units(Axis<f64>),
    Notional(Axis<f64>),
    PctEquity(Axis<f64>),
}

/// Reads the list of money managements.
pub(super) fn read_money_managements(node: &Node<'_>) -> Result<Vec<MoneyVariants>, InputError> {
    read_distinct(&node.items()?, MoneyVariants::read)
}

impl MoneyVariants {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, InputError> {
        let [size, stop_loss, take_profit, leverage] =
            node.fields(["size", "stop_loss_pct", "take_profit_pct", "leverage"])?;
        leverage.optional(|node| node.number(&LEVERAGE))?;
        Ok(Self {
            sizes: size.optional(SizeAxis::read)?.unwrap_or(SizeAxis::PctEquity(Axis::one(100.0))),
            stop_losses: read_distances(&stop_loss, &STOP_LOSS_PCT)?,
            take_profits: read_distances(&take_profit, &TAKE_PROFIT_PCT)?,
        })
    }

    pub(super) fn len(&self) -> u64 {
        product([self.sizes.axis().len(), self.stop_losses.len(), self.take_profits.len()])
    }

    pub(super) fn get(&self, mut index: u64) -> Option<MoneyManagement> {
        let take_profit = take_digit(&mut index, self.take_profits.len());
        let stop_loss = take_digit(&mut index, self.stop_losses.len());
        Some(MoneyManagement {
            size: self.sizes.get(index)?,
            stop_loss_pct: self.stop_losses.get(stop_loss)?,
            take_profit_pct: self.take_profits.get(take_profit)?,
            ..MoneyManagement::default()
        })
    }
}

impl SizeAxis {
    fn read(node: &Node<'_>) -> Result<Self, InputError> {
        let [units, notional, pct_equity] = node.fields(["units", "notional", "pct_equity"])?;
        let axis =
            |node: &Node<'_>, bounds: &Bounds| Axis::read(node, bounds, |node| node.number(bounds));
        match [&units, &notional, &pct_equity].map(Node::is_present) {
            [true, false, false] => axis(&units, &AMOUNT).map(Self::Units),
            [false, true, false] => axis(&notional, &AMOUNT).map(Self::Notional),
            [false, false, true] => axis(&pct_equity, &PCT_EQUITY).map(Self::PctEquity),
            _ => Err(node.found("one of units, notional, pct_equity")),
        }
    }

    fn axis(&self) -> &Axis<f64> {
        let (Self::Units(axis) | Self::Notional(axis) | Self::PctEquity(axis)) = self;
        axis
    }

    fn get(&self, index: u64) -> Option<Size> {
        let number = self.axis().get(index)?;
        Some(match self {
            Self::Units(_) => Size::Units(number),
            Self::Notional(_) => Size::Notional(number),
            Self::PctEquity(_) => Size::PctEquity(number),
        })
    }
}

/// Reads a distance from the entry, where null means that there is none.
fn read_distances(node: &Node<'_>, bounds: &Bounds) -> Result<Axis<Option<f64>>, InputError> {
    let read = |node: &Node<'_>| {
        if node.is_null() { Ok(None) } else { node.number(bounds).map(Some) }
    };
    Ok(node.optional(|node| Axis::read(node, bounds, read))?.unwrap_or(Axis::one(None)))
}
