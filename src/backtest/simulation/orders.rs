//! The orders that rest on a position: stop, trailing stop, target, and the liquidation.
//!
//! *Adverse* is the side on which the position loses: below the price for a long one.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::backtest::checked::{CheckedCandles, Fixed, Levels, Span};
use crate::backtest::trade::{ExitReason, Side};
use crate::backtest::variant::{Intrabar, MoneyManagement};
use crate::domain::candles::Candles;

use super::detail::Detail;

/// Where orders of one side are set, as factors of a price.
///
/// A position is liquidated when all of its margin but the maintenance margin (a share of the
/// notional at entry) is lost: at entry · (1 − 1/leverage + maintenance) if it is long, at entry ·
/// (1 + 1/leverage − maintenance) if it is short. A long position without leverage is paid for in
/// full and has no such price.
#[derive(Debug, Clone, Copy)]
pub(super) struct OrderRules {
    side: Side,
    stop: Option<f64>,
    target: Option<f64>,
    trail: Option<f64>,
    liquidation: Option<f64>,
}

/// Prices at which a position ends by itself. An order that is not there lies at an infinity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Orders {
    side: Side,
    stop: f64,
    target: f64,
    liquidation: f64,
    trail: Option<Trail>,
    /// The first candle in which stop and target are live.
    live_from: usize,
}

/// A stop that follows the best close.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Trail {
    best: f64,
    /// Level / best close.
    factor: f64,
    level: f64,
}

impl Trail {
    /// Where it is after closes with this span.
    fn after(self, side: Side, closes: Span) -> Self {
        let (better, best) = match side {
            Side::Long => (closes.high > self.best, closes.high),
            Side::Short => (closes.low < self.best, closes.low),
        };
        if better { Self { best, level: best * self.factor, ..self } } else { self }
    }
}

/// What ended a position, and at which price the order rested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hit {
    pub(super) reason: ExitReason,
    pub(super) level: f64,
    /// The open lay at or beyond the order, which is therefore filled there.
    pub(super) at_open: bool,
    pub(super) certainty: Certainty,
}

/// Whether the candle itself tells which order came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    /// It does.
    Clear,
    /// It holds both sides, and finer candles told.
    Resolved,
    /// It holds both sides, and the order was assumed.
    Assumed,
}

/// Open, high and low of a candle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prices {
    pub(super) open: f64,
    pub(super) high: f64,
    pub(super) low: f64,
}

impl Prices {
    pub(super) fn of(candles: &Candles, bar: usize) -> Option<Self> {
        let open = *candles.open.get(bar)?;
        Some(Self { open, high: *candles.high.get(bar)?, low: *candles.low.get(bar)? })
    }
}

/// The losing or the winning end of a candle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Adverse,
    Favourable,
}

impl OrderRules {
    pub(super) fn new(side: Side, money: &MoneyManagement, maintenance: f64) -> Self {
        let adverse = -side.sign();
        let factor = |percent: f64, sign: f64| 1.0 + sign * percent / 100.0;
        let margin = 1.0 / money.leverage;
        Self {
            side,
            stop: money.stop_loss_pct.map(|percent| factor(percent, adverse)),
            target: money.take_profit_pct.map(|percent| factor(percent, -adverse)),
            trail: money.trailing_pct.map(|percent| factor(percent, adverse)),
            liquidation: match side {
                Side::Long if money.leverage <= 1.0 => None,
                Side::Long => Some(1.0 - margin + maintenance),
                Side::Short => Some(1.0 + margin - maintenance),
            },
        }
    }

    /// The orders of a position entered at `entry_price`, with stop and target set off from `base`
    /// and live from candle `live_from` on.
    pub(super) fn at(&self, entry_price: f64, base: f64, live_from: usize) -> Orders {
        let nowhere = -self.side.sign() * f64::INFINITY;
        let level = |factor: Option<f64>, price: f64, without: f64| {
            factor.map_or(without, |factor| price * factor)
        };
        Orders {
            side: self.side,
            stop: level(self.stop, base, nowhere),
            target: level(self.target, base, -nowhere),
            liquidation: level(self.liquidation, entry_price, nowhere),
            trail: self.trail.map(|factor| Trail { best: base, factor, level: base * factor }),
            live_from,
        }
    }
}

impl Orders {
    /// The stop that holds now.
    pub(super) fn stop(&self) -> (f64, ExitReason) {
        self.stop_beside(self.trail)
    }

    /// The nearer one of the stop loss and a trailing stop.
    fn stop_beside(&self, trail: Option<Trail>) -> (f64, ExitReason) {
        match trail {
            Some(trail) if self.is_nearer(trail.level, self.stop) => {
                (trail.level, ExitReason::TrailingStop)
            }
            _ => (self.stop, ExitReason::StopLoss),
        }
    }

    /// The first of `bars` that touches an order, and the span of those before it, whose closes have
    /// moved the trailing stop.
    pub(super) fn first_touch(
        &mut self,
        candles: &CheckedCandles,
        bars: Range<usize>,
    ) -> (Option<usize>, Span) {
        let live_from = self.live_from.clamp(bars.start, bars.end.max(bars.start));
        let mut seen = Span::NONE;
        if bars.start < live_from {
            let (below, above) = self.around(self.liquidation, -self.nowhere());
            let dormant = bars.start..live_from;
            let (found, span) = candles.first_touch(dormant.clone(), &mut Fixed { below, above });
            if found.is_some() {
                return (found, span);
            }
            self.follow(candles.close_extremes(dormant));
            seen = span;
        }
        let live = live_from..bars.end;
        let (found, span) = if self.trail.is_some() {
            candles.first_touch(live, self)
        } else {
            let (below, above) = self.now();
            candles.first_touch(live, &mut Fixed { below, above })
        };
        (found, span.and(seen))
    }

    /// What an open does that lies at or beyond liquidation or stop; both come before a market
    /// order due at that open.
    pub(super) fn gapped(&self, bar: usize, open: f64) -> Option<Hit> {
        let hit =
            |(level, reason)| Hit { reason, level, at_open: true, certainty: Certainty::Clear };
        if self.reaches(End::Adverse, open, self.liquidation) {
            return Some(hit((self.liquidation, ExitReason::Liquidation)));
        }
        let stop = Some(self.stop()).filter(|_| bar >= self.live_from);
        stop.filter(|(level, _)| self.reaches(End::Adverse, open, *level)).map(hit)
    }

    /// What happens in a candle that [`Self::first_touch`] found.
    pub(super) fn hit(&self, bar: usize, prices: Prices, rule: Intrabar, detail: &Detail) -> Hit {
        if let Some(hit) = self.gapped(bar, prices.open) {
            return hit;
        }
        let (level, reason) = if bar < self.live_from {
            (self.liquidation, ExitReason::Liquidation)
        } else {
            self.adverse_beside(self.trail)
        };
        let adverse = Hit { reason, level, at_open: false, certainty: Certainty::Clear };
        let target = Hit { reason: ExitReason::TakeProfit, level: self.target, ..adverse };
        let open_at_target = self.reaches(End::Favourable, prices.open, self.target);
        let ends = [End::Adverse, End::Favourable].map(|end| self.touches(end, prices, level));
        match ends {
            _ if bar < self.live_from => adverse,
            _ if open_at_target => Hit { at_open: true, ..target },
            [true, false] => adverse,
            [false, _] => target,
            [true, true] => {
                let first = detail.first(bar, |finer| self.first_end(finer, level));
                let (end, certainty) = match (first, rule) {
                    (Some(end), _) => (end, Certainty::Resolved),
                    (None, Intrabar::StopFirst) => (End::Adverse, Certainty::Assumed),
                    (None, Intrabar::TargetFirst) => (End::Favourable, Certainty::Assumed),
                };
                Hit { certainty, ..if end == End::Adverse { adverse } else { target } }
            }
        }
    }

    /// Which end a candle touches first: `None` of both if it does not tell, `None` at all if it
    /// touches neither.
    fn first_end(&self, prices: Prices, adverse: f64) -> Option<Option<End>> {
        let opened = |end, level| self.reaches(end, prices.open, level).then_some(end);
        let at_open = opened(End::Adverse, adverse).or(opened(End::Favourable, self.target));
        match [End::Adverse, End::Favourable].map(|end| self.touches(end, prices, adverse)) {
            [false, false] => None,
            _ if at_open.is_some() => Some(at_open),
            [true, true] => Some(None),
            [true, false] => Some(Some(End::Adverse)),
            [false, true] => Some(Some(End::Favourable)),
        }
    }

    fn touches(&self, end: End, prices: Prices, adverse: f64) -> bool {
        let (worst, best) = match self.side {
            Side::Long => (prices.low, prices.high),
            Side::Short => (prices.high, prices.low),
        };
        match end {
            End::Adverse => self.reaches(end, worst, adverse),
            End::Favourable => self.reaches(end, best, self.target),
        }
    }

    /// The live adverse order that a price meets first.
    fn adverse_beside(&self, trail: Option<Trail>) -> (f64, ExitReason) {
        let (stop, reason) = self.stop_beside(trail);
        if self.is_nearer(self.liquidation, stop) {
            (self.liquidation, ExitReason::Liquidation)
        } else {
            (stop, reason)
        }
    }

    /// The two orders as the lower and the upper one.
    fn around(&self, adverse: f64, favourable: f64) -> (f64, f64) {
        match self.side {
            Side::Long => (adverse, favourable),
            Side::Short => (favourable, adverse),
        }
    }

    /// Whether `price` lies at or beyond `level` on its way to that end.
    fn reaches(&self, end: End, price: f64, level: f64) -> bool {
        match (self.side, end) {
            (Side::Long, End::Adverse) | (Side::Short, End::Favourable) => price <= level,
            (Side::Short, End::Adverse) | (Side::Long, End::Favourable) => price >= level,
        }
    }

    /// Whether an adverse price meets the order at `a` before the one at `b`.
    fn is_nearer(&self, a: f64, b: f64) -> bool {
        match self.side {
            Side::Long => a > b,
            Side::Short => a < b,
        }
    }

    /// Where an adverse order lies that is not there.
    fn nowhere(&self) -> f64 {
        -self.side.sign() * f64::INFINITY
    }
}

impl Levels for Orders {
    const MOVE: bool = true;

    fn now(&self) -> (f64, f64) {
        self.around(self.adverse_beside(self.trail).0, self.target)
    }

    fn reach(&self, closes: Span) -> (f64, f64) {
        let trail = self.trail.map(|trail| trail.after(self.side, closes));
        self.around(self.adverse_beside(trail).0, self.target)
    }

    fn follow(&mut self, closes: Span) {
        self.trail = self.trail.map(|trail| trail.after(self.side, closes));
    }
}
