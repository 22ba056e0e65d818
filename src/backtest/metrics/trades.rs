//! Figures over the list of trades, net of fees.

use crate::backtest::trade::Trade;

use super::undefined::{Figure, Undefined};
use super::{count, deviation, mean, ratio};

/// Trades beyond this number do not raise the system quality number any further.
pub(super) const SQN_CAP: usize = 100;

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

    /// The share of the account that maximises its growth.
    pub(super) fn kelly(&self) -> Figure {
        let payoff = self.payoff()?;
        let won = ratio(self.won.trades, self.trades.len());
        Ok(won - (1.0 - won) / payoff)
    }

    /// System quality number, with at most `cap` trades counted.
    pub(super) fn sqn(&self, cap: usize) -> Figure {
        let mean = self.expectancy()?;
        if self.profits.len() < 2 {
            return Err(Undefined::FewerThan2Trades);
        }
        let deviation = deviation(&self.profits, mean, 1.0);
        if deviation <= 1e-12 * mean.abs() {
            return Err(Undefined::ZeroDeviation);
        }
        Ok(count(self.profits.len().min(cap)).sqrt() * mean / deviation)
    }

    pub(super) fn best(&self) -> Figure {
        self.profits.iter().copied().reduce(f64::max).ok_or(Undefined::NoTrades)
    }

    pub(super) fn worst(&self) -> Figure {
        self.profits.iter().copied().reduce(f64::min).ok_or(Undefined::NoTrades)
    }

    /// Mean profit in multiples of the risk, of the trades that had a stop.
    pub(super) fn expectancy_r(&self) -> Figure {
        self.some_trades()?;
        let multiples: Vec<f64> = self.trades.iter().filter_map(|trade| trade.r).collect();
        if multiples.is_empty() { Err(Undefined::NoStops) } else { Ok(mean(&multiples)) }
    }

    pub(super) fn sum_of(&self, of: impl Fn(&Trade) -> f64) -> f64 {
        self.trades.iter().map(of).fold(0.0, |sum, value| sum + value)
    }

    pub(super) fn mean_of(&self, of: impl Fn(&Trade) -> f64) -> Figure {
        self.some_trades()?;
        Ok(self.sum_of(of) / count(self.trades.len()))
    }

    /// Of an even count the mean of the two in the middle.
    pub(super) fn median_of(&self, of: impl Fn(&Trade) -> f64) -> Figure {
        self.some_trades()?;
        let mut values: Vec<f64> = self.trades.iter().map(of).collect();
        let (middle, odd) = (values.len() / 2, values.len() % 2 == 1);
        let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
        let lower = below.iter().copied().reduce(f64::max).filter(|_| !odd).unwrap_or(*upper);
        Ok((lower + *upper) / 2.0)
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
        let bars = |trade: &Trade| count(trade.bars);
        assert_eq!((figures.mean_of(bars), figures.median_of(bars)), (Ok(4.5), Ok(4.0)));
        // mean 15, squared distances 225 + 625 + 625 + 1225 = 2700, std 30.
        assert_eq!(figures.sqn(SQN_CAP), Ok(2.0 * 15.0 / 30.0));
    }

    #[test]
    fn kelly_risk_and_excursions_agree_with_hand_calculation() {
        let with = |pnl: f64, r: Option<f64>, mae_pct: f64, mfe_pct: f64| Trade {
            r,
            mae_pct,
            mfe_pct,
            ..trade(pnl, 1, ExitReason::Signal)
        };
        let trades = [
            with(20.0, Some(2.0), 0.5, 4.0),
            with(-10.0, Some(-1.0), 1.5, 0.0),
            with(0.0, None, 1.0, 1.0),
            with(10.0, Some(1.5), 3.0, 7.0),
            with(-10.0, None, 4.0, 3.0),
        ];
        let figures = TradeFigures::new(&trades);
        // Two of five win 1.5 times what is lost: 0.4 - 0.6 / 1.5 = 0.
        assert_eq!(figures.payoff(), Ok(1.5));
        assert!(figures.kelly().unwrap().abs() < 1e-15);
        assert_eq!(figures.expectancy_r(), Ok(2.5 / 3.0));
        assert_eq!(figures.mean_of(|trade| trade.mae_pct), Ok(2.0));
        assert_eq!(figures.median_of(|trade| trade.mae_pct), Ok(1.5));
        assert_eq!(figures.mean_of(|trade| trade.mfe_pct), Ok(3.0));
        assert_eq!(figures.median_of(|trade| trade.mfe_pct), Ok(3.0));
        // Three of four win 40 / 3 on average: 0.75 - 0.25 / (4 / 3).
        let winning = [trades[0].clone(), trades[3].clone(), trades[3].clone(), trades[1].clone()];
        let kelly = TradeFigures::new(&winning).kelly().unwrap();
        assert!((kelly - 0.5625).abs() < 1e-15, "{kelly}");
    }

    #[test]
    fn only_the_capped_quality_number_stops_to_grow_with_the_trades() {
        // 200 trades of +3 and -1: mean 1, std 2 · √(200/199).
        let trades: Vec<Trade> =
            (0..200).map(|i| trade([3.0, -1.0][i % 2], 1, ExitReason::Signal)).collect();
        let (figures, deviation) = (TradeFigures::new(&trades), 2.0 * (200.0_f64 / 199.0).sqrt());
        assert!((figures.sqn(SQN_CAP).unwrap() - 10.0 / deviation).abs() < 1e-12);
        let uncapped = figures.sqn(usize::MAX).unwrap();
        assert!((uncapped - 200.0_f64.sqrt() / deviation).abs() < 1e-12);
    }

    #[test]
    fn without_trades_wins_or_losses_the_reason_is_told() {
        let none = TradeFigures::new(&[]);
        assert_eq!(none.expectancy(), Err(Undefined::NoTrades));
        assert_eq!(none.win_rate(), Err(Undefined::NoClosedTrades));
        let won = [trade(1.0, 1, ExitReason::EndOfData)];
        assert_eq!(TradeFigures::new(&won).win_rate(), Err(Undefined::NoClosedTrades));
        assert_eq!(TradeFigures::new(&won).profit_factor(), Err(Undefined::NoLosses));
        assert_eq!(TradeFigures::new(&won).sqn(SQN_CAP), Err(Undefined::FewerThan2Trades));
        let lost = [trade(-1.0, 1, ExitReason::Signal)];
        assert_eq!(TradeFigures::new(&lost).payoff(), Err(Undefined::NoWins));
        assert_eq!(TradeFigures::new(&lost).kelly(), Err(Undefined::NoWins));
        assert_eq!(TradeFigures::new(&lost).expectancy_r(), Err(Undefined::NoStops));
        assert_eq!(TradeFigures::new(&lost).profit_factor(), Ok(0.0));
    }
}
