//! Returns of the best variant by month and year, with buying and holding beside the years.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike};
use maud::{Markup, html};

use super::figures::{change, fixed, floor};
use super::found::{Found, MarketFound};
use crate::backtest::daily::DailyReturns;
use crate::domain::time::DAY_MS;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns by year and month, and of whole years.
#[derive(Debug, Default, PartialEq)]
struct Calendar {
    /// Of each year, growth in each month that had a day.
    months: BTreeMap<i32, [Option<f64>; 12]>,
}

impl Calendar {
    fn of(days: &DailyReturns) -> Self {
        let mut calendar = Self::default();
        for (day, value) in (i64::from(days.first_day)..).zip(&days.returns) {
            let Some(date) = DateTime::from_timestamp_millis(day * DAY_MS) else { continue };
            let month = usize::try_from(date.month0()).unwrap_or(0);
            let year = calendar.months.entry(date.year()).or_insert([None; 12]);
            if let Some(growth) = year.get_mut(month) {
                *growth = Some(growth.unwrap_or(1.0) * (1.0 + f64::from(*value)));
            }
        }
        calendar
    }

    /// The return of a year.
    fn year(&self, year: i32) -> Option<f64> {
        let months = self.months.get(&year)?;
        Some(months.iter().flatten().product::<f64>() - 1.0)
    }

    /// The largest gain or loss of a month, beside which colours are chosen.
    fn largest(&self) -> f64 {
        let all = self.months.values().flatten().flatten();
        // A single wild month must not make all others pale.
        all.map(|growth| (growth - 1.0).abs()).fold(0.0, f64::max).min(0.15)
    }
}

/// The table of months.
pub(super) fn section(found: &Found, market: &MarketFound) -> Markup {
    let days = found.best_curve().and_then(|curve| curve.daily_returns.as_deref());
    let days = days.and_then(DailyReturns::from_bytes).filter(|days| !days.returns.is_empty());
    if found.best().is_none() {
        return html! {};
    }
    let hold = market.as_ref().ok().and_then(|market| market.hold_days.as_ref()).map(Calendar::of);
    html! {
        section #monthly {
            h2 { "Returns by month" }
            @match days {
                None => p { "Daily returns of the best variant are not stored." },
                Some(days) => {
                    p { "Of the best variant, in percent. Months that are not whole count as far as they go." }
                    div.scroll.whole tabindex="0" role="region" aria-label="Returns by month, scrolls sideways" {
                        (table(&Calendar::of(&days), hold.as_ref()))
                    }
                }
            }
        }
    }
}

fn table(calendar: &Calendar, hold: Option<&Calendar>) -> Markup {
    let largest = calendar.largest();
    html! {
        table.months {
            caption { "Return of each month and year, percent" }
            thead {
                tr {
                    th scope="col" { "Year" }
                    @for month in MONTHS { th.n scope="col" { (month) } }
                    th.n scope="col" { "Year" }
                    @if hold.is_some() { th.n scope="col" { "Hold" } }
                }
            }
            tbody {
                @for (year, months) in &calendar.months {
                    tr {
                        th scope="row" { (year) }
                        @for growth in months {
                            @match growth {
                                Some(growth) => {
                                    td class={ "n " (class(growth - 1.0, largest)) } data-value=((growth - 1.0).to_string()) {
                                        (points(growth - 1.0))
                                    }
                                }
                                None => td {},
                            }
                        }
                        td.n.total { (change(calendar.year(*year)).replace("\u{a0}%", "")) }
                        @if let Some(hold) = hold {
                            td.n { (change(hold.year(*year)).replace("\u{a0}%", "")) }
                        }
                    }
                }
            }
        }
    }
}

/// Percent points with a sign; what rounds to nothing has none.
fn points(value: f64) -> String {
    let text = fixed(100.0 * value, 1);
    if value > 0.0 && text != "0.0" { format!("+{text}") } else { text }
}

/// A colour class between the deepest loss `m5`, nothing `z`, and the highest gain `p5`.
fn class(value: f64, largest: f64) -> &'static str {
    const GAINS: [&str; 6] = ["z", "p1", "p2", "p3", "p4", "p5"];
    const LOSSES: [&str; 6] = ["z", "m1", "m2", "m3", "m4", "m5"];
    let level = if largest > 0.0 { floor(5.0 * value.abs() / largest + 0.5).min(5) } else { 0 };
    let classes = if value > 0.0 { GAINS } else { LOSSES };
    classes.get(level).copied().unwrap_or("z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_multiply_to_their_year() {
        // From 1970-12-30 on: two days of December, then January.
        let days = DailyReturns { first_day: 363, returns: vec![0.5, 1.0, -0.5, 0.0] };
        let calendar = Calendar::of(&days);
        assert_eq!(calendar.months[&1970][11], Some(3.0));
        assert_eq!(calendar.months[&1971][0], Some(0.5));
        assert_eq!((calendar.year(1970), calendar.year(1971)), (Some(2.0), Some(-0.5)));
        assert_eq!(calendar.months[&1971][1], None);
    }

    #[test]
    fn colours_go_by_sign_and_size() {
        assert_eq!(class(0.1, 0.1), "p5");
        assert_eq!(class(-0.5, 0.1), "m5");
        assert_eq!(class(-0.02, 0.1), "m1");
        assert_eq!(class(0.0, 0.0), "z");
        assert_eq!(points(0.0123), "+1.2");
        assert_eq!(points(-0.0001), "0.0");
    }
}
