//! The orders that rest on a position: stop, trailing stop, target, and the liquidation.
//!
//! *Adverse* is the side on which the position loses: below the price for a long one.

use std::ops::Range;

use crate::backtest::checked::{CheckedCandles, Span, pieces};
use crate::backtest::trade::{ExitReason, Side};
use crate::backtest::variant::{Intrabar, MoneyManagement};
use crate::domain::candles::Candles;

use super::detail::Detail;

/// Prices at which a position ends by itself. An order that is not there lies at an infinity.
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone, Copy)]
struct Trail {
    best: f64,
    /// Level / best close.
    factor: f64,
    level: f64,
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

impl Orders {
    /// Stop and target set off from `base` and live from candle `live_from` on.
    pub(super) fn new(
        side: Side,
        base: f64,
        money: &MoneyManagement,
        liquidation: Option<f64>,
        live_from: usize,
    ) -> Self {
        let factor = |percent: f64, sign: f64| 1.0 + sign * percent / 100.0;
        let adverse = -side.sign();
        let nowhere = adverse * f64::INFINITY;
        Self {
            side,
            stop: money.stop_loss_pct.map_or(nowhere, |percent| base * factor(percent, adverse)),
            target: money
                .take_profit_pct
                .map_or(-nowhere, |percent| base * factor(percent, -adverse)),
            liquidation: liquidation.unwrap_or(nowhere),
            trail: money.trailing_pct.map(|percent| {
                let factor = factor(percent, adverse);
                Trail { best: base, factor, level: base * factor }
            }),
            live_from,
        }
    }

    /// The stop that holds now, the nearer one of two.
    pub(super) fn stop(&self) -> (f64, ExitReason) {
        match self.trail {
            Some(trail) if self.is_nearer(trail.level, self.stop) => {
                (trail.level, ExitReason::TrailingStop)
            }
            _ => (self.stop, ExitReason::StopLoss),
        }
    }

    /// The first of `bars` that touches an order. Closes before that candle have moved the trailing
    /// stop.
    pub(super) fn first_touch(
        &mut self,
        candles: &CheckedCandles,
        bars: Range<usize>,
    ) -> Option<usize> {
        let dormant = bars.start..self.live_from.clamp(bars.start, bars.end.max(bars.start));
        let live = dormant.end..bars.end;
        if !dormant.is_empty() {
            let (below, above) = self.around(self.liquidation, -self.nowhere());
            if let Some(bar) = candles.first_touch(dormant.clone(), below, above) {
                return Some(bar);
            }
            for close in candles.candles().close.get(dormant).unwrap_or_default() {
                self.follow(*close);
            }
        }
        if self.trail.is_some() {
            return pieces(live).find_map(|piece| self.first_touch_trailing(candles, piece));
        }
        let (below, above) = self.around(self.adverse(live.start).0, self.target);
        candles.first_touch(live, below, above)
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
        let (level, reason) = self.adverse(bar);
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

    /// The adverse order that a falling (long) price meets first in candle `bar`.
    fn adverse(&self, bar: usize) -> (f64, ExitReason) {
        let (stop, reason) = self.stop();
        if bar < self.live_from || self.is_nearer(self.liquidation, stop) {
            (self.liquidation, ExitReason::Liquidation)
        } else {
            (stop, reason)
        }
    }

    fn first_touch_trailing(
        &mut self,
        candles: &CheckedCandles,
        piece: Range<usize>,
    ) -> Option<usize> {
        let closes = candles.block_closes(piece.start)?.span;
        let best = |closes: Span| if self.side == Side::Long { closes.high } else { closes.low };
        // As far as the stop could get within this block.
        let mut moved = self.clone();
        moved.follow(best(closes));
        let (below, above) = moved.around(moved.adverse(piece.start).0, self.target);
        if !candles.block_range(piece.start)?.touches(below, above) {
            self.follow(best(candles.close_extremes(piece)));
            return None;
        }
        let columns = candles.candles();
        let lows = columns.low.get(piece.clone())?.iter();
        let rows =
            lows.zip(columns.high.get(piece.clone())?).zip(columns.close.get(piece.clone())?);
        for (bar, ((low, high), close)) in piece.zip(rows) {
            let (below, above) = self.around(self.adverse(bar).0, self.target);
            if *low <= below || *high >= above {
                return Some(bar);
            }
            self.follow(*close);
        }
        None
    }

    /// Moves the trailing stop after a close.
    fn follow(&mut self, close: f64) {
        let side = self.side;
        if let Some(trail) = &mut self.trail {
            let better = if side == Side::Long { close > trail.best } else { close < trail.best };
            if better {
                (trail.best, trail.level) = (close, close * trail.factor);
            }
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
