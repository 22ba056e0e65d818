//! Combinations of presets: who votes for what, for how long, and when that is an entry.

use crate::backtest::presets::{ParamCount, PresetDefinition, find as find_preset};
use crate::backtest::scenario::{Choice, Combination, Mode};

use super::*;

const LONG: f64 = 1.0;
const SHORT: f64 = 2.0;
const BOTH: f64 = 3.0;
const NONE: f64 = 4.0;

/// Signals what the column says.
fn says(column: Column) -> RuleSet {
    let is = |value| Rule::Compare(Comparison::Eq, Operand::Column(column), Operand::Number(value));
    let side = |value| Rule::Any(vec![is(value), is(BOTH)]);
    RuleSet::entering(vec![], side(LONG), side(SHORT))
}

static FIRST: PresetDefinition = scripted("first", |_| Ok(says(Column::Open)));
static SECOND: PresetDefinition = scripted("second", |_| Ok(says(Column::Close)));

const fn scripted(
    name: &'static str,
    rules: fn(&[f64]) -> Result<RuleSet, ParamCount>,
) -> PresetDefinition {
    PresetDefinition { name, params: &[], ordered: &[], rules }
}

/// The candles at which the two enter, long and short, where each row says what they signal.
fn entries(mode: Mode, within: usize, rows: &[(f64, f64)]) -> (Vec<usize>, Vec<usize>) {
    let members = [&FIRST, &SECOND].map(|preset| Choice { preset, params: vec![] });
    let combination = Combination { members: members.to_vec(), mode, within };
    let found = signals(&combination.rules().unwrap(), candles(rows), 0);
    assert_eq!((found.long_exit.count(), found.short_exit.count()), (0, 0));
    (found.long_entry.iter().collect(), found.short_entry.iter().collect())
}

const NOTHING: (Vec<usize>, Vec<usize>) = (vec![], vec![]);

#[test]
fn all_enter_where_the_last_of_them_signals_while_the_others_still_count() {
    let rows = [(NONE, NONE), (LONG, NONE), (NONE, NONE), (NONE, LONG), (NONE, NONE)];
    assert_eq!(entries(Mode::All, 2, &rows), (vec![3], vec![]));
    assert_eq!(entries(Mode::All, 1, &rows), NOTHING);
    let rows = [(NONE, NONE), (SHORT, NONE), (NONE, SHORT), (NONE, NONE)];
    assert_eq!(entries(Mode::All, 1, &rows), (vec![], vec![2]));
    assert_eq!(entries(Mode::All, 0, &rows), NOTHING);
    let rows = [(NONE, NONE), (LONG, LONG), (NONE, NONE)];
    assert_eq!(entries(Mode::All, 0, &rows), (vec![1], vec![]));
}

#[test]
fn a_later_signal_of_the_other_side_takes_a_vote_back_and_one_of_both_sides_is_none() {
    let rows = [(NONE, NONE), (LONG, NONE), (SHORT, NONE), (NONE, LONG), (NONE, SHORT)];
    assert_eq!(entries(Mode::All, 5, &rows), (vec![], vec![4]));
    let rows = [(NONE, NONE), (LONG, NONE), (BOTH, NONE), (NONE, LONG)];
    assert_eq!(entries(Mode::All, 2, &rows), (vec![3], vec![]));
    let rows = [(NONE, NONE), (BOTH, NONE), (NONE, LONG)];
    assert_eq!(entries(Mode::All, 2, &rows), NOTHING);
}

#[test]
fn a_filter_lets_through_every_new_signal_while_it_lasts() {
    let filter = [NONE, LONG, LONG, LONG, LONG, LONG, LONG, SHORT, SHORT];
    let trigger = [NONE, NONE, LONG, NONE, LONG, NONE, SHORT, NONE, SHORT];
    let rows: Vec<(f64, f64)> = filter.into_iter().zip(trigger).collect();
    assert_eq!(entries(Mode::All, 0, &rows), (vec![2, 4], vec![8]));
    // A signal that still counts when the filter turns is let through as well.
    assert_eq!(entries(Mode::All, 1, &rows), (vec![2, 4], vec![7, 8]));
}

#[test]
fn a_signal_that_goes_on_is_one_signal() {
    let rows = [(NONE, NONE), (LONG, LONG), (LONG, LONG), (LONG, LONG), (NONE, NONE)];
    for mode in [Mode::All, Mode::Any] {
        assert_eq!(entries(mode, 3, &rows), (vec![1], vec![]));
    }
}

#[test]
fn any_enters_where_one_of_them_begins_to_signal() {
    let rows =
        [(NONE, NONE), (LONG, NONE), (NONE, LONG), (NONE, SHORT), (LONG, SHORT), (BOTH, NONE)];
    assert_eq!(entries(Mode::Any, 9, &rows), (vec![1, 2, 4], vec![3]));
}

#[test]
fn members_keep_their_own_indicators() {
    let member = |name: &str, params: &[f64]| Choice {
        preset: find_preset(name).unwrap(),
        params: params.to_vec(),
    };
    let members = vec![
        member("dual_ema_cross", &[2.0, 5.0]),
        member("sma_cross", &[3.0, 9.0]),
        member("bollinger", &[10.0, 1.0, 1.0]),
    ];
    let prices: Vec<f64> = (0..400).map(|bar| 100.0 + f64::from(bar * bar % 53)).collect();
    let candles = closes(&prices);
    let none = || Bits::none(candles.len());
    let (mut long, mut short) = (none(), none());
    for choice in &members {
        let alone = (choice.preset.rules)(&choice.params).unwrap();
        let alone = signals(&alone, candles.clone(), 0);
        (long, short) = (long.or(&alone.long_entry), short.or(&alone.short_entry));
    }
    let combination = Combination { members, mode: Mode::Any, within: 0 };
    let found = signals(&combination.rules().unwrap(), candles, 0);
    assert!(long.count() > 20 && short.count() > 20);
    assert_eq!((found.long_entry, found.short_entry), (long, short));
}
