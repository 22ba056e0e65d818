//! Which column of a candle file is which: by their names, or by their number where none has a name.

/// Spellings of the open time; where a file has several of them, the first of these counts.
const TIME_NAMES: [&str; 21] = [
    "timestamp",
    "open_time",
    "opentime",
    "time_open",
    "start_time",
    "datetime",
    "date_time",
    "time",
    "date",
    "unix",
    "unix_timestamp",
    "unix_time",
    "epoch",
    "ts",
    "t",
    "start",
    "gmt_time",
    "utc_time",
    "local_time",
    // What pandas calls an index without a name.
    "__index_level_0__",
    "",
];
const OPEN_NAMES: [&str; 4] = ["open", "o", "open_price", "first"];
const HIGH_NAMES: [&str; 4] = ["high", "h", "high_price", "max"];
const LOW_NAMES: [&str; 4] = ["low", "l", "low_price", "min"];
const CLOSE_NAMES: [&str; 4] = ["close", "c", "close_price", "last"];
const VOLUME_NAMES: [&str; 9] = [
    "volume",
    "v",
    "vol",
    "base_volume",
    "volume_base",
    "basevolume",
    "base_asset_volume",
    "tick_volume",
    "tickvol",
];

/// What a header must have, for error messages.
pub(super) const NAMES_ALLOWED: &str =
    "columns timestamp (or open_time, datetime, time, date), open, high, low, close, volume";
/// What may stand without a header, for error messages.
pub(super) const SHAPES_ALLOWED: &str = "a header with timestamp, open, high, low, close, volume; \
     without one 5 columns (time, open, high, low, close), 6 (and volume), 7 (and trades), \
     6 or 7 with the date and the time of the day apart, or 12 (Binance klines)";

/// Where in a row the fields of a candle are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) time: TimeColumns,
    /// Open, high, low, close.
    pub(super) prices: [usize; 4],
    pub(super) volume: Option<usize>,
}

/// Where the open time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeColumns {
    /// All of it in one column.
    One(usize),
    /// The date and the time of the day in two.
    DateAndTime(usize, usize),
}

impl Shape {
    /// The shape that a file's column names tell, in any order and case; the error says what is
    /// wrong with them.
    pub(super) fn by_names<'a>(names: impl Iterator<Item = &'a [u8]>) -> Result<Self, String> {
        let names: Vec<String> = names.map(plain_name).collect();
        let position = |spellings: &[&str]| -> Result<Option<usize>, String> {
            for spelling in spellings {
                let mut positions = (0..).zip(&names).filter(|(_, name)| name == spelling);
                match (positions.next(), positions.next()) {
                    (_, Some(_)) if !spelling.is_empty() => {
                        return Err(format!("{spelling} stands there twice"));
                    }
                    (Some((position, _)), _) => return Ok(Some(position)),
                    (None, _) => {}
                }
            }
            Ok(None)
        };
        let needed = |spellings: &[&str; 4]| {
            let [name, ..] = spellings;
            position(spellings)?.ok_or_else(|| format!("{name} is missing"))
        };
        let prices = [
            needed(&OPEN_NAMES)?,
            needed(&HIGH_NAMES)?,
            needed(&LOW_NAMES)?,
            needed(&CLOSE_NAMES)?,
        ];
        let volume = match position(&VOLUME_NAMES)? {
            None => names.iter().position(|name| name.starts_with("volume_")),
            volume => volume,
        };
        let time = position(&TIME_NAMES)?.ok_or("the time is missing")?;
        let is_date = |name: &str| ["date", "time"].contains(&name);
        let time = match (position(&["date"])?, position(&["time"])?) {
            (Some(date), Some(day_time)) if names.get(time).is_some_and(|name| is_date(name)) => {
                TimeColumns::DateAndTime(date, day_time)
            }
            _ => TimeColumns::One(time),
        };
        Ok(Self { time, prices, volume })
    }

    /// The shape of rows without names, of which this many cells are known; `second_is_day_time`
    /// where the second cell is a time of the day.
    pub(super) fn by_count(cells: usize, second_is_day_time: bool) -> Option<Self> {
        let (time, prices, volume) = match (cells, second_is_day_time) {
            (5, false) => (TimeColumns::One(0), [1, 2, 3, 4], None),
            (6 | 7 | 12, false) => (TimeColumns::One(0), [1, 2, 3, 4], Some(5)),
            (6, true) => (TimeColumns::DateAndTime(0, 1), [2, 3, 4, 5], None),
            (7, true) => (TimeColumns::DateAndTime(0, 1), [2, 3, 4, 5], Some(6)),
            _ => return None,
        };
        Some(Self { time, prices, volume })
    }
}

/// Whether a row of names has at least those of a price; a row of values has none.
pub(super) fn has_price_names<'a>(mut names: impl Iterator<Item = &'a [u8]>) -> bool {
    names.any(|name| {
        let name = plain_name(name);
        OPEN_NAMES.contains(&name.as_str()) || CLOSE_NAMES.contains(&name.as_str())
    })
}

/// A name without its case, its decoration (`<OPEN>`) and what joins its words.
fn plain_name(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name.trim_ascii()).to_lowercase();
    name.trim_start_matches('<').trim_end_matches('>').replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_names(names: &str) -> Result<Shape, String> {
        Shape::by_names(names.split(',').map(str::as_bytes))
    }

    #[test]
    fn names_are_known_in_their_usual_spellings() {
        for names in [
            "timestamp,open,high,low,close,volume",
            "Open Time,Open,High,Low,Close,Volume,Close Time",
            "Date,Open,High,Low,Close,Vol",
            "t,o,h,l,c,v",
            "unix,open_price,high_price,low_price,close_price,Volume BTC,Volume USD",
            ",Open,High,Low,Close,Base-Volume",
            "<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>,<SPREAD>",
        ] {
            let shape = Shape { time: TimeColumns::One(0), prices: [1, 2, 3, 4], volume: Some(5) };
            assert_eq!(by_names(names), Ok(shape), "{names}");
        }
    }

    #[test]
    fn a_date_and_a_time_belong_together() {
        let shape = by_names("<TICKER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>").unwrap();
        assert_eq!(shape.time, TimeColumns::DateAndTime(1, 2));
        let shape = by_names("date,time,timestamp,open,high,low,close").unwrap();
        assert_eq!(shape.time, TimeColumns::One(2));
    }
}
