//! The engine against results of other people's engines and of TA-Lib in C, on real candles.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use sluicegate::backtest::presets;
use sluicegate::backtest::scenario::{Direction, Scenario};
use sluicegate::backtest::trade::{ExitReason, Trade};
use sluicegate::backtest::variant::{
    Config, Execution, Fill, Keep, MoneyManagement, Range, Size, StopsActive, StopsFrom, Variant,
};
use sluicegate::backtest::{Backtest, CheckedCandles, Metrics, Report, Shared};
use sluicegate::domain::candles::Candles;
use sluicegate::domain::time::parse_instant_ms;

const TICKERS: [&str; 2] = ["NASDAQ", "SP500"];

/// Relative difference that rounding may cause.
const ROUNDING: f64 = 1e-9;

#[derive(Deserialize)]
struct Golden {
    commission: f64,
    cash: f64,
    trades: Vec<GoldenTrade>,
    final_equity: f64,
    max_drawdown_pct: Option<f64>,
    /// Over all closes.
    equity_sum: Option<f64>,
    #[serde(default)]
    metrics: HashMap<String, Value>,
}

/// backtrader's files have no exit price, and count bars one later where it fills at the close.
#[derive(Deserialize)]
struct GoldenTrade {
    entry_bar: usize,
    exit_bar: usize,
    entry_price: f64,
    exit_price: Option<f64>,
    size: f64,
    pnl: f64,
    fee: Option<f64>,
}

fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn golden(name: &str) -> Golden {
    let text = fs::read_to_string(path(&format!("tests/goldens/{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn candles(ticker: &str) -> Arc<Candles> {
    type Row = (String, f64, f64, f64, f64, f64);
    let file = path(&format!("data/candles/{ticker}/1d/candles.csv"));
    let mut candles = Candles::default();
    for row in csv::Reader::from_path(file).unwrap().into_deserialize::<Row>() {
        let (time, open, high, low, close, volume) = row.unwrap();
        candles.push(parse_instant_ms(&time).unwrap(), [open, high, low, close, volume]);
    }
    Arc::new(candles)
}

/// The peer's account, filled at the next open.
fn account(golden: &Golden) -> Config {
    let fee_bps = golden.commission * 10_000.0;
    Config {
        balance: golden.cash,
        fee_taker_bps: fee_bps,
        fee_maker_bps: fee_bps,
        ..Config::default()
    }
}

fn run(ticker: &str, config: Config, money_management: MoneyManagement) -> Report {
    let timeframe = "1d".parse().unwrap();
    let variant = Variant {
        ticker: ticker.to_owned(),
        timeframe,
        range: Range::Between { from_ms: i64::MIN, until_ms: i64::MAX },
        scenario: Scenario {
            direction: Direction::Long,
            ..Scenario::preset(presets::find("sma_cross").unwrap(), &[10.0, 30.0]).unwrap()
        },
        money_management,
        config,
    };
    let candles = CheckedCandles::new(candles(ticker), timeframe).unwrap();
    Backtest::new(&variant, candles, &Shared::nothing()).unwrap().finish()
}

fn assert_close(found: f64, expected: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(1e-300);
    assert!(error <= ROUNDING, "{what}: found {found}, expected {expected}");
}

fn assert_trade(found: &Trade, expected: &GoldenTrade, bar_shift: usize, what: &str) {
    let bars = (expected.entry_bar - bar_shift, expected.exit_bar - bar_shift);
    assert_eq!((found.entry_bar, found.exit_bar), bars, "{what}");
    assert_close(found.entry_price, expected.entry_price, what);
    assert_close(found.quantity, expected.size, what);
    assert_close(found.pnl, expected.pnl, what);
    if let Some(price) = expected.exit_price {
        assert_close(found.exit_price, price, what);
    }
    if let Some(fee) = expected.fee {
        assert_close(found.fees, fee, what);
    }
}

fn assert_equal(name: &str, bar_shift: usize, golden: &Golden, report: &Report) {
    assert_eq!(report.trades.len(), golden.trades.len(), "{name}");
    for (found, expected) in report.trades.iter().zip(&golden.trades) {
        assert_trade(found, expected, bar_shift, &format!("{name} bar {}", expected.entry_bar));
    }
    assert_close(report.metrics.final_equity, golden.final_equity, name);
}

fn units() -> MoneyManagement {
    MoneyManagement { size: Size::Units(100.0), ..MoneyManagement::default() }
}

#[test]
fn fills_at_the_next_open_equal_those_of_three_engines() {
    for ticker in TICKERS {
        for engine in ["backtestingpy", "vectorbt-numba", "backtrader"] {
            let name = format!("{engine}.{ticker}.next_open_fixed");
            let golden: Golden = golden(&name);
            let report = run(ticker, account(&golden), units());
            assert_equal(&name, 0, &golden, &report);
            assert!(!report.optimistic);
        }
    }
}

#[test]
fn fills_at_the_close_equal_those_of_three_engines() {
    for ticker in TICKERS {
        for (engine, bar_shift) in [("backtestingpy", 0), ("vectorbt-numba", 0), ("backtrader", 1)]
        {
            let name = format!("{engine}.{ticker}.close_fixed");
            let golden: Golden = golden(&name);
            let report = run(ticker, Config { fill: Fill::Close, ..account(&golden) }, units());
            assert_equal(&name, bar_shift, &golden, &report);
            assert!(report.optimistic);
        }
    }
}

#[test]
fn the_whole_account_in_fractions_equals_vectorbt() {
    for ticker in TICKERS {
        let name = format!("vectorbt-numba.{ticker}.next_open_allin");
        let golden: Golden = golden(&name);
        let report = run(ticker, account(&golden), MoneyManagement::default());
        assert_equal(&name, 0, &golden, &report);
    }
}

#[test]
fn whole_units_of_a_share_of_the_account_equal_backtesting_py() {
    for ticker in TICKERS {
        let name = format!("backtestingpy.{ticker}.next_open_allin");
        let golden: Golden = golden(&name);
        let config = Config { quantity_step: Some(1.0), ..account(&golden) };
        let money = MoneyManagement::default();
        assert_equal(&name, 0, &golden, &run(ticker, config, money));
    }
}

/// Entry bars of the trades whose exit differs, all other trades and the final equity being equal.
///
/// There is one reason: a market exit is due at the open of a candle whose range holds the stop or
/// the target. Ours comes first, the peer's comes last. The final equity then differs by what those
/// trades differ by.
fn exits_that_differ(name: &str, golden: &Golden, report: &Report) -> Vec<usize> {
    assert_eq!(report.trades.len(), golden.trades.len(), "{name}");
    let mut differ = Vec::new();
    let mut lost = 0.0;
    for (found, expected) in report.trades.iter().zip(&golden.trades) {
        let what = format!("{name} bar {}", expected.entry_bar);
        let price = expected.exit_price.unwrap();
        if (found.exit_price / price - 1.0).abs() < ROUNDING {
            assert_trade(found, expected, 0, &what);
            continue;
        }
        assert_eq!(
            (found.entry_bar, found.exit_bar),
            (expected.entry_bar, expected.exit_bar),
            "{what}"
        );
        assert_eq!(found.exit_reason, ExitReason::Signal, "{what}");
        assert_close(found.entry_price, expected.entry_price, &what);
        lost += expected.pnl - found.pnl;
        differ.push(found.entry_bar);
    }
    assert_close(report.metrics.final_equity + lost, golden.final_equity, name);
    differ
}

fn stop_and_target() -> MoneyManagement {
    MoneyManagement { stop_loss_pct: Some(2.0), take_profit_pct: Some(4.0), ..units() }
}

#[test]
fn stops_off_the_fill_and_live_from_the_next_candle_equal_two_engines() {
    let execution = Execution { stops_active: StopsActive::NextBar, ..Execution::default() };
    for (ticker, differ) in [("NASDAQ", 3_805), ("SP500", 2_904)] {
        let name = format!("backtestingpy.{ticker}.next_open_fixed_sltp");
        let peer: Golden = golden(&name);
        let report = run(ticker, Config { execution, ..account(&peer) }, stop_and_target());
        assert_equal(&name, 0, &peer, &report);

        let name = format!("vectorbt-numba.{ticker}.next_open_fixed_sltp");
        let peer: Golden = golden(&name);
        assert_eq!(exits_that_differ(&name, &peer, &report), [differ], "{name}");
    }
}

#[test]
fn stops_off_the_signal_close_and_live_in_the_entry_candle_equal_backtesting_py() {
    let execution = Execution { stops_from: StopsFrom::SignalClose, ..Execution::default() };
    for ticker in TICKERS {
        let name = format!("backtestingpy.{ticker}.next_open_fixed_bracket");
        let peer: Golden = golden(&name);
        let report = run(ticker, Config { execution, ..account(&peer) }, stop_and_target());
        assert_equal(&name, 0, &peer, &report);
    }
}

/// vectorbt's ratios are over the days of its rows, in a year of 365: ours over days with a close
/// are the same but for the length of the year.
#[test]
fn figures_equal_those_of_vectorbt() {
    let money = [units(), units(), MoneyManagement::default()];
    let files = ["next_open_fixed", "close_fixed", "next_open_allin"];
    let year = (365.0_f64 / 252.0).sqrt();
    for ticker in TICKERS {
        for (file, money) in files.iter().zip(money) {
            let golden = golden(&format!("vectorbt-numba.{ticker}.{file}"));
            let keep = Keep { equity_points: 10_000, ..Keep::default() };
            let fill = if *file == "close_fixed" { Fill::Close } else { Fill::NextOpen };
            let config = Config { keep, fill, days_per_year: 252, ..account(&golden) };
            let report = run(ticker, config, money);
            let figures = &report.metrics;
            let shown: [(&str, Option<f64>); 9] = [
                ("total_return", Some(figures.total_return)),
                ("sharpe_ratio", figures.sharpe.map(|sharpe| sharpe * year)),
                ("sortino_ratio", figures.sortino.map(|sortino| sortino * year)),
                ("annualized_volatility", figures.volatility.map(|std| std * year)),
                ("max_drawdown", Some(-figures.max_drawdown)),
                ("win_rate", figures.win_rate),
                ("profit_factor", figures.profit_factor),
                ("expectancy", figures.expectancy),
                ("sqn", figures.sqn_uncapped),
            ];
            for (name, found) in shown {
                let expected = golden.metrics[name].as_f64().unwrap();
                assert_close(found.unwrap(), expected, &format!("{ticker} {file} {name}"));
            }
            let sum = report.equity.iter().map(|point| point.equity).sum();
            assert_close(sum, golden.equity_sum.unwrap(), file);
            assert_eq!(figures.days, report.equity.len());
        }
    }
}

/// backtesting.py counts fees at a close one candle later, and its ratios are of compounded returns:
/// what is left to compare are drawdown and trades of fills at the open.
#[test]
fn drawdown_and_trade_figures_equal_those_of_backtesting_py() {
    for ticker in TICKERS {
        let golden = golden(&format!("backtestingpy.{ticker}.next_open_fixed"));
        let figures = run(ticker, account(&golden), units()).metrics;
        assert_close(figures.max_drawdown * 100.0, golden.max_drawdown_pct.unwrap(), ticker);
        let of = |name: &str| golden.metrics[name].as_f64().unwrap();
        assert_close(figures.sqn.unwrap(), of("SQN"), ticker);
        assert_close(figures.win_rate.unwrap() * 100.0, of("Win Rate [%]"), ticker);
        assert_close(figures.fees, of("Commissions [$]"), ticker);
        let longest = golden.metrics["Max. Drawdown Duration"].as_str().unwrap();
        let days: f64 = longest.split(' ').next().unwrap().parse().unwrap();
        assert_close(figures.longest_underwater_days, days, ticker);
        assert_drawdown_times(&figures);
    }
}

/// The times of the largest drawdown lie in order.
fn assert_drawdown_times(figures: &Metrics) {
    let start = figures.max_drawdown_start.unwrap();
    let trough = figures.max_drawdown_trough.unwrap();
    assert!(start < trough);
    assert!(figures.max_drawdown_recovery.is_none_or(|recovery| trough < recovery));
    assert!(figures.max_drawdown_intrabar >= figures.max_drawdown);
}

#[test]
fn a_run_gives_the_same_bits_twice() {
    let golden: Golden = golden("vectorbt-numba.NASDAQ.next_open_fixed");
    let runs = [(); 2].map(|()| run("NASDAQ", account(&golden), units()));
    let [first, second] = runs;
    assert_eq!(first.digest, second.digest);
    assert_eq!(first, second);
    assert_eq!(first.trades.len(), golden.trades.len());
}
