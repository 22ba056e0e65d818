//! How much is taken at an entry.

use crate::backtest::variant::{Config, MoneyManagement, Size};

use super::costs::Fill;

/// Rounding that a position of the whole equity is forgiven when it is held against the equity.
const AFFORDABLE: f64 = 1.0 + 1e-12;

/// Rounding that a quantity is forgiven when it is cut to whole steps: 0.3 is three steps of 0.1.
const WHOLE_STEPS: f64 = 1.0 + 1e-13;

/// Why an entry was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejection {
    TooSmall,
    NotAffordable,
    NoStopDistance,
}

/// The rules for the size of a position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizing {
    size: Size,
    leverage: f64,
    step: Option<f64>,
    min_notional: f64,
}

impl Sizing {
    pub(super) fn new(money: &MoneyManagement, config: &Config) -> Self {
        Self {
            size: money.size,
            leverage: money.leverage,
            step: config.quantity_step,
            min_notional: config.min_notional,
        }
    }

    /// Margin of a position, account currency.
    pub(super) fn margin(&self, quantity: f64, entry_price: f64) -> f64 {
        quantity * entry_price / self.leverage
    }

    /// Units to take at `fill`. `stop_distance` is how far, in price, the stop lies on the losing
    /// side of the fill.
    ///
    /// Margin and entry fee must be paid for by the equity.
    pub(super) fn quantity(
        &self,
        equity: f64,
        fill: Fill,
        stop_distance: Option<f64>,
    ) -> Result<f64, Rejection> {
        let cost = fill.price / self.leverage + fill.fee;
        let wanted = match self.size {
            Size::Units(units) => units,
            Size::Notional(notional) => notional / fill.price,
            Size::PctEquity(percent) => equity * percent / 100.0 / cost,
            Size::RiskPct(percent) => {
                let distance = stop_distance.ok_or(Rejection::NoStopDistance)?;
                (equity * percent / 100.0 / distance).min(equity / cost)
            }
        };
        let quantity =
            self.step.map_or(wanted, |step| (wanted / step * WHOLE_STEPS).floor() * step);
        if quantity * cost > equity * AFFORDABLE {
            return Err(Rejection::NotAffordable);
        }
        let tradable = quantity > 0.0 && quantity.is_normal();
        if !tradable || quantity * fill.price < self.min_notional {
            return Err(Rejection::TooSmall);
        }
        Ok(quantity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILL: Fill = Fill { price: 50.0, fee: 0.5, slippage: 0.0 };

    fn sizing(size: Size, leverage: f64, step: Option<f64>, min_notional: f64) -> Sizing {
        Sizing { size, leverage, step, min_notional }
    }

    fn quantity(sizing: Sizing, distance: Option<f64>) -> Result<f64, Rejection> {
        sizing.quantity(1_000.0, FILL, distance)
    }

    #[test]
    fn leverage_divides_the_margin_but_not_the_fee() {
        assert_eq!(quantity(sizing(Size::Units(39.0), 2.0, None, 0.0), None), Ok(39.0));
        let refused = quantity(sizing(Size::Units(39.5), 2.0, None, 0.0), None);
        assert_eq!(refused, Err(Rejection::NotAffordable));
        // 500 of equity buys 25 of margin and 0.5 of fee per unit.
        let half = quantity(sizing(Size::PctEquity(50.0), 2.0, None, 0.0), None);
        assert_eq!(half, Ok(500.0 / 25.5));
    }

    #[test]
    fn risk_is_the_loss_to_the_stop_and_at_most_what_leverage_affords() {
        let risk = sizing(Size::RiskPct(2.0), 1.0, None, 0.0);
        assert_eq!(quantity(risk, Some(4.0)), Ok(5.0));
        assert_eq!(quantity(risk, Some(0.1)), Ok(1_000.0 / 50.5));
        assert_eq!(quantity(risk, None), Err(Rejection::NoStopDistance));
    }

    #[test]
    fn quantities_are_whole_steps_and_not_below_the_smallest_notional() {
        assert_eq!(quantity(sizing(Size::Units(0.3), 1.0, Some(0.1), 0.0), None), Ok(3.0 * 0.1));
        assert_eq!(quantity(sizing(Size::Units(7.9), 1.0, Some(2.5), 0.0), None), Ok(7.5));
        let nothing = quantity(sizing(Size::Units(0.09), 1.0, Some(0.1), 0.0), None);
        assert_eq!(nothing, Err(Rejection::TooSmall));
        assert_eq!(quantity(sizing(Size::Units(1.0), 1.0, None, 50.0), None), Ok(1.0));
        let small = quantity(sizing(Size::Units(1.0), 1.0, None, 50.1), None);
        assert_eq!(small, Err(Rejection::TooSmall));
    }
}
