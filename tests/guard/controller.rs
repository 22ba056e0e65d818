//! The controller by itself, on a clock of the test's own.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sluicegate::guard::{Cause, Controller, Decision, GuardSettings, Observation};
use sluicegate::store::ServerLoad;

const SETTINGS: GuardSettings = GuardSettings {
    enabled: true,
    target: 2.0,
    fair_use: 0.5,
    pace_min: 0.1,
    snapshot_age_ms: 60_000,
    replica_lag_ms: 10_000,
};
const TICK: Duration = Duration::from_millis(100);
const WORKING: f64 = 0.8;
const IDLE: f64 = 0.0;

fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1e3)
}

/// A controller, the time, and the server it sees.
struct Run {
    controller: Controller,
    now: Instant,
    server: ServerLoad,
}

impl Run {
    /// Beside others, on a database where a small write takes `usual_ms`, which has been learned.
    fn that_knows(usual_ms: f64) -> Self {
        let server = ServerLoad { neighbours: 1, ..ServerLoad::default() };
        let controller = Controller::new(SETTINGS);
        let mut run = Self { controller, now: Instant::now(), server };
        let decision = run.ticks(100, usual_ms, IDLE);
        assert_eq!(decision, Decision { pace: 1.0, slowed_by: None });
        run
    }

    /// One observation.
    fn tick(&mut self, commit_ms: f64, in_use: f64) -> Decision {
        self.now += TICK;
        let (commit, server) = (Some(ms(commit_ms)), Some(&self.server));
        let seen = Observation { commit, pool_wait: None, in_use, server };
        self.controller.observe(self.now, &seen)
    }

    /// So many observations; the last decision.
    fn ticks(&mut self, count: usize, commit_ms: f64, in_use: f64) -> Decision {
        (0..count).map(|_| self.tick(commit_ms, in_use)).last().unwrap()
    }

    /// Observations until the pace is full; how many.
    fn until_full(&mut self, commit_ms: f64, in_use: f64, most: usize) -> usize {
        let full = |decision: Decision| decision.pace >= 1.0;
        (1..=most).find(|_| full(self.tick(commit_ms, in_use))).expect("full pace in time")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_seen_the_pace_stays_between_the_least_and_the_full_and_less_has_a_reason(
        seen in proptest::collection::vec(
            (0.0..1e4_f64, prop::option::of(0.0..1e3_f64), 0.0..9.0_f64, 0..2_i64, 0.0..1e3_f64, "[ab]{0,1}"),
            1..300,
        )
    ) {
        let mut run = Run::that_knows(1.0);
        for (commit, wait, in_use, neighbours, lag_s, horizon) in seen {
            run.now += TICK;
            let server = ServerLoad {
                neighbours,
                horizon: Some(horizon),
                replica_lag: Some(Duration::from_secs_f64(lag_s)),
                ..ServerLoad::default()
            };
            let seen = Observation {
                commit: Some(ms(commit)), pool_wait: wait.map(ms), in_use, server: Some(&server),
            };
            let decision = run.controller.observe(run.now, &seen);
            prop_assert!((SETTINGS.pace_min..=1.0).contains(&decision.pace), "{decision:?}");
            prop_assert_eq!(decision.pace < 1.0, decision.slowed_by.is_some());
        }
    }

    #[test]
    fn the_pace_falls_within_a_second_by_as_much_as_writes_take_too_long(times in 3.0..50.0_f64) {
        let mut run = Run::that_knows(4.0);
        run.until_full(4.0, WORKING, 100);
        let decision = run.ticks(10, 4.0 * times, WORKING);
        let bound = (SETTINGS.target / times).clamp(0.5, 0.9);
        // A first step, and what has been regained since.
        prop_assert!(decision.pace <= bound + 0.2, "{decision:?}, bound {bound}");
        let cause = Cause::Commits { took: ms(4.0 * times), usual: ms(4.0) };
        prop_assert_eq!(decision.slowed_by, Some(cause));
        run.until_full(4.0, WORKING, 50);
    }
}

#[test]
fn a_database_that_slows_with_our_pace_is_used_as_far_as_the_target_allows() {
    let mut run = Run::that_knows(4.0);
    let at = |pace: f64| 4.0 * (1.0 + 4.0 * pace);
    let mut pace = 1.0;
    let mut seen = Vec::new();
    for tick in 0..1_200 {
        pace = run.tick(at(pace), WORKING).pace;
        if tick >= 100 {
            seen.push(pace);
        }
    }
    let mean = seen.iter().sum::<f64>() / f64::from(1_100);
    // Twice the usual is reached at a quarter of the pace.
    assert!((0.18..0.32).contains(&mean), "{mean}");
    let highest = seen.iter().fold(0.0, |highest: f64, pace| highest.max(*pace));
    assert!(highest < 0.5, "{highest}");
}

#[test]
fn whoever_sets_to_work_beside_others_begins_slowly() {
    let mut run = Run::that_knows(4.0);
    let first = run.tick(4.0, WORKING);
    assert_eq!(first, Decision { pace: 0.25, slowed_by: Some(Cause::Listening) });
    let ticks = run.until_full(4.0, WORKING, 100);
    assert!((10..=25).contains(&ticks), "{ticks}");
    // Work that pauses for a moment goes on; after a rest it begins again.
    run.ticks(5, 4.0, IDLE);
    assert!(run.tick(4.0, WORKING).pace >= 1.0);
    run.ticks(20, 4.0, IDLE);
    assert!(run.tick(4.0, WORKING).pace < 1.0);
}

#[test]
fn where_nobody_else_works_nothing_is_held_back() {
    let mut run = Run::that_knows(4.0);
    run.server.neighbours = 0;
    assert!(run.ticks(50, 400.0, WORKING).pace >= 1.0);
    run.server.neighbours = 1;
    assert!(run.tick(400.0, WORKING).pace < 1.0, "somebody has come");
}

#[test]
fn before_anything_is_known_the_pace_is_the_least() {
    let mut controller = Controller::new(SETTINGS);
    let seen = Observation { commit: None, pool_wait: None, in_use: WORKING, server: None };
    let decision = controller.observe(Instant::now(), &seen);
    assert_eq!(decision, Decision { pace: 0.1, slowed_by: Some(Cause::Listening) });
}

#[test]
fn whoever_never_rests_for_long_learns_what_is_usual_in_between() {
    let server = ServerLoad::default();
    let mut run = Run { controller: Controller::new(SETTINGS), now: Instant::now(), server };
    for _ in 0..15 {
        run.tick(40.0, WORKING);
        run.tick(4.0, IDLE);
    }
    assert_eq!(run.controller.baseline(), Some(ms(4.0)));
}

#[test]
fn a_network_that_is_slower_for_good_is_normal_after_ten_minutes_and_not_before() {
    let mut run = Run::that_knows(4.0);
    run.ticks(5 * 600, 4.0, IDLE);
    assert!(run.ticks(3 * 600, 40.0, WORKING).pace <= SETTINGS.pace_min);
    assert_eq!(run.controller.baseline(), Some(ms(4.0)));
    run.until_full(40.0, WORKING, 8 * 600);
    assert_eq!(run.controller.baseline(), Some(ms(40.0)));
    run.ticks(5 * 600, 4.0, IDLE);
    assert_eq!(run.controller.baseline(), Some(ms(4.0)), "a faster one is sooner");
}

#[test]
fn who_hardly_uses_the_database_is_not_to_blame() {
    let mut run = Run::that_knows(4.0);
    run.until_full(40.0, 0.4, 100);
    assert!(run.ticks(100, 40.0, 0.4).pace >= 1.0);
    assert!(run.ticks(20, 40.0, WORKING).pace < 1.0);
}

#[test]
fn differences_below_a_millisecond_are_no_reason() {
    let mut run = Run::that_knows(0.2);
    run.until_full(1.1, WORKING, 100);
    assert!(run.ticks(100, 1.1, WORKING).pace >= 1.0);
    assert!(run.ticks(100, 2.0, WORKING).pace < 1.0);
}

#[test]
fn an_old_snapshot_holds_the_pace_down_by_as_much_as_it_is_too_old_also_without_neighbours() {
    let mut run = Run::that_knows(4.0);
    run.server = ServerLoad {
        horizon: Some("7".to_owned()),
        held_by: Some("session 12".to_owned()),
        ..ServerLoad::default()
    };
    assert!(run.ticks(590, 4.0, WORKING).pace >= 1.0);
    let decision = run.ticks(611, 4.0, WORKING);
    assert!((decision.pace - 0.5).abs() < 1e-6, "{decision:?}");
    let reason = decision.slowed_by.unwrap().to_string();
    assert_eq!(reason, "session 12 has kept old rows from being removed for 120 s");
    run.server.horizon = Some("8".to_owned());
    assert!(run.tick(4.0, WORKING).pace >= 1.0);
}

#[test]
fn a_replica_that_is_behind_and_a_pool_that_is_full_slow_too() {
    let mut run = Run::that_knows(4.0);
    run.server.replica_lag = Some(Duration::from_secs(40));
    let decision = run.tick(4.0, IDLE);
    assert!((decision.pace - 0.25).abs() < 1e-6, "{decision:?}");
    assert_eq!(decision.slowed_by.unwrap().to_string(), "a replica is 40.0 s behind");
    run.server.replica_lag = None;
    let wait = Some(ms(200.0));
    for _ in 0..5 {
        run.now += TICK;
        let (commit, server) = (Some(ms(4.0)), Some(&run.server));
        let seen = Observation { commit, pool_wait: wait, in_use: IDLE, server };
        run.controller.observe(run.now, &seen);
    }
    let reason = run.tick(4.0, IDLE).slowed_by.unwrap().to_string();
    assert_eq!(reason, "statements wait 200 ms for a connection of the pool");
}
