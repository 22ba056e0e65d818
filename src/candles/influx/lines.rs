//! Candles as line protocol.

use influxdb2::models::{DataPoint, WriteDataPoint as _};

use super::settings::InfluxSettings;
use crate::candles::series::rows_of;
use crate::candles::{CandleError, SeriesKey};
use crate::domain::candles::Candles;
use crate::domain::time::format_instant;

/// The most lines of one request.
pub(super) const BATCH_LINES: usize = 5_000;

/// The lines of one request each; times are milliseconds.
///
/// # Errors
///
/// `Refused` for names that line protocol cannot write, `Field` for prices that are no numbers.
pub(super) fn batches<'a>(
    settings: &'a InfluxSettings,
    series: &'a SeriesKey,
    candles: &'a Candles,
) -> Result<impl Iterator<Item = Result<(usize, String), CandleError>> + 'a, CandleError> {
    let names = [&settings.measurement, &settings.ticker_tag, &settings.timeframe_tag];
    for name in names.into_iter().map(String::as_str).chain(settings.fields()) {
        writable(name, series)?;
    }
    writable(&series.ticker, series)?;
    let mut rows = rows_of(candles).peekable();
    Ok(std::iter::from_fn(move || {
        rows.peek()?;
        Some(batch(settings, series, rows.by_ref().take(BATCH_LINES)))
    }))
}

fn batch(
    settings: &InfluxSettings,
    series: &SeriesKey,
    rows: impl Iterator<Item = (i64, [f64; 5])>,
) -> Result<(usize, String), CandleError> {
    let mut lines = Vec::new();
    let mut count = 0;
    for (time, ohlcv) in rows {
        let mut point = DataPoint::builder(&settings.measurement)
            .tag(&settings.ticker_tag, &series.ticker)
            .tag(&settings.timeframe_tag, series.timeframe.name())
            .timestamp(time);
        for (field, value) in settings.fields().into_iter().zip(ohlcv) {
            if !value.is_finite() {
                return Err(CandleError::Field {
                    place: format!("{series} {}", format_instant(time)),
                    field: field.to_owned(),
                    found: value.to_string(),
                });
            }
            point = point.field(field, value);
        }
        let unwritten = |reason: String| CandleError::refused(format!("write {series}"), reason);
        let point = point.build().map_err(|error| unwritten(error.to_string()))?;
        point.write_data_point_to(&mut lines).map_err(|error| unwritten(error.to_string()))?;
        count += 1;
    }
    Ok((count, String::from_utf8_lossy(&lines).into_owned()))
}

/// Line protocol has no way to write a line break, and takes a backslash before a separator for its
/// escape.
fn writable(name: &str, series: &SeriesKey) -> Result<(), CandleError> {
    let sound = !name.is_empty()
        && !name.contains(char::is_control)
        && !name.ends_with('\\')
        && !name.starts_with('#');
    if sound {
        return Ok(());
    }
    let allowed = "no control characters, no # in front and no backslash at the end";
    let reason = format!("found the name {name:?}, allowed are {allowed}");
    Err(CandleError::refused(format!("write {:?} {}", series.ticker, series.timeframe), reason))
}
