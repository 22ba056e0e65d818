//! The choice among variants on one train window, in turns.

use super::output::Run;
use crate::backtest::request::WalkForwardRequest;
use crate::backtest::walk_forward::beats;
use crate::kinds::backtest::{Prepared, run_through};
use crate::kinds::{RunControl, RunError};

/// A turn ends after so many candles: about what a backtest over two years of minutes takes.
const TURN_CANDLES: usize = 1_000_000;
/// A turn ends after so many variants, however short their window is.
const TURN_VARIANTS: usize = 1_000;

/// How far a choice is.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// The first variant not yet run.
    pub(super) next: u64,
    /// The best of those before it.
    pub(super) best: Option<Best>,
}

/// The best variant so far.
#[derive(Debug)]
pub(super) struct Best {
    /// Its number.
    pub(super) number: u64,
    /// Its run on the train window.
    pub(super) run: Run,
    figure: Option<f64>,
}

impl Choice {
    /// Runs as many variants, at most `most`, as fit into a turn and need the candles that are prepared.
    pub(super) fn take_turn(
        mut self,
        request: &WalkForwardRequest,
        prepared: &Prepared,
        (most, slice_candles): (usize, usize),
        control: &RunControl,
    ) -> Result<Self, RunError> {
        let candles = prepared.loaded.window.len().max(1);
        for _ in 0..(TURN_CANDLES / candles).clamp(1, TURN_VARIANTS).min(most) {
            let variant = request.variant_within(self.next, prepared.variant.range);
            let Some(mut variant) = variant.filter(|variant| prepared.suits(variant)) else {
                break;
            };
            if control.is_cancelled() {
                return Err(RunError::Interrupted);
            }
            // Nobody looks at the curve of a train window.
            variant.config.keep.equity_points = 0;
            let backtest = prepared.start_as(&variant)?;
            let report = run_through(backtest, slice_candles, control, |_, _| ())?;
            let figure = request.walk.metric.figure(&report.metrics);
            if self.best.as_ref().is_none_or(|best| beats(figure, best.figure)) {
                let run = Run { report, candle_digest: prepared.loaded.digest.clone() };
                self.best = Some(Best { number: self.next, run, figure });
            }
            self.next += 1;
        }
        Ok(self)
    }
}
