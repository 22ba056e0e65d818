//! What holds for every indicator, over random candles and parameters.

use proptest::prelude::*;

use crate::backtest::params::Allowed;

use super::*;

/// Runs an indicator over prices.
pub(super) fn over(
    indicator: &IndicatorDefinition,
    source: &[f64],
    params: &[f64],
) -> Result<Vec<Series>, IndicatorError> {
    (indicator.compute)(&Inputs { candles: &Candles::default(), source }, params)
}

fn over_candles(indicator: &IndicatorDefinition, candles: &Candles, params: &[f64]) -> Vec<Series> {
    (indicator.compute)(&Inputs { candles, source: &candles.close }, params).unwrap()
}

/// A candle as a step of the close, how far it reaches beyond, and its volume, all in ticks. Each is
/// often zero, so that there are flat candles and candles without volume.
type Step = (i32, u32, u32, u32);

fn any_step() -> impl Strategy<Value = Step> {
    let often_zero = |max: u32| prop_oneof![2 => Just(0_u32), 3 => 0..max];
    let step = prop_oneof![1 => Just(0_i32), 3 => -300..300_i32];
    (step, often_zero(90), often_zero(90), often_zero(1_000))
}

fn candles_of(steps: &[Step], tick: f64) -> Candles {
    let mut candles = Candles::default();
    let mut open = 10_000_i32;
    for (minute, (step, above, below, volume)) in (0..).zip(steps) {
        let close = (open + step).clamp(100, 100_000);
        let high = f64::from(open.max(close)) + f64::from(*above);
        let low = f64::from(open.min(close)) - f64::from(*below);
        let prices = [f64::from(open), high, low, f64::from(close)];
        let [open_price, high, low, close_price] = prices.map(|price| price * tick);
        let row = [open_price, high, low, close_price, f64::from(*volume)];
        candles.push(minute * 60_000, row);
        open = close;
    }
    candles
}

/// The same walk in every run.
pub(in crate::backtest) fn walk(len: u32, tick: f64) -> Candles {
    let mut state = 7_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    let steps: Vec<Step> = (0..len)
        .map(|_| {
            let moves = i32::from(random(10) > 0);
            let step = i32::try_from(random(601)).unwrap() - 300;
            (moves * step, random(90), random(90), random(1_000))
        })
        .collect();
    candles_of(&steps, tick)
}

fn part(candles: &Candles, range: std::ops::Range<usize>) -> Candles {
    let mut part = Candles::default();
    for bar in range {
        let columns = [&candles.open, &candles.high, &candles.low, &candles.close, &candles.volume];
        part.push(candles.time[bar], columns.map(|column| column[bar]));
    }
    part
}

/// Parameters out of what is allowed, periods not much above the least.
fn any_params(definition: &IndicatorDefinition) -> impl Strategy<Value = Vec<f64>> + use<> {
    let each = definition.params.iter().map(|param| match param.allowed {
        Allowed::Whole { min, max } => {
            (0..=25_u32).prop_map(move |more| (min + f64::from(more)).min(max)).boxed()
        }
        Allowed::Number { min, max } => (min..=max).boxed(),
        Allowed::Word(words) => {
            (0..u32::try_from(words.len()).unwrap()).prop_map(f64::from).boxed()
        }
    });
    each.collect::<Vec<_>>()
}

fn any_indicator() -> impl Strategy<Value = (&'static IndicatorDefinition, Vec<f64>)> {
    prop::sample::select(INDICATORS)
        .prop_flat_map(|definition| (Just(definition), any_params(definition)))
}

fn defaults(definition: &IndicatorDefinition) -> Vec<f64> {
    definition.params.iter().map(|param| param.default).collect()
}

/// Twice the defaults, where that is allowed, and the second word.
fn doubled(definition: &IndicatorDefinition) -> Vec<f64> {
    let double = |param: &ParamDefinition| match param.allowed {
        Allowed::Whole { max, .. } | Allowed::Number { max, .. } => (2.0 * param.default).min(max),
        Allowed::Word(_) => 1.0,
    };
    definition.params.iter().map(double).collect()
}

/// Fails unless every field ends with the last candle, in finite numbers.
#[track_caller]
fn assert_sound(definition: &IndicatorDefinition, fields: &[Series], len: usize) {
    assert_eq!(fields.len(), definition.fields.len(), "{}", definition.name);
    for series in fields {
        let whole = series.values.is_empty() || series.first + series.values.len() == len;
        assert!(whole, "{}: {series:?}", definition.name);
        let finite = series.values.iter().all(|value| value.is_finite());
        assert!(finite, "{}: {series:?}", definition.name);
    }
}

/// Fails unless `early`, made of the first candles only, is how `whole` begins, bit for bit.
#[track_caller]
fn assert_begins(definition: &IndicatorDefinition, whole: &[Series], early: &[Series]) {
    for (whole, early) in whole.iter().zip(early) {
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        if !early.values.is_empty() {
            assert_eq!(whole.first, early.first, "{}", definition.name);
            let begin = &whole.values[..early.values.len()];
            assert_eq!(bits(begin), bits(&early.values), "{}", definition.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn values_are_finite_and_never_depend_on_later_candles(
        (definition, params) in any_indicator(),
        steps in prop::collection::vec(any_step(), 1..200),
        tick in prop::sample::select(&[1e-12, 0.01, 1e9]),
        share in 0.0..1.0_f64,
    ) {
        let candles = candles_of(&steps, tick);
        let whole = over_candles(definition, &candles, &params);
        assert_sound(definition, &whole, candles.len());
        let cut = count_of(share * f64::from(u32::try_from(candles.len()).unwrap()));
        let early = over_candles(definition, &part(&candles, 0..cut), &params);
        assert_sound(definition, &early, cut);
        assert_begins(definition, &whole, &early);
    }
}

#[test]
fn blocks_in_which_sums_begin_afresh_do_not_depend_on_later_candles() {
    let candles = walk(9_000, 0.01);
    for definition in INDICATORS {
        let params = defaults(definition);
        let whole = over_candles(definition, &candles, &params);
        assert_sound(definition, &whole, candles.len());
        for cut in [4_095, 4_096, 4_097, 4_130, 8_300] {
            let early = over_candles(definition, &part(&candles, 0..cut), &params);
            assert_begins(definition, &whole, &early);
        }
    }
}

#[test]
fn after_the_warm_up_it_does_not_matter_where_the_candles_begin() {
    let both = INDICATORS.iter().flat_map(|definition| {
        [(definition, defaults(definition)), (definition, doubled(definition))]
    });
    for (definition, params) in both {
        let warmup = (definition.warmup)(&params);
        let candles = walk(u32::try_from(warmup).unwrap() + 1_200, 0.01);
        let whole = over_candles(definition, &candles, &params);
        for skipped in [1, 7, 150, 333, 701] {
            let late = over_candles(definition, &part(&candles, skipped..candles.len()), &params);
            for ((field, whole), late) in definition.fields.iter().zip(&whole).zip(&late) {
                let name = definition.name;
                let what = format!("{name}.{field} with {params:?} from candle {skipped}");
                assert_settled(whole, late, skipped, warmup, &what);
            }
        }
    }
}

/// Fails unless the values from `warmup` candles after the start of `late` on are those of `whole`.
#[track_caller]
fn assert_settled(whole: &Series, late: &Series, skipped: usize, warmup: usize, what: &str) {
    assert!(late.first <= warmup, "{what}: first value at candle {}", late.first);
    let settled = &late.values[warmup - late.first..];
    let expected = &whole.values[skipped + warmup - whole.first..];
    assert_eq!(settled.len(), expected.len(), "{what}");
    // Only the changes of a sum over all candles mean something.
    let level = if what.starts_with("obv") { expected[0] - settled[0] } else { 0.0 };
    let count = f64::from(u32::try_from(expected.len()).unwrap());
    let usual = expected.iter().map(|value| value.abs()).sum::<f64>() / count;
    for (settled, expected) in settled.iter().zip(expected) {
        let error = (settled + level - expected).abs();
        assert!(error <= 1e-5 * usual.max(expected.abs()), "{what}: {settled} {expected}");
    }
}

#[test]
fn names_are_sorted_and_unique_and_defaults_are_allowed() {
    assert!(INDICATORS.is_sorted_by(|a, b| a.name < b.name));
    for definition in INDICATORS {
        let mut fields = definition.fields.to_vec();
        fields.sort_unstable();
        assert!(!fields.is_empty() && fields.is_sorted_by(|a, b| a < b), "{}", definition.name);
        for param in definition.params {
            assert!(param.allows(param.default), "{}.{}", definition.name, param.name);
        }
    }
}

#[test]
fn whatever_a_parameter_may_be_is_computed_and_a_wrong_number_of_them_is_not() {
    let candles = walk(300, 0.01);
    let inputs = Inputs { candles: &candles, source: &candles.close };
    for definition in INDICATORS {
        for (index, param) in definition.params.iter().enumerate() {
            let ends = match param.allowed {
                Allowed::Whole { min, max } | Allowed::Number { min, max } => vec![min, max],
                Allowed::Word(words) => {
                    (0..words.len()).map(|word| f64::from(u32::try_from(word).unwrap())).collect()
                }
            };
            for end in ends {
                let mut params = defaults(definition);
                params[index] = end;
                assert_sound(definition, &over_candles(definition, &candles, &params), 300);
                assert!((definition.warmup)(&params) < 1_000_000, "{}", definition.name);
            }
        }
        let expected = definition.params.len();
        let refused = (definition.compute)(&inputs, &[5.0; 9]);
        assert_eq!(refused, Err(IndicatorError::ParamCount { found: 9, expected }));
    }
}

#[test]
fn broken_parameters_are_refused() {
    for period in [0.0, 1.5, -3.0, f64::NAN, 1e9] {
        assert!(over(&SMA, &[1.0; 5], &[period]).is_err(), "{period}");
        assert!(over(&EMA, &[1.0; 5], &[period]).is_err(), "{period}");
    }
    assert!(over(&MACD, &[1.0; 99], &[1.0, 26.0, 9.0]).is_err());
}

#[test]
fn a_series_longer_than_its_input_is_empty() {
    let (none, few) = (walk(0, 1.0), walk(1, 1.0));
    for definition in INDICATORS {
        let params = defaults(definition);
        let nothing = over_candles(definition, &none, &params);
        assert!(nothing.iter().all(|series| series.values.is_empty()), "{}", definition.name);
        assert_sound(definition, &over_candles(definition, &few, &params), 1);
    }
}
