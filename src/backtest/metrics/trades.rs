//! Figures over the list of trades, net of fees.

use crate::backtest::trade::Trade;

use super::{Figure, Undefined, count, deviation, mean, ratio};

/// Trades beyond this number do not raise the system quality number any further.
const SQN_CAP: usize = 100;

/// Profits of the trades, and what all figures need of them.
pub(super) struct TradeFigures<'a> {
    trades: &'a [Trade],
    profits: Vec<f64>,
    won: Sum,
    lost: Sum,
}

#[derive(Default)]
struct Sum {
    total: f64,
    trades: usize,
}

impl Sum {
    fn add(&mut self, profit: f64) {
        self.total += profit;
        self.trades += 1;
    }

    fn mean(&self) -> f64 {
        self.total / count(self.trades)
    }
}

impl<'a> TradeFigures<'a> {
    pub(super) fn new(trades: &'a [Trade]) -> Self {
        let profits: Vec<f64> = trades.iter().map(|trade| trade.pnl).collect();
        let (mut won, mut lost) = (Sum::default(), Sum::default());
        for profit in &profits {
            if *profit > 0.0 {
                won.add(*profit);
            } else if *profit < 0.0 {
                lost.add(*profit);
            }
        }
        Self { trades, profits, won, lost }
    }

    pub(super) fn win_rate(&self) -> Figure {
        let closed = || self.trades.iter().filter(|trade| trade.is_closed());
        match closed().count() {
            0 => Err(Undefined::NoClosedTrades),
            all => Ok(ratio(closed().filter(|trade| trade.pnl > 0.0).count(), all)),
        }
    }

    pub(super) fn profit_factor(&self) -> Figure {
        self.some_trades()?;
        if self.lost.trades == 0 {
            return Err(Undefined::NoLosses);
        }
        Ok(self.won.total / -self.lost.total)
    }

    pub(super) fn payoff(&self) -> Figure {
        self.some_trades()?;
        match (self.won.trades, self.lost.trades) {
            (0, _) => Err(Undefined::NoWins),
            (_, 0) => Err(Undefined::NoLosses),
            _ => Ok(self.won.mean() / -self.lost.mean()),
        }
    }

    pub(super) fn expectancy(&self) -> Figure {
        self.some_trades()?;
        Ok(mean(&self.profits))
    }

    pub(super) fn sqn(&self) -> Figure {
        let mean = self.expectancy()?;
        if self.profits.len() < 2 {
            return Err(Undefined::FewerThan2Trades);
        }
        let deviation = deviation(&self.profits, mean, 1.0);
        if deviation <= 1e-12 * mean.abs() {
            return Err(Undefined::ZeroDeviation);
        }
        Ok(count(self.profits.len().min(SQN_CAP)).sqrt() * mean / deviation)
    }

    pub(super) fn best(&self) -> Figure {
        self.profits.iter().copied().reduce(f64::max).ok_or(Undefined::NoTrades)
    }

    pub(super) fn worst(&self) -> Figure {
        self.profits.iter().copied().reduce(f64::min).ok_or(Undefined::NoTrades)
    }

    pub(super) fn mean_duration(&self) -> Figure {
        self.some_trades()?;
        let durations: usize = self.trades.iter().map(duration).sum();
        Ok(count(durations) / count(self.trades.len()))
    }

    pub(super) fn median_duration(&self) -> Figure {
        self.some_trades()?;
        let mut durations: Vec<usize> = self.trades.iter().map(duration).collect();
        let middle = durations.len() / 2;
        let odd = durations.len() % 2 == 1;
        let (below, upper, _) = durations.select_nth_unstable(middle);
        let lower = below.iter().max().filter(|_| !odd).unwrap_or(upper);
        Ok((count(*lower) + count(*upper)) / 2.0)
    }

    /// Most closed trades in a row that won (`winning`) or did not.
    pub(super) fn streak(&self, winning: bool) -> usize {
        let (mut longest, mut current) = (0, 0);
        for trade in self.trades.iter().filter(|trade| trade.is_closed()) {
            current = if (trade.pnl > 0.0) == winning { current + 1 } else { 0 };
            longest = longest.max(current);
        }
        longest
    }

    fn some_trades(&self) -> Result<(), Undefined> {
        if self.trades.is_empty() { Err(Undefined::NoTrades) } else { Ok(()) }
    }
}

fn duration(trade: &Trade) -> usize {
    trade.exit_bar - trade.entry_bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::trade::{ExitReason, Side};

    fn trade(pnl: f64, bars: usize, exit_reason: ExitReason) -> Trade {
        Trade {
            entry_bar: 10,
            exit_bar: 10 + bars,
            entry_time: 0,
            exit_time: 0,
            direction: Side::Long,
            entry_price: 1.0,
            exit_price: 1.0,
            quantity: 1.0,
            pnl,
            fees: 0.0,
            funding: 0.0,
            slippage: 0.0,
            mae_pct: 0.0,
            mfe_pct: 0.0,
            r: None,
            bars,
            ambiguous: false,
            exit_reason,
        }
    }

    #[test]
    fn a_trade_cut_off_by_the_end_of_the_data_counts_in_profit_but_not_as_won() {
        let trades = [
            trade(30.0, 1, ExitReason::Signal),
            trade(-10.0, 2, ExitReason::StopLoss),
            trade(-10.0, 6, ExitReason::Signal),
            trade(50.0, 9, ExitReason::EndOfData),
        ];
        let figures = TradeFigures::new(&trades);
        assert_eq!(figures.win_rate(), Ok(1.0 / 3.0));
        assert_eq!(figures.profit_factor(), Ok(4.0));
        assert_eq!(figures.payoff(), Ok(4.0));
        assert_eq!(figures.expectancy(), Ok(15.0));
        assert_eq!((figures.best(), figures.worst()), (Ok(50.0), Ok(-10.0)));
        assert_eq!((figures.streak(true), figures.streak(false)), (1, 2));
        assert_eq!((figures.mean_duration(), figures.median_duration()), (Ok(4.5), Ok(4.0)));
        // mean 15, squared distances 225 + 625 + 625 + 1225 = 2700, std 30.
        assert_eq!(figures.sqn(), Ok(2.0 * 15.0 / 30.0));
    }

    #[test]
    fn without_trades_wins_or_losses_the_reason_is_told() {
        let none = TradeFigures::new(&[]);
        assert_eq!(none.expectancy(), Err(Undefined::NoTrades));
        assert_eq!(none.win_rate(), Err(Undefined::NoClosedTrades));
        let won = [trade(1.0, 1, ExitReason::EndOfData)];
        assert_eq!(TradeFigures::new(&won).win_rate(), Err(Undefined::NoClosedTrades));
        assert_eq!(TradeFigures::new(&won).profit_factor(), Err(Undefined::NoLosses));
        assert_eq!(TradeFigures::new(&won).sqn(), Err(Undefined::FewerThan2Trades));
        let lost = [trade(-1.0, 1, ExitReason::Signal)];
        assert_eq!(TradeFigures::new(&lost).payoff(), Err(Undefined::NoWins));
        assert_eq!(TradeFigures::new(&lost).profit_factor(), Ok(0.0));
    }
}
