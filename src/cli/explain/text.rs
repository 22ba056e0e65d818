//! An explanation in plain lines.

use serde::Serialize;

use super::{Candle, Explained, Fills};
use crate::backtest::rules::explain::{Asked, IndicatorNow, OperandNow, ParamNow, RuleNow};
use crate::backtest::trade::{Side, Trade};

/// The whole explanation.
pub(super) fn lines(explained: &Explained<'_>) -> Vec<String> {
    let Explained { candle, rules, .. } = explained;
    let Candle { time, open, high, low, close, volume } = candle;
    let mut lines = vec![explained.title.clone()];
    let differences = explained.differences.iter();
    lines.extend(differences.map(|why| format!("not the run whose result is stored: {why}")));
    lines.push(format!(
        "candle {time}: open {open}, high {high}, low {low}, close {close}, volume {volume}"
    ));
    lines.extend(
        rules.indicators.iter().map(|indicator| format!("  {}", indicator_line(indicator))),
    );
    if explained.warmup_missing > 0 {
        lines.push(format!("  {} warm-up candles are missing", explained.warmup_missing));
    }
    for (name, rule) in [
        ("long entry", &rules.long.entry),
        ("long exit", &rules.long.exit),
        ("short entry", &rules.short.entry),
        ("short exit", &rules.short.exit),
    ] {
        match rule {
            Some(rule) => push_rule(&mut lines, 0, &format!("{name}: {}", rule.rule), rule),
            None => lines.push(format!("{name}: no rule")),
        }
    }
    let due = if explained.fills_at_close { "at this close" } else { "at the next open" };
    lines.push(format!("asked for {due}: {}", asked_line(rules.asked)));
    lines.extend(fill_lines("this candle", &explained.this_candle));
    lines.push(explained.position.map_or_else(
        || "after this close: no position".to_owned(),
        |trade| format!("after this close: {}", position_line(trade)),
    ));
    match &explained.next_candle {
        Some(fills) => lines.extend(fill_lines("next candle", fills)),
        None => lines.push("next candle: there is none".to_owned()),
    }
    lines
}

fn indicator_line(indicator: &IndicatorNow) -> String {
    let IndicatorNow { name, kind, params, source, timeframe, values } = indicator;
    let params = params.iter().map(|(param, value)| match value {
        ParamNow::Number(number) => format!("{param} {number}"),
        ParamNow::Word(word) => format!("{param} {word}"),
    });
    let params = params.collect::<Vec<_>>().join(", ");
    let source = source.as_ref().map_or_else(String::new, |source| format!(" of {source}"));
    let timeframe = timeframe.map_or_else(String::new, |timeframe| format!(" on {timeframe}"));
    let shown = values.iter().map(|(field, value)| {
        let value = number(*value);
        if values.len() == 1 { value } else { format!("{field} {value}") }
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    format!("{name}: {kind}({params}){source}{timeframe} = {shown}")
}

fn push_rule(lines: &mut Vec<String>, depth: usize, title: &str, rule: &RuleNow) {
    let indent = "  ".repeat(depth);
    let candles = rule.candles.map_or_else(String::new, |candles| format!(" {candles}"));
    let last = match (rule.holds, rule.held_ago) {
        (true, _) => String::new(),
        (false, None) => ", and never was before".to_owned(),
        (false, Some(1)) => ", was true 1 candle ago".to_owned(),
        (false, Some(ago)) => format!(", was true {ago} candles ago"),
    };
    lines.push(format!("{indent}{title}{candles} is {}{last}", rule.holds));
    for OperandNow { operand, value, before } in &rule.operands {
        let (now, before) = (number(*value), number(*before));
        // A number in the rule itself is its own name.
        if *operand != now {
            lines.push(format!("{indent}  {operand} = {now}, before {before}"));
        }
    }
    for part in &rule.of {
        push_rule(lines, depth + 1, part.rule, part);
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "no value yet".to_owned(), |value| value.to_string())
}

fn asked_line(asked: Asked) -> String {
    let Asked { enter_long, leave_long, enter_short, leave_short } = asked;
    let all = [
        (enter_long, "enter long"),
        (leave_long, "leave long"),
        (enter_short, "enter short"),
        (leave_short, "leave short"),
    ];
    let said: Vec<&str> = all.iter().filter(|(said, _)| *said).map(|(_, what)| *what).collect();
    if said.is_empty() { "nothing".to_owned() } else { said.join(", ") }
}

fn position_line(trade: &Trade) -> String {
    let Trade { quantity, entry_price, .. } = trade;
    format!("{quantity} {} at {entry_price}", side(trade))
}

/// One line per fill in a candle, in the order in which they came.
fn fill_lines(when: &str, fills: &Fills<'_>) -> Vec<String> {
    let Fills { time, entered, left } = fills;
    let exits = |within: bool| {
        let of_kind = move |trade: &&&Trade| (trade.entry_bar == trade.exit_bar) == within;
        left.iter().filter(of_kind).map(|trade| exit_line(trade))
    };
    let entries = entered.iter().map(|trade| format!("entered {}", position_line(trade)));
    let mut lines: Vec<String> = exits(false)
        .chain(entries)
        .chain(exits(true))
        .map(|what| format!("{when} {time}: {what}"))
        .collect();
    if lines.is_empty() {
        lines.push(format!("{when} {time}: nothing was filled"));
    }
    lines
}

fn exit_line(trade: &Trade) -> String {
    let Trade { quantity, exit_price, pnl, .. } = trade;
    let reason = word(&trade.exit_reason);
    format!("left {quantity} {} at {exit_price} by {reason}, profit {pnl}", side(trade))
}

fn side(trade: &Trade) -> &'static str {
    match trade.direction {
        Side::Long => "long",
        Side::Short => "short",
    }
}

/// The word that is written to rows.
fn word(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}
