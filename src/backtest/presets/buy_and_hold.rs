//! `buy_and_hold`: enter at the first chance, leave at the end. The baseline of all others.

use crate::backtest::signals::{Signal, Stance};
use crate::backtest::variant::Direction;

use super::{Inputs, PresetDefinition, PresetError};

pub(super) const PRESET: PresetDefinition =
    PresetDefinition { name: "buy_and_hold", params: &[], ordered: &[], warmup: |_| 0, signals };

/// One signal at the first close: short if only short is allowed, else long.
fn signals(inputs: &Inputs<'_>) -> Result<Vec<Signal>, PresetError> {
    let [] = inputs.params()?;
    let stance = match inputs.direction {
        Direction::Long | Direction::Both => Stance::Long,
        Direction::Short => Stance::Short,
    };
    Ok(vec![Signal { bar: inputs.window.start, stance }])
}
