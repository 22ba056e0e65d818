//! The best variant among its neighbours: the same scenario with other numbers.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::groups::Member;
use crate::backtest::request::{Grid, GridAxis};
use crate::statistics::surface::{Neighbourhood, Surface};
use crate::statistics::{Figure, Undefined};

/// What lies around a variant.
#[derive(Debug)]
pub(super) struct Around {
    grid: Grid,
    at: Vec<u32>,
    surface: Surface,
    neighbourhood: Figure<Neighbourhood>,
}

impl Around {
    /// Looks around the variant with number `seq` on its grid; `members` have the scores. None where
    /// it does not stand on the grid.
    pub(super) fn of(grid: Grid, members: &[Member], seq: u64) -> Option<Self> {
        let scores: HashMap<u64, Option<f64>> =
            members.iter().map(|member| (member.seq, member.sharpe)).collect();
        let at = grid.points.iter().find(|(number, _)| *number == seq)?.1.clone();
        let names = grid.axes.iter().map(|axis| axis.name.clone()).collect();
        let score = |number: &u64| scores.get(number).copied().flatten();
        let points = grid.points.iter().map(|(number, at)| (at.clone(), score(number)));
        let surface = Surface::new(names, points).ok()?;
        let neighbourhood = surface.neighbourhood(&at);
        Some(Self { grid, at, surface, neighbourhood })
    }

    /// The plateau score, where it has one.
    pub(super) fn plateau(&self) -> Option<f64> {
        self.neighbourhood.as_ref().ok()?.plateau
    }

    pub(super) fn to_json(&self) -> Value {
        let axis = |axis: &GridAxis| json!({ "name": axis.name, "values": axis.values });
        let undefined = |reason: &Undefined| json!({ "undefined": reason });
        json!({
            "axes": self.grid.axes.iter().map(axis).collect::<Vec<_>>(),
            "at": self.at,
            "neighbourhood": self.neighbourhood.as_ref().map_or_else(undefined, |found| json!(found)),
            "sensitivities": self.surface.sensitivities(&self.at),
        })
    }
}
