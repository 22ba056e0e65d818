//! `money_management_variants`: how much to take, where to stop, and how positions follow each other.

use std::ops::Bound::{Excluded, Included};

use serde_json::{Value, json};

use crate::backtest::params::count_of;
use crate::backtest::variant::{MoneyManagement, OnOpposite, Size};

use super::axis::Axis;
use super::bounds::Bounds;
use super::config::AMOUNT;
use super::error::InputError;
use super::json::{number, word};
use super::node::Node;
use super::repeats::read_distinct;
use super::{locate, product, sum, take_digit};

// More margin than all of the equity cannot be set aside.
pub(super) const PCT_EQUITY: Bounds = Bounds::new(Excluded(0.0), Included(100.0));
// At 100 % the stop of a long position would be at a price of zero.
pub(super) const STOP_PCT: Bounds = Bounds::new(Excluded(0.0), Excluded(100.0));
pub(super) const TAKE_PROFIT_PCT: Bounds = Bounds::new(Excluded(0.0), Included(1e6));
pub(super) const LEVERAGE: Bounds = Bounds::new(Included(1.0), Included(125.0));
pub(super) const HOLD_CANDLES: Bounds =
    Bounds { low: Included(1.0), high: Included(1e9), whole: true };
pub(super) const COOLDOWN_CANDLES: Bounds =
    Bounds { low: Included(0.0), high: Included(1e9), whole: true };

/// The ways to say a size, and what the number may be.
pub(super) const SIZES: [(&str, Bounds); 4] =
    [("units", AMOUNT), ("notional", AMOUNT), ("pct_equity", PCT_EQUITY), ("risk_pct", PCT_EQUITY)];

/// The words for [`OnOpposite`].
pub(super) const ON_OPPOSITE: [(&str, OnOpposite); 3] = [
    ("reverse", OnOpposite::Reverse),
    ("close", OnOpposite::Close),
    ("ignore", OnOpposite::Ignore),
];

/// Keys of a money management.
pub(super) const KEYS: [&str; 8] = [
    "size",
    "leverage",
    "stop_loss_pct",
    "take_profit_pct",
    "trailing_pct",
    "max_hold_candles",
    "cooldown_candles",
    "on_opposite",
];

/// One entry of the column, with everything it varies over.
#[derive(Debug)]
pub(super) struct MoneyVariants {
    sizes: Vec<SizeAxis>,
    leverages: Axis<f64>,
    stop_losses: Axis<Option<f64>>,
    take_profits: Axis<Option<f64>>,
    trailing_stops: Axis<Option<f64>>,
    holds: Axis<Option<f64>>,
    cooldowns: Axis<f64>,
    opposites: Vec<OnOpposite>,
}

/// What the number of one way to say a size varies over.
#[derive(Debug, Clone)]
struct SizeAxis {
    /// One of [`SIZES`].
    way: &'static str,
    numbers: Axis<f64>,
}

/// Reads the list of money managements; `maintenance_pct` is that of the account.
pub(super) fn read_money_managements(
    node: &Node<'_>,
    maintenance_pct: f64,
) -> Result<Vec<MoneyVariants>, InputError> {
    read_distinct(&node.items()?, |node| MoneyVariants::read(node, maintenance_pct))
}

impl MoneyVariants {
    pub(super) fn read(node: &Node<'_>, maintenance_pct: f64) -> Result<Self, InputError> {
        let [size, leverage, stop_loss, take_profit, trailing, hold, cooldown, opposite] =
            node.fields(KEYS)?;
        let all_equity = SizeAxis { way: "pct_equity", numbers: Axis::one(100.0) };
        let read = Self {
            sizes: size.or(vec![all_equity], SizeAxis::read_all)?,
            leverages: leverage.or(Axis::one(1.0), |node| read_numbers(node, &LEVERAGE))?,
            stop_losses: read_optional(&stop_loss, &STOP_PCT)?,
            take_profits: read_optional(&take_profit, &TAKE_PROFIT_PCT)?,
            trailing_stops: read_optional(&trailing, &STOP_PCT)?,
            holds: read_optional(&hold, &HOLD_CANDLES)?,
            cooldowns: cooldown.or(Axis::one(0.0), |node| read_numbers(node, &COOLDOWN_CANDLES))?,
            opposites: opposite.or(vec![OnOpposite::Reverse], |node| {
                read_distinct(&node.one_or_more()?, |node| node.choice("choice", &ON_OPPOSITE))
            })?,
        };
        read.check_risk(&size)?;
        read.check_margin(&leverage, maintenance_pct)?;
        Ok(read)
    }

    /// A risk is a share of the equity over the distance of a stop.
    fn check_risk(&self, size: &Node<'_>) -> Result<(), InputError> {
        let stopped = self.stop_losses.is_always() || self.trailing_stops.is_always();
        if stopped || self.sizes.iter().all(|axis| axis.way != "risk_pct") {
            return Ok(());
        }
        Err(size.error("risk_pct needs a stop_loss_pct or a trailing_pct in every variant"))
    }

    /// A position whose margin is no larger than the maintenance margin would be liquidated at once.
    fn check_margin(&self, leverage: &Node<'_>, maintenance_pct: f64) -> Result<(), InputError> {
        let below = 100.0 / maintenance_pct;
        match self.leverages.first_outside(&Bounds::new(Included(1.0), Excluded(below))) {
            None => Ok(()),
            Some((_, found)) => Err(leverage.error(&format!(
                "found {found}, allowed below {below}, which is 100 / maintenance_pct"
            ))),
        }
    }

    pub(super) fn len(&self) -> u64 {
        product([
            sum(self.sizes.iter().map(SizeAxis::len)),
            self.leverages.len(),
            self.stop_losses.len(),
            self.take_profits.len(),
            self.trailing_stops.len(),
            self.holds.len(),
            self.cooldowns.len(),
            self.opposites.len() as u64,
        ])
    }

    /// The variant with this number; the last key varies fastest.
    pub(super) fn get(&self, mut index: u64) -> Option<MoneyManagement> {
        let on_opposite = take_digit(&mut index, self.opposites.len() as u64);
        let cooldown = self.cooldowns.get(take_digit(&mut index, self.cooldowns.len()))?;
        let hold = self.holds.get(take_digit(&mut index, self.holds.len()))?;
        let trailing_pct =
            self.trailing_stops.get(take_digit(&mut index, self.trailing_stops.len()))?;
        let take_profit_pct =
            self.take_profits.get(take_digit(&mut index, self.take_profits.len()))?;
        let stop_loss_pct = self.stop_losses.get(take_digit(&mut index, self.stop_losses.len()))?;
        let leverage = self.leverages.get(take_digit(&mut index, self.leverages.len()))?;
        let (size, size_number) = locate(&self.sizes, SizeAxis::len, index)?;
        Some(MoneyManagement {
            size: size.get(size_number)?,
            leverage,
            stop_loss_pct,
            take_profit_pct,
            trailing_pct,
            max_hold_candles: hold.map(candles),
            cooldown_candles: candles(cooldown),
            on_opposite: *self.opposites.get(usize::try_from(on_opposite).ok()?)?,
        })
    }
}

impl SizeAxis {
    fn read_all(node: &Node<'_>) -> Result<Vec<Self>, InputError> {
        read_distinct(&node.one_or_more()?, Self::read)
    }

    fn read(node: &Node<'_>) -> Result<Self, InputError> {
        let ways = SIZES.map(|(way, bounds)| (way, (way, bounds)));
        let ((way, bounds), number) = node.only_key("size", &ways)?;
        Ok(Self { way, numbers: read_numbers(&number, &bounds)? })
    }

    fn len(&self) -> u64 {
        self.numbers.len()
    }

    fn get(&self, index: u64) -> Option<Size> {
        let number = self.numbers.get(index)?;
        Some(match self.way {
            "units" => Size::Units(number),
            "notional" => Size::Notional(number),
            "pct_equity" => Size::PctEquity(number),
            _ => Size::RiskPct(number),
        })
    }
}

fn read_numbers(node: &Node<'_>, bounds: &Bounds) -> Result<Axis<f64>, InputError> {
    Axis::read(node, bounds, |node| node.number(bounds))
}

/// Reads what may be left out, where null says so.
fn read_optional(node: &Node<'_>, bounds: &Bounds) -> Result<Axis<Option<f64>>, InputError> {
    let read = |node: &Node<'_>| node.nullable(|node| node.number(bounds));
    node.or(Axis::one(None), |node| Axis::read(node, bounds, read))
}

/// A whole number below 2^32, as it was read.
fn candles(number: f64) -> u32 {
    u32::try_from(count_of(number)).unwrap_or(u32::MAX)
}

/// The money management as in a `spec`; what there is none of is null.
#[must_use]
pub fn money_management_to_json(money_management: &MoneyManagement) -> Value {
    let size = match money_management.size {
        Size::Units(units) => json!({"units": number(units)}),
        Size::Notional(notional) => json!({"notional": number(notional)}),
        Size::PctEquity(percent) => json!({"pct_equity": number(percent)}),
        Size::RiskPct(percent) => json!({"risk_pct": number(percent)}),
    };
    json!({
        "cooldown_candles": money_management.cooldown_candles,
        "leverage": number(money_management.leverage),
        "max_hold_candles": money_management.max_hold_candles,
        "on_opposite": word(&ON_OPPOSITE, &money_management.on_opposite),
        "size": size,
        "stop_loss_pct": money_management.stop_loss_pct.map(number),
        "take_profit_pct": money_management.take_profit_pct.map(number),
        "trailing_pct": money_management.trailing_pct.map(number),
    })
}
