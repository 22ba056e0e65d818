//! What an operand is at which candle.

use super::*;

/// The values of an operand, `None` where it has none.
fn values(operand: &Operand, indicators: Vec<Indicator>, candles: Candles) -> Vec<Option<f64>> {
    let rules = RuleSet { indicators, ..RuleSet::default() };
    let candles = checked(candles);
    let evaluation = Evaluation::new(&rules, &candles, 0, &SeriesCache::new(0)).unwrap();
    (0..candles.candles().len()).map(|bar| evaluation.value(operand, bar).unwrap()).collect()
}

fn error(indicators: Vec<Indicator>, rule: &Rule) -> RuleError {
    let rules = RuleSet { indicators, ..RuleSet::default() };
    let candles = checked(closes(&[1.0, 2.0]));
    match Evaluation::new(&rules, &candles, 0, &SeriesCache::new(0)) {
        Ok(evaluation) => evaluation.truth(rule).unwrap_err(),
        Err(error) => error,
    }
}

#[test]
fn columns_are_those_of_the_candle() {
    let mut candle = Candles::default();
    candle.push(0, [4.0, 8.0, 1.0, 6.0, 99.0]);
    let expected = [4.0, 8.0, 1.0, 6.0, 99.0, 4.5, 5.0];
    for ((name, column), expected) in Column::NAMES.into_iter().zip(expected) {
        let found = values(&Operand::Column(column), vec![], candle.clone());
        assert_eq!(found, [Some(expected)], "{name}");
        assert_eq!(column.name(), name);
    }
}

#[test]
fn a_shift_shows_what_was_so_many_candles_before() {
    let shift = |operand: Operand, bars: usize| Operand::Shift(Box::new(operand), bars);
    let prices = || closes(&[1.0, 2.0, 3.0]);
    assert_eq!(values(&shift(CLOSE, 0), vec![], prices()), [1.0, 2.0, 3.0].map(Some));
    assert_eq!(values(&shift(CLOSE, 2), vec![], prices()), [None, None, Some(1.0)]);
    assert_eq!(values(&shift(shift(CLOSE, 1), 1), vec![], prices()), [None, None, Some(1.0)]);
    assert_eq!(values(&shift(CLOSE, 9), vec![], prices()), [None; 3]);
    let average = vec![over_close("sma", &[2.0])];
    assert_eq!(values(&shift(field(0, 0), 1), average, prices()), [None, None, Some(1.5)]);
    assert_eq!(values(&shift(Operand::Number(7.0), 2), vec![], prices()), [Some(7.0); 3]);
}

#[test]
fn an_indicator_over_another_begins_where_that_one_does() {
    let mut second = over_close("sma", &[2.0]);
    second.source = field(0, 0);
    let mut third = over_close("highest", &[2.0]);
    third.source = Operand::Shift(Box::new(field(1, 0)), 1);
    let indicators = vec![over_close("sma", &[3.0]), second, third];
    let prices = || closes(&[3.0, 6.0, 9.0, 12.0, 3.0, 3.0, 9.0]);
    let expected = [6.0, 9.0, 8.0, 6.0, 5.0].map(Some);
    assert_eq!(values(&field(0, 0), indicators.clone(), prices())[2..], expected);
    let expected = [7.5, 8.5, 7.0, 5.5].map(Some);
    assert_eq!(values(&field(1, 0), indicators.clone(), prices())[3..], expected);
    let expected = [None, None, None, None, None, Some(8.5), Some(8.5)];
    assert_eq!(values(&field(2, 0), indicators, prices()), expected);
}

#[test]
fn a_longer_candle_is_seen_at_the_close_of_its_last_candle_and_not_before() {
    let mut last = over_close("sma", &[1.0]);
    last.timeframe = Some("15m".parse().unwrap());
    let prices = closes(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let seen = |candles: Candles| values(&field(0, 0), vec![last.clone()], candles);
    let three = [Some(3.0); 3];
    assert_eq!(seen(prices.clone())[..2], [None; 2]);
    assert_eq!(seen(prices.clone())[2..5], three);
    assert_eq!(seen(prices.clone())[5..], [Some(6.0); 2]);
    // The first quarter of an hour has begun before the first candle, and is never seen.
    assert_eq!(seen(part(&prices, 1..7))[..4], [None; 4]);
    assert_eq!(seen(part(&prices, 1..7))[4..], [Some(6.0); 2]);
    // Where its last candle is missing, it is seen with the next one there is.
    let mut gap = part(&prices, 0..2);
    gap.push(prices.time[3], [4.0; 5]);
    assert_eq!(seen(gap), [None, None, Some(2.0)]);
}

#[test]
fn an_indicator_of_candles_sees_longer_ones_too() {
    let mut range = over_close("donchian", &[2.0]);
    range.timeframe = Some("10m".parse().unwrap());
    let rows = [(1.0, 4.0), (4.0, 2.0), (2.0, 9.0), (9.0, 5.0), (5.0, 6.0)];
    let upper = values(&field(0, 0), vec![range.clone()], candles(&rows));
    let lower = values(&field(0, 2), vec![range], candles(&rows));
    assert_eq!(upper, [None, None, None, Some(9.0), Some(9.0)]);
    assert_eq!(lower, [None, None, None, Some(1.0), Some(1.0)]);
}

#[test]
fn chains_stay_finite_where_one_divides_by_next_to_nothing() {
    let mut average = over_close("ema", &[2.0]);
    average.source = field(0, 0);
    let mut change = over_close("roc", &[1.0]);
    change.source = field(1, 0);
    let mut sum = over_close("sma", &[2.0]);
    sum.source = field(2, 0);
    let mut prices = vec![100.0, 100.0, 101.0];
    prices.extend([101.0; 660]);
    prices.extend([150.0; 9]);
    let indicators = vec![over_close("momentum", &[1.0]), average, change, sum];
    let changes = values(&field(2, 0), indicators.clone(), closes(&prices));
    let largest = changes.into_iter().flatten().fold(0.0, f64::max);
    assert!((1e100..=1e100).contains(&largest), "{largest}");
    let sums = values(&field(3, 0), indicators, closes(&prices));
    assert!(sums.into_iter().flatten().all(f64::is_finite));
}

#[test]
fn what_is_not_there_is_named() {
    let average = || over_close("sma", &[2.0]);
    let missing = |indicator, field| RuleError::NoSuchField { indicator, field };
    let rule = gt(field(0, 1), CLOSE);
    assert_eq!(error(vec![average()], &rule), missing(0, 1));
    assert_eq!(error(vec![], &rule), missing(0, 1));
    // An indicator may use those before it only.
    let mut itself = average();
    itself.source = field(0, 0);
    assert_eq!(error(vec![itself], &rule), missing(0, 0));
    let mut number = average();
    number.source = Operand::Number(3.0);
    assert_eq!(error(vec![number], &rule), RuleError::SourceIsANumber("sma".to_owned()));
    let mut chained = average();
    (chained.source, chained.timeframe) = (field(0, 0), Some("1h".parse().unwrap()));
    let expected = RuleError::TimeframeOfSource("sma".to_owned());
    assert_eq!(error(vec![average(), chained], &rule), expected);
    let mut broken = average();
    broken.params = vec![];
    assert!(matches!(error(vec![broken], &rule), RuleError::Indicator(_)));
}
