//! Which numbers of a variant the engine can count with.
//!
//! A request is checked where it is read; this keeps any other caller from silent nonsense.

use std::ops::RangeInclusive;

use super::run::BacktestError;
use super::variant::{Config, Funding, MoneyManagement, Size, Variant};

/// Largest leverage; exchanges end far below it.
const LEVERAGE: RangeInclusive<f64> = 1.0..=1_000.0;

/// Largest funding rate, basis points of notional, either way.
const FUNDING_BPS: f64 = 10_000.0;

/// A number by name, whether it is allowed, and what would be.
type Rule = (&'static str, f64, bool, &'static str);

/// The first number of `variant` that makes no sense, as an error.
pub(super) fn check_settings(variant: &Variant) -> Result<(), BacktestError> {
    let rules = account(&variant.config)
        .into_iter()
        .chain([funding(&variant.config.funding_bps_8h)])
        .chain(money(&variant.money_management))
        .chain([maintenance(variant)]);
    match rules.into_iter().find(|(_, _, allowed, _)| !allowed) {
        Some((name, found, _, allowed)) => Err(BacktestError::Setting { name, found, allowed }),
        None => Ok(()),
    }
}

fn account(config: &Config) -> [Rule; 7] {
    let bps =
        |name, value: f64| (name, value, (0.0..10_000.0).contains(&value), "0 to below 10000");
    let balance = (1e-6..=1e15).contains(&config.balance);
    let step = config.quantity_step.unwrap_or(1.0);
    let least = config.min_notional;
    let days = config.days_per_year;
    [
        ("balance", config.balance, balance, "0.000001 to 1e15"),
        bps("fee_taker_bps", config.fee_taker_bps),
        bps("fee_maker_bps", config.fee_maker_bps),
        bps("slippage_bps", config.slippage_bps),
        ("quantity_step", step, (1e-15..=1e15).contains(&step), "1e-15 to 1e15"),
        ("days_per_year", days.into(), (1..=366).contains(&days), "1 to 366"),
        ("min_notional", least, (0.0..=1e15).contains(&least), "0 to 1e15"),
    ]
}

fn funding(funding: &Funding) -> Rule {
    let allowed = |bps: f64| bps.abs() <= FUNDING_BPS;
    match funding {
        Funding::Constant(bps) => ("funding_bps_8h", *bps, allowed(*bps), "-10000 to 10000"),
        Funding::Steps(steps) => {
            let wrong = steps.iter().map(|(_, bps)| *bps).find(|bps| !allowed(*bps));
            let ordered = steps.is_sorted_by(|(earlier, _), (later, _)| earlier < later);
            let meaning = "-10000 to 10000, times increasing";
            ("funding_bps_8h", wrong.unwrap_or_default(), wrong.is_none() && ordered, meaning)
        }
    }
}

fn money(money: &MoneyManagement) -> [Rule; 7] {
    let positive = |value: f64| value > 0.0 && value.is_finite();
    let distance = |name, percent: Option<f64>| {
        let percent = percent.unwrap_or(1.0);
        (name, percent, positive(percent), "above 0")
    };
    let (size, has_stop) = match money.size {
        Size::Units(size) | Size::Notional(size) | Size::PctEquity(size) => (size, true),
        Size::RiskPct(size) => (size, money.stop_loss_pct.or(money.trailing_pct).is_some()),
    };
    let held = money.max_hold_candles.map_or(1.0, f64::from);
    [
        ("size", size, positive(size), "above 0"),
        ("risk_pct", size, has_stop, "only with stop_loss_pct or trailing_pct"),
        ("leverage", money.leverage, LEVERAGE.contains(&money.leverage), "1 to 1000"),
        distance("stop_loss_pct", money.stop_loss_pct),
        distance("take_profit_pct", money.take_profit_pct),
        distance("trailing_pct", money.trailing_pct),
        ("max_hold_candles", held, held >= 1.0, "1 or more"),
    ]
}

/// A maintenance margin that is no smaller than the margin would liquidate at once.
fn maintenance(variant: &Variant) -> Rule {
    let percent = variant.config.maintenance_margin_pct;
    let allowed = percent >= 0.0 && percent * variant.money_management.leverage < 100.0;
    ("maintenance_margin_pct", percent, allowed, "0 to below 100 / leverage")
}
