//! The values behind the operands: columns of the candles, and indicators, computed once.

use std::cell::OnceCell;

use crate::backtest::checked::CheckedCandles;
use crate::backtest::indicators::{IndicatorError, Input, Inputs};
use crate::backtest::series::{Fields, Series, SeriesCache, SeriesKey};
use crate::domain::candles::{Candles, Timeframe};
use crate::domain::resample::resampled;

use super::compare::Values;
use super::{Column, Indicator, Operand, RuleError};

/// What an indicator over another one may reach: a division by next to nothing must not end in
/// infinity, and the sum after it in nonsense.
const CHAINED_MAX: f64 = 1e100;

/// Values of all indicators of a rule set, and of the columns made of others where asked for.
#[derive(Debug)]
pub(super) struct Operands<'a> {
    candles: &'a CheckedCandles,
    indicators: Vec<Fields>,
    hl2: OnceCell<Vec<f64>>,
    hlc3: OnceCell<Vec<f64>>,
}

impl<'a> Operands<'a> {
    /// Computes the indicators, or takes them from the cache.
    pub(super) fn new(
        indicators: &[Indicator],
        candles: &'a CheckedCandles,
        cache: &SeriesCache,
    ) -> Result<Self, RuleError> {
        let mut operands = Self {
            candles,
            indicators: Vec::with_capacity(indicators.len()),
            hl2: OnceCell::new(),
            hlc3: OnceCell::new(),
        };
        let mut names: Vec<String> = Vec::with_capacity(indicators.len());
        for indicator in indicators {
            let name = canonical_name(indicator, &names);
            let key = SeriesKey { candles: candles.id(), indicator: name.clone() };
            let fields = cache.get(key, || operands.compute(indicator))?;
            operands.indicators.push(fields);
            names.push(name);
        }
        Ok(operands)
    }

    /// The values of an operand.
    pub(super) fn values(&self, operand: &Operand) -> Result<Values<'_>, RuleError> {
        Ok(match operand {
            Operand::Number(number) => Values::Number(*number),
            Operand::Column(column) => Values::Each { first: 0, values: self.column(*column) },
            Operand::Field { indicator, field } => {
                let series = self.series(*indicator, *field)?;
                Values::Each { first: series.first, values: &series.values }
            }
            Operand::Shift(operand, bars) => self.values(operand)?.later(*bars),
        })
    }

    fn series(&self, indicator: usize, field: usize) -> Result<&Series, RuleError> {
        let fields = self.indicators.get(indicator);
        fields
            .and_then(|fields| fields.get(field))
            .ok_or(RuleError::NoSuchField { indicator, field })
    }

    fn column(&self, column: Column) -> &[f64] {
        let candles: &Candles = self.candles.candles();
        match column {
            Column::Open => &candles.open,
            Column::High => &candles.high,
            Column::Low => &candles.low,
            Column::Close => &candles.close,
            Column::Volume => &candles.volume,
            Column::Hl2 => self.hl2.get_or_init(|| hl2(candles)),
            Column::Hlc3 => self.hlc3.get_or_init(|| hlc3(candles)),
        }
    }

    fn compute(&self, indicator: &Indicator) -> Result<Vec<Series>, RuleError> {
        let Some(timeframe) = indicator.timeframe else {
            return self.compute_here(indicator);
        };
        let Operand::Column(column) = indicator.source else {
            return Err(RuleError::TimeframeOfSource(indicator.name.clone()));
        };
        let base = self.candles.timeframe();
        let longer = Longer::of(self.candles.candles(), base, timeframe);
        let source = match column {
            Column::Open => longer.candles.open.clone(),
            Column::High => longer.candles.high.clone(),
            Column::Low => longer.candles.low.clone(),
            Column::Close => longer.candles.close.clone(),
            Column::Volume => longer.candles.volume.clone(),
            Column::Hl2 => hl2(&longer.candles),
            Column::Hlc3 => hlc3(&longer.candles),
        };
        let fields = run(indicator, &longer.candles, &source)?;
        Ok(fields.iter().map(|series| longer.seen_from_base(series)).collect())
    }

    fn compute_here(&self, indicator: &Indicator) -> Result<Vec<Series>, RuleError> {
        let Values::Each { first, values } = self.values(&indicator.source)? else {
            return Err(RuleError::SourceIsANumber(indicator.name.clone()));
        };
        let mut fields = run(indicator, self.candles.candles(), values)?;
        if !matches!(indicator.source, Operand::Column(_)) {
            for value in fields.iter_mut().flat_map(|series| &mut series.values) {
                *value = value.clamp(-CHAINED_MAX, CHAINED_MAX);
            }
        }
        if indicator.definition.input == Input::Source {
            for series in &mut fields {
                series.first += first;
            }
        }
        Ok(fields)
    }
}

fn run(
    indicator: &Indicator,
    candles: &Candles,
    source: &[f64],
) -> Result<Vec<Series>, IndicatorError> {
    (indicator.definition.compute)(&Inputs { candles, source }, &indicator.params)
}

/// The same text for the same values, whatever the user calls them.
fn canonical_name(indicator: &Indicator, before: &[String]) -> String {
    let source = match indicator.definition.input {
        Input::Source => operand_name(&indicator.source, before),
        Input::Candles => String::new(),
    };
    let timeframe = indicator.timeframe.map_or("", Timeframe::name);
    format!("{}{:?}{source}@{timeframe}", indicator.definition.name, indicator.params)
}

fn operand_name(operand: &Operand, before: &[String]) -> String {
    match operand {
        Operand::Number(number) => number.to_string(),
        Operand::Column(column) => column.name().to_owned(),
        Operand::Field { indicator, field } => {
            let name = before.get(*indicator).map_or("", String::as_str);
            format!("({name}).{field}")
        }
        Operand::Shift(operand, bars) => format!("({})<{bars}", operand_name(operand, before)),
    }
}

fn hl2(candles: &Candles) -> Vec<f64> {
    candles.high.iter().zip(&candles.low).map(|(high, low)| f64::midpoint(*high, *low)).collect()
}

fn hlc3(candles: &Candles) -> Vec<f64> {
    let ranges = candles.high.iter().zip(&candles.low);
    ranges.zip(&candles.close).map(|((high, low), close)| (high + low + close) / 3.0).collect()
}

/// Candles of a longer timeframe, made of those there are, and from when each of them is seen.
struct Longer {
    candles: Candles,
    /// For every candle of the base, how many of the longer candles have closed by its close.
    closed: Vec<usize>,
}

impl Longer {
    fn of(base: &Candles, timeframe: Timeframe, longer: Timeframe) -> Self {
        let candles = resampled(base, longer);
        let ends: Vec<i64> =
            candles.time.iter().map(|start| start.saturating_add(longer.length_ms())).collect();
        let mut whole = 0;
        let closed = base.time.iter().map(|open| {
            let by = open.saturating_add(timeframe.length_ms());
            while ends.get(whole).is_some_and(|end| *end <= by) {
                whole += 1;
            }
            whole
        });
        Self { closed: closed.collect(), candles }
    }

    /// The series as the candles of the base see it.
    fn seen_from_base(&self, series: &Series) -> Series {
        let first = self.closed.partition_point(|closed| *closed <= series.first);
        let seen = self.closed.iter().skip(first);
        let values = seen
            .filter_map(|closed| series.values.get(closed.checked_sub(series.first + 1)?).copied())
            .collect();
        Series { first, values }
    }
}
