//! Drawings: scales, ticks and paths. Places are percent of the drawing, so that lines stretch with
//! the page while words and marks keep their size.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use maud::{Markup, html};

use super::figures::{float, floor, time};
use super::thin::Point;
use crate::domain::time::DAY_MS;

const HOUR_MS: i64 = DAY_MS / 24;
/// Where the highest and the lowest value are drawn, percent from the top; words stand below.
const TOP: f64 = 6.0;
const BOTTOM: f64 = 88.0;
/// Values that differ by this factor are drawn on a logarithmic scale.
const LOG_FROM: f64 = 4.0;

/// The vertical scale of a drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    log: bool,
    /// About how many ticks it has, where it is not logarithmic.
    wanted: f64,
}

impl Scale {
    /// A scale over these values; logarithmic where that is allowed and they differ by much.
    pub(super) fn over(values: impl Iterator<Item = f64>, may_be_log: bool) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let (mut low, mut high) = finite
            .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= f64::EPSILON * high.abs().max(1.0) {
            let room = (0.05 * high.abs()).max(0.01);
            (low, high) = (low - room, high + room);
        }
        Self { low, high, log: may_be_log && low > 0.0 && high / low >= LOG_FROM, wanted: 5.0 }
    }

    /// The same for a low drawing.
    pub(super) fn with_few_ticks(self) -> Self {
        Self { wanted: 3.0, ..self }
    }

    /// Whether it is logarithmic.
    pub(super) fn is_log(self) -> bool {
        self.log
    }

    /// Percent from the top.
    pub(super) fn at(self, value: f64) -> f64 {
        let place = |value: f64| if self.log { value.max(self.low).ln() } else { value };
        let share = (place(value) - place(self.low)) / (place(self.high) - place(self.low));
        BOTTOM - share.clamp(-0.1, 1.1) * (BOTTOM - TOP)
    }

    /// Round values within the scale.
    pub(super) fn ticks(self) -> Vec<f64> {
        if self.log {
            let ticks: Vec<f64> = (-15..=15)
                .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10.0_f64.powi(power)))
                .filter(|tick| (self.low..=self.high).contains(tick))
                .collect();
            if ticks.len() > 8 {
                return ticks.into_iter().filter(|tick| is_power_of_ten(*tick)).collect();
            }
            if ticks.len() >= 3 {
                return ticks;
            }
        }
        let step = round_step((self.high - self.low) / self.wanted);
        let first = (self.low / step).ceil();
        (0..12)
            .map(|at| (first + f64::from(at)) * step)
            .take_while(|tick| *tick <= self.high + step * 1e-9)
            .collect()
    }

    /// Digits after the point that tell neighbouring ticks apart.
    pub(super) fn digits(self) -> usize {
        let ticks = self.ticks();
        let gaps = ticks.iter().zip(ticks.iter().skip(1)).map(|(a, b)| b - a);
        let least = gaps
            .fold(f64::MAX, f64::min)
            .min(ticks.first().map_or(1.0, |tick| if self.log { tick.abs() } else { f64::MAX }));
        if least >= 1.0 { 0 } else { floor((-least.log10() + 0.999).clamp(0.0, 8.0)) }
    }
}

fn is_power_of_ten(value: f64) -> bool {
    (value.log10() - value.log10().round()).abs() < 1e-9
}

/// The next of 1, 2, 5, 10, … that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10.0_f64.powf(least.max(1e-300).log10().floor());
    [1.0, 2.0, 5.0]
        .map(|digit| digit * power)
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(10.0 * power)
}

/// The horizontal scale of a drawing over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// The left edge, milliseconds since the epoch.
    pub(super) from: i64,
    /// The right edge.
    pub(super) until: i64,
}

impl Times {
    /// Percent from the left.
    pub(super) fn at(self, time_ms: i64) -> f64 {
        let span = time((self.until - self.from).max(1));
        (100.0 * time(time_ms - self.from) / span).clamp(0.0, 100.0)
    }

    /// Round times that are not too close to an edge, with their names.
    fn ticks(self) -> Vec<(i64, String)> {
        const MOST: usize = 8;
        let all = [1, 3, 6, 12].map(|hours| self.hours(hours)).into_iter();
        let all = all.chain([24, 48, 120, 240].map(|hours| self.hours(hours)));
        let all = all.chain([1, 3, 6].map(|months| self.months(months)));
        let mut all = all.chain([12, 24, 60, 120, 240, 600].map(|months| self.months(months)));
        let ticks = all.find(|ticks| ticks.as_ref().is_some_and(|ticks| ticks.len() <= MOST));
        ticks.flatten().unwrap_or_default()
    }

    fn inside(self, time_ms: i64) -> bool {
        (4.0..=96.0).contains(&self.at(time_ms)) && (self.from..=self.until).contains(&time_ms)
    }

    /// Every so many hours; `None` where these would be far too many.
    fn hours(self, hours: i64) -> Option<Vec<(i64, String)>> {
        let step = hours * HOUR_MS;
        if (self.until - self.from) / step > 40 {
            return None;
        }
        let first = self.from.div_euclid(step);
        let format = if hours < 24 { "%d. %H:%M" } else { "%m-%d" };
        let named = |time: i64| {
            let name = DateTime::from_timestamp_millis(time)?.format(format).to_string();
            self.inside(time).then_some((time, name))
        };
        Some((0..=42).filter_map(|at| named((first + at) * step)).collect())
    }

    fn months(self, months: i32) -> Option<Vec<(i64, String)>> {
        let (from, until) = (date(self.from)?, date(self.until)?);
        let number =
            |date: DateTime<Utc>| date.year() * 12 + i32::try_from(date.month0()).unwrap_or(0);
        if (number(until) - number(from)) / months > 40 {
            return None;
        }
        let first = number(from).div_euclid(months);
        let named = |at: i32| {
            let month = (first + at) * months;
            let (year, month0) = (month.div_euclid(12), u32::try_from(month.rem_euclid(12)).ok()?);
            let day = NaiveDate::from_ymd_opt(year, month0 + 1, 1)?;
            let time = day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis();
            let name =
                if months >= 12 { year.to_string() } else { day.format("%Y-%m").to_string() };
            self.inside(time).then_some((time, name))
        };
        Some((0..=42).filter_map(named).collect())
    }
}

fn date(time_ms: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(time_ms)
}

/// Lines of the vertical scale; to be drawn below everything.
pub(super) fn value_rules(scale: Scale) -> Markup {
    html! {
        @for tick in scale.ticks() {
            @let y = percent(scale.at(tick));
            line.rule x1="0" x2="100%" y1=(y) y2=(y) {}
        }
    }
}

/// Names of the vertical scale; to be drawn above everything.
pub(super) fn value_names(scale: Scale, name: impl Fn(f64) -> String) -> Markup {
    // The highest line may be at the very top: its name stands below it.
    let beside = |tick| if scale.at(tick) < 14.0 { "13" } else { "-4" };
    html! {
        @for tick in scale.ticks() {
            text.tick x="4" y=(percent(scale.at(tick))) dy=(beside(tick)) { (name(tick)) }
        }
    }
}

/// Names of the time scale; every second one may be left out where there is little room.
pub(super) fn time_names(times: Times) -> Markup {
    html! {
        @for (number, (at, name)) in times.ticks().into_iter().enumerate() {
            text.tick.time.spare[number % 2 == 1] x=(percent(times.at(at))) y="100%" dy="-6" { (name) }
        }
    }
}

/// What is stretched with the drawing: paths in thousandths of its width and height.
pub(super) fn stretched(content: &Markup) -> Markup {
    html! {
        svg viewBox="0 0 1000 1000" preserveAspectRatio="none" width="100%" height="100%" aria-hidden="true" {
            (content)
        }
    }
}

/// A line through these points, in thousandths.
pub(super) fn line(points: &[Point], times: Times, scale: Scale) -> String {
    let mut path = String::with_capacity(12 * points.len());
    for (number, (at, value)) in points.iter().enumerate() {
        let (x, y) = (10.0 * times.at(*at), 10.0 * scale.at(*value));
        // Writing to a string cannot fail.
        write!(path, "{}{x:.1} {y:.1}", if number == 0 { 'M' } else { 'L' }).ok();
    }
    path
}

/// The same, closed down (or up) to `base`.
pub(super) fn area(points: &[Point], times: Times, scale: Scale, base: f64) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    let y = 10.0 * scale.at(base);
    let (left, right) = (10.0 * times.at(first.0), 10.0 * times.at(last.0));
    format!("{}L{right:.1} {y:.1}L{left:.1} {y:.1}Z", line(points, times, scale))
}

/// A place in percent.
pub(super) fn percent(value: f64) -> String {
    format!("{value:.2}%")
}

/// The left edge and the width of bar `at` of `bars`, percent.
pub(super) fn bar(at: usize, bars: usize) -> (f64, f64) {
    let width = 100.0 / float(bars.max(1));
    (width * float(at), width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::parse_instant_ms;

    #[test]
    fn ticks_are_round_and_lie_on_the_scale() {
        let scale = Scale::over([0.93, 1.61].into_iter(), true);
        let ticks: Vec<String> = scale.ticks().iter().map(|tick| format!("{tick:.1}")).collect();
        assert_eq!(ticks, ["1.0", "1.2", "1.4", "1.6"]);
        assert_eq!(scale.digits(), 1);
        let wide = Scale::over([0.5, 30.0].into_iter(), true);
        assert!(wide.is_log() && !scale.is_log());
        assert_eq!(wide.ticks(), [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]);
        assert_eq!((wide.at(30.0), wide.at(0.5)), (TOP, BOTTOM));
        let none = Scale::over(std::iter::empty(), false);
        assert!(none.at(0.5) > TOP && none.at(0.5) < BOTTOM);
        let flat = Scale::over([1.0, 1.0].into_iter(), true);
        assert!((flat.at(1.0) - f64::midpoint(TOP, BOTTOM)).abs() < 1e-9);
    }

    #[test]
    fn times_are_named_by_what_changes() {
        let names = |from: &str, until: &str| -> Vec<String> {
            let [from, until] = [from, until].map(|text| parse_instant_ms(text).unwrap());
            Times { from, until }.ticks().into_iter().map(|(_, name)| name).collect()
        };
        assert_eq!(
            names("2001-01-01", "2009-06-01"),
            ["2002", "2003", "2004", "2005", "2006", "2007", "2008", "2009"]
        );
        assert_eq!(names("2001-01-10", "2001-06-01"), ["2001-02", "2001-03", "2001-04", "2001-05"]);
        assert_eq!(
            names("2001-01-10", "2001-01-12T12:00:00Z"),
            ["10. 12:00", "11. 00:00", "11. 12:00", "12. 00:00"]
        );
        assert_eq!(names("1970-01-01", "2020-01-01"), ["1980", "1990", "2000", "2010"]);
        assert_eq!(names("2001-01-01", "2001-01-01"), [""; 0]);
    }

    #[test]
    fn a_line_begins_where_its_points_do() {
        let scale = Scale::over([0.0, 1.0].into_iter(), false);
        let times = Times { from: 0, until: 100 };
        assert_eq!(line(&[(0, 0.0), (100, 1.0)], times, scale), "M0.0 880.0L1000.0 60.0");
        assert_eq!(
            area(&[(0, 1.0), (50, 1.0)], times, scale, 0.0),
            "M0.0 60.0L500.0 60.0L500.0 880.0L0.0 880.0Z"
        );
    }
}
