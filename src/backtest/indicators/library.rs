//! Calls of the indicator library: room for the values, and a check that exactly it was filled.

use ta_lib::{OutRange, RetCode};

use crate::backtest::series::Series;

use super::IndicatorError;

/// Rolling sums start afresh this often, so that rounding cannot add up over a long series.
pub(super) const RESUM_CANDLES: usize = 4_096;

/// Series of an indicator that looks at a window of candles and has no memory beyond it: one call
/// per block, each of which begins its sums afresh. `call` gets the first and last candle of the
/// block, and room for its values.
pub(super) fn windows<const N: usize>(
    len: usize,
    first: usize,
    mut call: impl FnMut(usize, usize, [&mut [f64]; N]) -> Result<OutRange, RetCode>,
) -> Result<[Series; N], IndicatorError> {
    let count = len.saturating_sub(first);
    let mut fields = [(); N].map(|()| Vec::with_capacity(count));
    // Room that stays in the fastest cache is filled sooner than a whole series.
    let mut blocks = [(); N].map(|()| vec![0.0; RESUM_CANDLES.min(count)]);
    let mut start = first;
    while start < len {
        let end = len.min(start + RESUM_CANDLES);
        let outs = blocks.each_mut().map(|block| block.get_mut(..end - start).unwrap_or_default());
        check(call(start, end - 1, outs)?, start, end)?;
        for (field, block) in fields.iter_mut().zip(&blocks) {
            field.extend_from_slice(block.get(..end - start).unwrap_or_default());
        }
        start = end;
    }
    Ok(fields.map(|values| Series { first, values }))
}

/// Series of an indicator in which each value is made of the one before it: one call for all, from
/// the first candle to the last, with room for the values.
pub(super) fn recursion<const N: usize>(
    len: usize,
    first: usize,
    call: impl FnOnce(usize, usize, [&mut [f64]; N]) -> Result<OutRange, RetCode>,
) -> Result<[Series; N], IndicatorError> {
    let mut fields = [(); N].map(|()| vec![0.0; len.saturating_sub(first)]);
    if first < len {
        check(call(0, len - 1, fields.each_mut().map(Vec::as_mut_slice))?, first, len)?;
    }
    Ok(fields.map(|values| Series { first, values }))
}

fn check(range: OutRange, start: usize, end: usize) -> Result<(), IndicatorError> {
    if range == (OutRange { beg_idx: start, count: end - start }) {
        Ok(())
    } else {
        Err(IndicatorError::Refused(RetCode::InternalError))
    }
}
