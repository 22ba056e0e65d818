//! Every rule by a table written by hand.

use super::*;

const OPEN: Operand = Operand::Column(Column::Open);

/// The candles at which the rule is true.
fn bars(rule: &Rule, candles: Candles) -> Vec<usize> {
    truth(rule, vec![], candles, 0).iter().collect()
}

fn number(value: f64) -> Operand {
    Operand::Number(value)
}

/// True at these closes: 1 for true, 0 for false.
fn says(value: f64) -> Rule {
    Rule::Compare(Comparison::Eq, CLOSE, number(value))
}

#[test]
fn two_numbers_are_compared_and_those_that_differ_by_rounding_are_equal() {
    let rows = [(10.0, 11.0), (10.0, 10.0), (10.0, 9.0), (1e3, 1e3 + 1e-8), (1e3, 1e3 - 1e-6)];
    for (comparison, expected) in [
        (Comparison::Gt, vec![0]),
        (Comparison::Lt, vec![2, 4]),
        (Comparison::Ge, vec![0, 1, 3]),
        (Comparison::Le, vec![1, 2, 3, 4]),
        (Comparison::Eq, vec![1, 3]),
    ] {
        let rule = Rule::Compare(comparison, CLOSE, OPEN);
        assert_eq!(bars(&rule, candles(&rows)), expected, "{comparison:?}");
    }
    let always = Rule::Compare(Comparison::Lt, number(1.0), number(2.0));
    assert_eq!(bars(&always, candles(&rows)).len(), 5);
}

#[test]
fn a_comparison_with_what_has_no_value_yet_is_false_and_its_negation_true() {
    let average = vec![over_close("sma", &[3.0])];
    let prices = closes(&[5.0, 5.0, 5.0, 4.0]);
    for comparison in [Comparison::Ge, Comparison::Le, Comparison::Eq] {
        let rule = Rule::Compare(comparison, field(0, 0), number(5.0));
        let found = truth(&rule, average.clone(), prices.clone(), 0);
        assert!(!found.contains(0) && !found.contains(1) && found.contains(2));
        let negation = Rule::Not(Box::new(rule));
        let found = truth(&negation, average.clone(), prices.clone(), 0);
        assert!(found.contains(0) && found.contains(1) && !found.contains(2));
    }
}

#[test]
fn a_cross_is_the_first_candle_beyond_after_one_that_is_not() {
    // Above, equal, above, above, below, equal, equal, above, below.
    let rows = [2.0, 1.0, 2.0, 3.0, 0.5, 1.0, 1.0, 2.0, 0.5].map(|close| (1.0, close));
    let above = Rule::CrossAbove(CLOSE, OPEN);
    let below = Rule::CrossBelow(CLOSE, OPEN);
    assert_eq!(bars(&above, candles(&rows)), [2, 7]);
    assert_eq!(bars(&below, candles(&rows)), [4, 8]);
    assert_eq!(bars(&Rule::CrossAbove(OPEN, CLOSE), candles(&rows)), [4, 8]);
}

#[test]
fn a_cross_needs_both_values_on_two_candles_in_a_row() {
    let rule = Rule::CrossAbove(CLOSE, field(0, 0));
    let average = || vec![over_close("sma", &[3.0])];
    let first = truth(&rule, average(), closes(&[5.0, 5.0, 8.0, 9.0]), 0);
    assert_eq!(first.count(), 0);
    let second = truth(&rule, average(), closes(&[5.0, 5.0, 5.0, 9.0]), 0);
    assert_eq!(second.iter().collect::<Vec<_>>(), [3]);
}

#[test]
fn between_includes_both_ends() {
    let rule = Rule::Between(CLOSE, number(2.0), number(3.0));
    assert_eq!(bars(&rule, closes(&[1.9, 2.0, 2.5, 3.0, 3.1])), [1, 2, 3]);
}

#[test]
fn rising_and_falling_count_candles_in_a_row_without_a_pause() {
    let prices = closes(&[1.0, 2.0, 3.0, 3.0, 4.0, 5.0, 6.0, 5.0, 4.0]);
    assert_eq!(bars(&Rule::Rising(CLOSE, 1), prices.clone()), [1, 2, 4, 5, 6]);
    assert_eq!(bars(&Rule::Rising(CLOSE, 2), prices.clone()), [2, 5, 6]);
    assert_eq!(bars(&Rule::Rising(CLOSE, 3), prices.clone()), [6]);
    assert_eq!(bars(&Rule::Falling(CLOSE, 1), prices.clone()), [7, 8]);
    assert_eq!(bars(&Rule::Falling(CLOSE, 2), prices), [8]);
}

#[test]
fn within_keeps_a_truth_for_so_many_candles_more() {
    let prices = closes(&[2.0, 1.0, 2.0, 2.0, 2.0, 2.0, 1.0]);
    let within = |bars: usize| Rule::Within(bars, Box::new(says(1.0)));
    assert_eq!(bars(&within(0), prices.clone()), [1, 6]);
    assert_eq!(bars(&within(1), prices.clone()), [1, 2, 6]);
    assert_eq!(bars(&within(3), prices), [1, 2, 3, 4, 6]);
}

#[test]
fn all_any_and_not_combine() {
    let prices = closes(&[1.0, 2.0, 3.0, 4.0]);
    let (small, large) = (lt(CLOSE, number(2.5)), gt(CLOSE, number(1.5)));
    let both = || vec![small.clone(), large.clone()];
    assert_eq!(bars(&Rule::All(both()), prices.clone()), [1]);
    assert_eq!(bars(&Rule::Any(both()), prices.clone()), [0, 1, 2, 3]);
    assert_eq!(bars(&Rule::Not(Box::new(small.clone())), prices.clone()), [2, 3]);
    assert_eq!(bars(&Rule::All(vec![]), prices.clone()), [0, 1, 2, 3]);
    assert_eq!(bars(&Rule::Any(vec![]), prices), [] as [usize; 0]);
}

#[test]
fn what_becomes_true_was_false_one_candle_before_and_that_is_seen() {
    let prices = closes(&[1.0, 1.0, 2.0, 1.0, 1.0, 2.0]);
    assert_eq!(bars(&Rule::Becomes(Box::new(says(1.0))), prices.clone()), [3]);
    assert_eq!(bars(&Rule::Becomes(Box::new(says(2.0))), prices), [2, 5]);
}

#[test]
fn the_latest_of_two_counts_until_the_other_comes_or_too_much_time_has_passed() {
    let latest = |this: f64, other: f64| Rule::Latest {
        within: 2,
        this: Box::new(says(this)),
        other: Box::new(says(other)),
    };
    let prices = closes(&[3.0, 1.0, 3.0, 3.0, 3.0, 1.0, 2.0, 3.0, 1.0, 1.0, 3.0, 2.0]);
    assert_eq!(bars(&latest(1.0, 2.0), prices.clone()), [1, 2, 3, 5, 8, 9, 10]);
    assert_eq!(bars(&latest(2.0, 1.0), prices.clone()), [6, 7, 11]);
    // Both at once count for neither, and end nothing.
    let either = Rule::Any(vec![says(1.0), says(2.0)]);
    let rule =
        Rule::Latest { within: 2, this: Box::new(says(1.0)), other: Box::new(either.clone()) };
    assert_eq!(bars(&rule, prices.clone()), [] as [usize; 0]);
    let rule = Rule::Latest { within: 2, this: Box::new(either), other: Box::new(says(2.0)) };
    assert_eq!(bars(&rule, prices), [1, 2, 3, 5, 6, 7, 8, 9, 10, 11]);
}

#[test]
fn so_many_in_a_row_need_so_many_candles() {
    let prices = closes(&[1.0, 1.0, 1.0, 2.0, 1.0, 1.0]);
    assert_eq!(bars(&in_a_row(says(1.0), 1), prices.clone()), [0, 1, 2, 4, 5]);
    assert_eq!(bars(&in_a_row(says(1.0), 2), prices.clone()), [1, 2, 5]);
    assert_eq!(bars(&in_a_row(says(1.0), 3), prices), [2]);
}

#[test]
fn the_start_is_the_first_traded_candle() {
    let found = truth(&Rule::Start, vec![], closes(&[1.0; 5]), 3);
    assert_eq!(found.iter().collect::<Vec<_>>(), [3]);
}
