//! How far below the peak.

use crate::backtest::checked::{BLOCK, Closes, Span};
use crate::backtest::curve::Stretch;
use crate::backtest::metrics::count;

/// Closes looked at together; most lie below the peak as a whole.
pub(super) const LANES: usize = 8;

/// The peak so far, and what lay below it. Each place in a group has a sum of its own, so that a
/// group is added at once; the order of additions is fixed all the same.
#[derive(Debug)]
pub(super) struct Depth {
    peak: f64,
    per_peak: f64,
    inside: f64,
    squares: [f64; LANES],
}

impl Depth {
    /// Before the first close, with `balance` as the peak.
    pub(super) fn new(balance: f64) -> Self {
        Self { peak: balance, per_peak: 1.0 / balance, inside: 0.0, squares: [0.0; LANES] }
    }

    /// Whether an equity lies below the peak.
    pub(super) fn is_below(&self, mark: f64) -> bool {
        mark < self.peak
    }

    /// `1 - mark / peak`; above 1 for debts.
    pub(super) fn share(&self, mark: f64) -> f64 {
        1.0 - mark * self.per_peak
    }

    /// `peak - mark`, account currency.
    pub(super) fn money(&self, mark: f64) -> f64 {
        self.peak - mark
    }

    /// Adds `closes` closes of one equity below the peak.
    pub(super) fn add(&mut self, mark: f64, closes: f64) {
        let drawdown = at_most_all(self.share(mark));
        let [squares, ..] = &mut self.squares;
        *squares += drawdown * drawdown * closes;
    }

    /// Adds a group of equities below the peak.
    pub(super) fn add_group(&mut self, marks: &[f64; LANES]) {
        let per_peak = self.per_peak;
        for (squares, mark) in self.squares.iter_mut().zip(marks) {
            let drawdown = at_most_all(1.0 - mark * per_peak);
            *squares += drawdown * drawdown;
        }
    }

    /// Adds a block of equities between nothing and the peak.
    ///
    /// Σ (1 − E/peak)² with E = equity at the centre + quantity · (close − centre).
    pub(super) fn add_block(&mut self, closes: &Closes, stretch: &Stretch) {
        let at_centre = self.share(stretch.equity(closes.centre));
        let slope = stretch.quantity * self.per_peak;
        let [squares, ..] = &mut self.squares;
        *squares += count(BLOCK) * at_centre * at_centre - 2.0 * at_centre * slope * closes.sum
            + slope * slope * closes.squares;
    }

    /// Notes an equity inside candles.
    pub(super) fn add_inside(&mut self, mark: f64) {
        self.inside = self.inside.max(self.share(mark));
    }

    /// Takes an equity at or above the peak as the peak.
    pub(super) fn rise(&mut self, mark: f64) {
        if mark > self.peak {
            (self.peak, self.per_peak) = (mark, 1.0 / mark);
        }
    }

    /// The largest share below the peak inside a candle.
    pub(super) fn inside(&self) -> f64 {
        self.inside
    }

    /// Σ of the squared drawdowns.
    pub(super) fn squares(&self) -> f64 {
        self.squares.iter().fold(0.0, |sum, lane| sum + lane)
    }
}

/// The lowest and the highest of a group, compared in pairs.
pub(super) fn span(group: &[f64; LANES]) -> Span {
    let [a, b, c, d, e, f, g, h] = group.map(|price| Span { low: price, high: price });
    a.and(e).and(b.and(f)).and(c.and(g).and(d.and(h)))
}

/// Debts are no deeper a drawdown than losing everything.
fn at_most_all(drawdown: f64) -> f64 {
    if drawdown > 1.0 { 1.0 } else { drawdown }
}
