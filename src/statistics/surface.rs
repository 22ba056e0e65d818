//! The score of variants as a surface over their parameters: whether the best one stands on a
//! plateau or on a needle, and which parameters matter.

use std::collections::BTreeMap;

use serde::Serialize;

use super::sample::{mean_and_deviation, median};
use super::{Figure, Undefined};

/// Scores of variants by the places of their values on the axes of a grid. Not every place needs
/// have a variant, and not every variant a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Surface {
    axes: Vec<String>,
    scores: BTreeMap<Vec<u32>, Option<f64>>,
}

/// The points given make no surface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SurfaceError {
    /// The point has not one coordinate per axis.
    #[error("point {0:?} is not on {1} axes")]
    Coordinates(Vec<u32>, usize),
    /// Two scores at one place.
    #[error("two scores at {0:?}")]
    Twice(Vec<u32>),
}

/// What lies around a point: places that differ by one at most on every axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Neighbourhood {
    /// Neighbours with a score, the point itself left out.
    pub neighbours: usize,
    /// Neighbours without one: they did not trade, or failed.
    pub without_score: usize,
    /// Median score of the neighbours.
    pub median: f64,
    /// The score of the point less that median, in units of the score: how far it sticks out.
    pub above_median: f64,
    /// Median of neighbours and point together / score of the point: about 1 on a plateau, near 0 or
    /// below on a needle. `None` where the score is not positive, so that the ratio would say
    /// nothing; [`Self::above_median`] still does.
    pub plateau: Option<f64>,
    /// Why figures of these names are `None`.
    pub undefined: BTreeMap<&'static str, Undefined>,
}

/// How much one parameter matters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sensitivity {
    /// Name of the axis.
    pub axis: String,
    /// Median of |change of the score| from one place to the next on this axis, all others held, over
    /// the whole grid. `None` if no two places next to each other have scores.
    pub step_change: Option<f64>,
    /// That / the standard deviation of all scores: 0 where the parameter does nothing, about 1 where
    /// one step is as good as a new draw. `None` also if all scores are the same.
    pub relative: Option<f64>,
    /// The slice through the point that was asked for: places on this axis and their scores.
    pub line: Vec<(u32, Option<f64>)>,
}

impl Surface {
    /// A surface over `axes`, of points with one coordinate per axis: the place of the parameter's
    /// value in the list of all its values, from 0. Scores must be finite; others count as none.
    ///
    /// # Errors
    /// A point of other dimension, or given twice.
    pub fn new(
        axes: Vec<String>,
        points: impl IntoIterator<Item = (Vec<u32>, Option<f64>)>,
    ) -> Result<Self, SurfaceError> {
        let mut scores = BTreeMap::new();
        for (at, score) in points {
            if at.len() != axes.len() {
                return Err(SurfaceError::Coordinates(at, axes.len()));
            }
            if scores.insert(at.clone(), score.filter(|score| score.is_finite())).is_some() {
                return Err(SurfaceError::Twice(at));
            }
        }
        Ok(Self { axes, scores })
    }

    /// What lies around the point `at`. Looks at every point once, however many neighbours a grid
    /// of so many axes could have.
    ///
    /// # Errors
    /// [`Undefined::NoScore`] where the point has none; [`Undefined::NoNeighbours`] where none of
    /// its neighbours has.
    pub fn neighbourhood(&self, at: &[u32]) -> Figure<Neighbourhood> {
        let own = self.scores.get(at).copied().flatten().ok_or(Undefined::NoScore)?;
        let is_near = |other: &[u32]| {
            other != at && other.iter().zip(at).all(|(other, own)| other.abs_diff(*own) <= 1)
        };
        let near: Vec<Option<f64>> = self
            .scores
            .iter()
            .filter(|(other, _)| is_near(other))
            .map(|(_, score)| *score)
            .collect();
        let mut scores: Vec<f64> = near.iter().copied().flatten().collect();
        let neighbours = scores.len();
        let around = median(scores.clone()).ok_or(Undefined::NoNeighbours)?;
        scores.push(own);
        let together = median(scores).ok_or(Undefined::NoNeighbours)?;
        let plateau = (own > 0.0).then(|| together / own).filter(|ratio| ratio.is_finite());
        let undefined = plateau.is_none().then_some(("plateau", Undefined::ScoreNotPositive));
        Ok(Neighbourhood {
            neighbours,
            without_score: near.len() - neighbours,
            median: around,
            above_median: own - around,
            plateau,
            undefined: undefined.into_iter().collect(),
        })
    }

    /// How much each parameter matters, with the slice through `at`, in the order of the axes.
    #[must_use]
    pub fn sensitivities(&self, at: &[u32]) -> Vec<Sensitivity> {
        let scores: Vec<f64> = self.scores.values().copied().flatten().collect();
        let (_, deviation) = mean_and_deviation(&scores);
        let of_axis = |(axis, name): (usize, &String)| {
            let step_change = median(self.steps(axis));
            Sensitivity {
                axis: name.clone(),
                step_change,
                relative: step_change.filter(|_| deviation > 0.0).map(|step| step / deviation),
                line: self.line(axis, at),
            }
        };
        self.axes.iter().enumerate().map(of_axis).collect()
    }

    /// |change of the score| of every step on an axis.
    fn steps(&self, axis: usize) -> Vec<f64> {
        let step = |(at, score): (&Vec<u32>, &Option<f64>)| {
            let mut next = at.clone();
            let place = next.get_mut(axis)?;
            *place = place.checked_add(1)?;
            let next = self.scores.get(&next).copied().flatten()?;
            Some((next - (*score)?).abs())
        };
        self.scores.iter().filter_map(step).collect()
    }

    /// Places on an axis with the other coordinates of `at`.
    fn line(&self, axis: usize, at: &[u32]) -> Vec<(u32, Option<f64>)> {
        let on_line = |(other, score): (&Vec<u32>, &Option<f64>)| {
            let mut pairs = other.iter().zip(at).enumerate();
            let held = pairs.all(|(index, (other, own))| index == axis || other == own);
            held.then_some((*other.get(axis)?, *score))
        };
        self.scores.iter().filter_map(on_line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::close;
    use super::*;

    /// A grid of rows of scores: first axis down, second across.
    fn grid<const WIDTH: usize>(rows: &[[f64; WIDTH]]) -> Surface {
        let rows = (0..).zip(rows);
        let points = rows.flat_map(|(row, scores)| {
            (0..).zip(scores).map(move |(column, &score)| (vec![row, column], Some(score)))
        });
        Surface::new(vec!["fast".into(), "slow".into()], points).unwrap()
    }

    #[test]
    fn a_plateau_scores_about_one_and_a_needle_about_nothing() {
        let plateau = grid(&[[1.8, 1.9, 1.8], [1.9, 2.0, 1.9], [1.8, 1.9, 1.8]]);
        let found = plateau.neighbourhood(&[1, 1]).unwrap();
        assert_eq!((found.neighbours, found.without_score), (8, 0));
        // Eight around: four 1.8 and four 1.9. Nine together: the fifth of 1.8 × 4, 1.9 × 4, 2.0.
        close(found.median, 1.85, 1e-15);
        close(found.above_median, 0.15, 1e-15);
        close(found.plateau.unwrap(), 0.95, 1e-15);
        let needle = grid(&[[0.0, -0.1, 0.1], [0.2, 2.0, 0.0], [-0.2, 0.0, 0.1]]);
        let found = needle.neighbourhood(&[1, 1]).unwrap();
        close(found.plateau.unwrap(), 0.0, 1e-15);
        close(found.above_median, 2.0, 1e-15);
    }

    #[test]
    fn a_corner_has_the_neighbours_it_has_and_holes_are_left_out() {
        let points = [
            (vec![0, 0], Some(1.0)),
            (vec![0, 1], Some(0.5)),
            (vec![1, 0], None),
            (vec![1, 1], Some(f64::NAN)),
            (vec![2, 2], Some(9.0)),
        ];
        let surface = Surface::new(vec!["a".into(), "b".into()], points).unwrap();
        let found = surface.neighbourhood(&[0, 0]).unwrap();
        assert_eq!((found.neighbours, found.without_score), (1, 2));
        close(found.plateau.unwrap(), 0.75, 1e-15);
        assert_eq!(surface.neighbourhood(&[1, 0]), Err(Undefined::NoScore));
        assert_eq!(surface.neighbourhood(&[7, 7]), Err(Undefined::NoScore));
        assert_eq!(surface.neighbourhood(&[2, 2]), Err(Undefined::NoNeighbours));
    }

    #[test]
    fn a_score_that_is_not_positive_has_no_plateau_but_sticks_out_all_the_same() {
        let surface = grid(&[[-3.0, -1.0, -2.0]]);
        let found = surface.neighbourhood(&[0, 1]).unwrap();
        assert_eq!(found.plateau, None);
        assert_eq!(found.undefined["plateau"], Undefined::ScoreNotPositive);
        close(found.above_median, 1.5, 1e-15);
    }

    #[test]
    fn a_parameter_that_does_nothing_is_told_from_one_that_matters() {
        // Down nothing changes, across each step does by 1.
        let surface = grid(&[[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]);
        let found = surface.sensitivities(&[1, 2]);
        assert_eq!(found[0].axis, "fast");
        assert_eq!((found[0].step_change, found[0].relative), (Some(0.0), Some(0.0)));
        assert_eq!(found[0].line, [(0, Some(3.0)), (1, Some(3.0))]);
        assert_eq!(found[1].step_change, Some(1.0));
        // The deviation of 1, 2, 3, 1, 2, 3 is √(4 / 5).
        close(found[1].relative.unwrap(), 1.25_f64.sqrt(), 1e-15);
        assert_eq!(found[1].line, [(0, Some(1.0)), (1, Some(2.0)), (2, Some(3.0))]);
    }

    #[test]
    fn a_parameter_of_one_value_and_equal_scores_have_no_sensitivity() {
        let found = grid(&[[2.0, 2.0]]).sensitivities(&[0, 0]);
        assert_eq!((found[0].step_change, found[0].relative), (None, None));
        assert_eq!((found[1].step_change, found[1].relative), (Some(0.0), None));
    }

    #[test]
    fn points_must_fit_the_axes_and_stand_alone() {
        let surface = |points: [Vec<u32>; 2]| {
            Surface::new(vec!["a".into()], points.map(|at| (at, Some(1.0))))
        };
        assert_eq!(surface([vec![0], vec![0, 1]]), Err(SurfaceError::Coordinates(vec![0, 1], 1)));
        assert_eq!(surface([vec![4], vec![4]]), Err(SurfaceError::Twice(vec![4])));
    }
}
