//! Calls of the indicator library: room for the values, and a check that exactly it was filled.

use ta_lib::{OutRange, RetCode};

use crate::backtest::series::Series;

use super::IndicatorError;

/// Rolling sums start afresh this often, so that rounding cannot add up over a long series.
const RESUM_CANDLES: usize = 4_096;

/// Series of an indicator that looks at a window of candles and has no memory beyond it: one call
/// per block, each of which begins its sums afresh. `call` gets the first and last candle of the
/// block, and room for its values.
pub(super) fn windows<const N: usize>(
    len: usize,
    first: usize,
    call: impl FnMut(usize, usize, [&mut [f64]; N]) -> Result<OutRange, RetCode>,
) -> Result<[Series; N], IndicatorError> {
    filled(len, first, RESUM_CANDLES, call)
}

/// Series of an indicator in which each value is made of the one before it: one call for all.
pub(super) fn recursion<const N: usize>(
    len: usize,
    first: usize,
    call: impl FnMut(usize, usize, [&mut [f64]; N]) -> Result<OutRange, RetCode>,
) -> Result<[Series; N], IndicatorError> {
    filled(len, first, usize::MAX, call)
}

fn filled<const N: usize>(
    len: usize,
    first: usize,
    block: usize,
    mut call: impl FnMut(usize, usize, [&mut [f64]; N]) -> Result<OutRange, RetCode>,
) -> Result<[Series; N], IndicatorError> {
    let count = len.saturating_sub(first);
    let mut fields = [(); N].map(|()| vec![0.0; count]);
    let mut begin = 0;
    while begin < count {
        let end = begin.saturating_add(block).min(count);
        let outs = fields.each_mut().map(|values| values.get_mut(begin..end).unwrap_or_default());
        // From the first candle on, an average inside may begin before the indicator itself.
        let start = if begin == 0 { 0 } else { first + begin };
        let range = call(start, first + end - 1, outs)?;
        if range != (OutRange { beg_idx: first + begin, count: end - begin }) {
            return Err(IndicatorError::Refused(RetCode::InternalError));
        }
        begin = end;
    }
    Ok(fields.map(|values| Series { first, values }))
}
