//! Random rules over random candles: equal to the plain reading, blind for what is to come, and
//! settled after the warm-up.

use proptest::prelude::*;

use crate::backtest::params::count_of;
use crate::backtest::presets::PRESETS;
use crate::backtest::presets::tests::short_params;

use super::reference::Plain;
use super::*;

/// Averages of close, of another average, and of longer candles.
fn any_indicators() -> impl Strategy<Value = Vec<Indicator>> {
    (1..5_u32, 1..4_u32, 1..3_u32, prop::sample::select(vec!["10m", "15m", "1h"])).prop_map(
        |(first, second, third, longer)| {
            let average = |period: u32| over_close("sma", &[f64::from(period)]);
            let chained = Indicator { source: field(0, 0), ..average(second) };
            let longer = Some(longer.parse().unwrap());
            vec![average(first), chained, Indicator { timeframe: longer, ..average(third) }]
        },
    )
}

fn any_operand() -> impl Strategy<Value = Operand> {
    let columns = Column::NAMES.map(|(_, column)| column).to_vec();
    let leaf = prop_oneof![
        2 => (95..106_u32).prop_map(|number| Operand::Number(number.into())),
        3 => prop::sample::select(columns).prop_map(Operand::Column),
        4 => (0..3_usize).prop_map(|indicator| field(indicator, 0)),
    ];
    let shifted = |operand: BoxedStrategy<Operand>| {
        (operand, 0..4_usize).prop_map(|(operand, bars)| Operand::Shift(Box::new(operand), bars))
    };
    let leaf = leaf.boxed();
    prop_oneof![3 => leaf.clone(), 1 => shifted(leaf)]
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let comparisons = Comparison::NAMES.map(|(_, comparison)| comparison).to_vec();
    let pair = || (any_operand(), any_operand());
    let leaf = prop_oneof![
        3 => (prop::sample::select(comparisons), any_operand(), any_operand())
            .prop_map(|(comparison, a, b)| Rule::Compare(comparison, a, b)),
        2 => pair().prop_map(|(a, b)| Rule::CrossAbove(a, b)),
        2 => pair().prop_map(|(a, b)| Rule::CrossBelow(a, b)),
        1 => (pair(), any_operand()).prop_map(|((a, b), c)| Rule::Between(a, b, c)),
        1 => (any_operand(), 1..4_usize).prop_map(|(a, bars)| Rule::Rising(a, bars)),
        1 => (any_operand(), 1..4_usize).prop_map(|(a, bars)| Rule::Falling(a, bars)),
        1 => Just(Rule::Start),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let several = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            several().prop_map(Rule::All),
            several().prop_map(Rule::Any),
            boxed().prop_map(Rule::Not),
            boxed().prop_map(Rule::Becomes),
            (0..9_usize, boxed()).prop_map(|(bars, rule)| Rule::Within(bars, rule)),
            (inner.clone(), 1..5_usize).prop_map(|(rule, bars)| in_a_row(rule, bars)),
            (0..9_usize, boxed(), boxed()).prop_map(|(within, this, other)| Rule::Latest {
                within,
                this,
                other
            }),
        ]
    })
}

/// Opens and closes of a few whole numbers, so that equal ones are common; a candle may be missing.
fn any_candles(len: std::ops::Range<usize>) -> impl Strategy<Value = Candles> {
    let row = (95..106_u32, 95..106_u32, prop::bool::weighted(0.05));
    prop::collection::vec(row, len).prop_map(|rows| {
        let prices: Vec<(f64, f64)> =
            rows.iter().map(|(open, close, _)| (f64::from(*open), f64::from(*close))).collect();
        let mut made = candles(&prices);
        let mut late_ms = 0;
        for (time, (.., missing)) in made.time.iter_mut().zip(&rows) {
            late_ms += i64::from(*missing) * 5 * MINUTE_MS;
            *time += late_ms;
        }
        made
    })
}

fn first_bars(bits: &Bits, len: usize) -> Vec<usize> {
    bits.iter().take_while(|bar| *bar < len).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whole_columns_say_what_a_plain_reading_says(
        indicators in any_indicators(),
        rule in any_rule(),
        candles in any_candles(0..150),
        start in 0..150_usize,
    ) {
        let rules = RuleSet { indicators, ..RuleSet::default() };
        let found = truth(&rule, rules.indicators.clone(), candles.clone(), start);
        let plain = Plain { rules: &rules, candles: &candles, start };
        let expected = Bits::where_true(candles.len(), |bar| plain.truth(&rule, bar));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn later_candles_change_no_signal(
        indicators in any_indicators(),
        long in any_rule(),
        short in any_rule(),
        candles in any_candles(1..200),
        share in 0.0..1.0_f64,
    ) {
        let rules = RuleSet::entering(indicators, long, short);
        let len = count_of(share * 200.0).min(candles.len());
        let early = signals(&rules, part(&candles, 0..len), 0);
        let whole = signals(&rules, candles, 0);
        prop_assert_eq!(first_bars(&early.long_entry, len), first_bars(&whole.long_entry, len));
        prop_assert_eq!(first_bars(&early.short_entry, len), first_bars(&whole.short_entry, len));
    }

    #[test]
    fn with_the_warm_up_in_front_more_candles_change_nothing(
        indicators in any_indicators(),
        long in any_rule(),
        short in any_rule(),
        candles in any_candles(300..301),
        more in 0..100_usize,
    ) {
        let rules = RuleSet::entering(indicators, long, short);
        let warmup = warmup_candles(&rules, "5m".parse().unwrap());
        prop_assume!(warmup + more < 250);
        let from = candles.len() - 50 - warmup;
        let exact = signals(&rules, part(&candles, from..300), warmup);
        let ample = signals(&rules, part(&candles, from - more..300), warmup + more);
        for (exact, ample) in
            [(exact.long_entry, ample.long_entry), (exact.short_entry, ample.short_entry)]
        {
            let bars = |bits: &Bits, warmup: usize| -> Vec<usize> {
                bits.iter().filter(|bar| *bar >= warmup).map(|bar| bar - warmup).collect()
            };
            prop_assert_eq!(bars(&exact, warmup), bars(&ample, warmup + more));
        }
    }

    #[test]
    fn later_candles_change_no_signal_of_a_preset(
        preset in prop::sample::select(PRESETS.iter().collect::<Vec<_>>()),
        candles in any_candles(1..300),
        share in 0.0..1.0_f64,
    ) {
        let rules = (preset.rules)(&short_params(preset)).unwrap();
        let len = count_of(share * 300.0).min(candles.len());
        let early = signals(&rules, part(&candles, 0..len), 0);
        let whole = signals(&rules, candles, 0);
        for (early, whole) in
            [(early.long_entry, whole.long_entry), (early.short_entry, whole.short_entry)]
        {
            prop_assert_eq!(first_bars(&early, len), first_bars(&whole, len), "{}", preset.name);
        }
    }
}
