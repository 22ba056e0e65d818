//! The protocol of claims, leases, fences and ends: explored in every state of a small model, which is
//! held against the real statements on a real Postgres, and against mistakes planted into both.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;

use stateright::{Checker, HasDiscoveries, Model};

mod actions;
mod replay;
mod rules;
mod state;
mod steps;
#[path = "../support/mod.rs"]
mod support;
mod walks;

use actions::{Action, Fault};
use rules::Protocol;
use state::State;
use support::TestDatabase;
use walks::{Walk, walk};

/// Explores every state; the properties must hold, and what is to happen sometimes must have happened.
fn explore(protocol: Protocol) -> usize {
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    checker.unique_state_count()
}

#[test]
fn every_state_of_one_job_and_two_workers_keeps_the_promises() {
    let states = explore(Protocol::small());
    assert!(states > 3_000, "only {states} states");
}

#[test]
#[ignore = "explores millions of states"]
fn every_state_of_more_jobs_workers_and_claims_keeps_the_promises() {
    let small = Protocol::small();
    let larger = [
        Protocol { attempts_max: 3, ..small },
        Protocol { workers: 3, ..small },
        Protocol { jobs: 2, cap: 1, attempts_max: 2, ..small },
        Protocol { jobs: 2, cap: 2, attempts_max: 2, ..small },
    ];
    for protocol in larger {
        let states = explore(protocol);
        assert!(states > 100_000, "only {states} states of {protocol:?}");
    }
}

#[test]
fn the_checker_finds_every_mistake_that_is_planted() {
    let small = Protocol::small();
    let two = Protocol { jobs: 2, ..small };
    let wide = Protocol { cap: 2, ..two };
    let planted = [
        (Fault::EndIgnoresFence, small, rules::HIGHEST_FENCE),
        (Fault::EndKeepsRow, small, rules::NEITHER_LOST_NOR_DOUBLED),
        (Fault::EndKeepsRow, small, rules::ONE_END),
        (Fault::EndForgetsLane, small, rules::RUNNING_IS_A_RECOUNT),
        (Fault::FenceStays, small, rules::FENCES_DIFFER),
        (Fault::FenceStays, small, rules::HIGHEST_FENCE),
        (Fault::ClaimTakesClaimed, wide, rules::RUNNING_IS_A_RECOUNT),
        (Fault::ClaimIgnoresCap, two, rules::CAP_HOLDS),
        (Fault::RescueForgetsLane, small, rules::RECOVERS),
        (Fault::ReleaseIgnoresFence, small, rules::NO_LATE_WRITE),
        (Fault::CancelOnlyAsks, small, rules::CANCELLED_STAYS_SO),
        (Fault::FailureLost, small, rules::NEITHER_LOST_NOR_DOUBLED),
        (Fault::RetryForgetsCounts, small, rules::COUNTS_ARE_A_RECOUNT),
    ];
    for (fault, protocol, broken) in planted {
        let protocol = Protocol { fault: Some(fault), ..protocol };
        let looked_for = std::iter::once(broken).collect();
        let checker = protocol.checker().finish_when(HasDiscoveries::AnyOf(looked_for));
        let found = checker.spawn_bfs().join();
        let path = found.discovery(broken);
        assert!(path.is_some(), "{fault:?} was planted, and nobody saw that not: {broken}");
    }
}

/// Walks at random through the model, each step on the real tables too.
async fn walk_often(walks: u64) {
    let database = TestDatabase::new().await;
    let store = replay::store(&database);
    let mut seen: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for seed in 0..walks {
        let chosen = Walk { seed, steps: 40, protocol: walks::wide(seed) };
        for (name, accepted) in walk(database.pool(), &store, chosen).await.unwrap() {
            seen.entry(name).or_default()[usize::from(accepted)] += 1;
        }
    }
    for write in ["Claim", "Start", "Complete", "Fail", "Release", "TakeAway"] {
        let [refused, accepted] = seen.get(write).copied().unwrap_or_default();
        assert!(refused > 0 && accepted > 0, "{write}: {refused} refused, {accepted} accepted");
    }
    for other in ["Look", "Cancel", "Retry", "Find", "DeclareDead", "Stop"] {
        assert!(seen.contains_key(other), "no {other} among {seen:?}");
    }
}

#[tokio::test]
async fn the_real_statements_do_what_the_model_says() {
    walk_often(12).await;
}

#[tokio::test]
#[ignore = "walks for minutes"]
async fn the_real_statements_do_what_the_model_says_on_many_walks() {
    walk_often(1_500).await;
}

#[tokio::test]
async fn the_rare_ends_that_the_checker_finds_happen_on_the_real_tables() {
    let database = TestDatabase::new().await;
    let store = replay::store(&database);
    let protocol = Protocol::small();
    let checker = protocol.checker().spawn_bfs().join();
    let mut found = 0;
    for (name, path) in checker.discoveries() {
        let replay = walks::follow(database.pool(), &store, protocol, path.into_actions()).await;
        replay.unwrap_or_else(|error| panic!("{name}: {error}"));
        found += 1;
    }
    assert!(found >= 3, "only {found} examples");
}

/// A mistake in the SQL: function, what it says, what it is made to say.
const SABOTAGE: [(&str, &str, &str); 6] = [
    ("end_jobs", "(q.state = 1 and q.fence = g.given_fence)", "q.state = 1"),
    ("end_jobs", "select b.lane_id, b.released, - b.jobs", "select b.lane_id, 0, - b.jobs"),
    ("release_jobs", "fence = q.fence + 1", "fence = q.fence"),
    ("rescue_jobs", "and q.fence = g.fence and q.state = 1", "and q.state = 1"),
    ("fail_jobs", "failures = q.failures + 1", "failures = q.failures"),
    ("claim_jobs", "running = l.running + coalesce(m.jobs, 0)", "running = l.running"),
];

/// A rescuer that was slow: too rare for walks at random, so the checker finds the way there.
fn late_rescue() -> Vec<Action> {
    let looked_for = std::iter::once(rules::FOUND_TOO_LATE).collect();
    let checker = Protocol::small().checker().finish_when(HasDiscoveries::AnyOf(looked_for));
    let path = checker.spawn_bfs().join().assert_any_discovery(rules::FOUND_TOO_LATE);
    let found = path.last_state().found.unwrap();
    let mut actions = path.into_actions();
    actions.push(Action::TakeAway { found });
    actions
}

#[tokio::test]
async fn a_rescue_that_comes_too_late_changes_nothing() {
    let database = TestDatabase::new().await;
    let store = replay::store(&database);
    let replay = walks::follow(database.pool(), &store, Protocol::small(), late_rescue());
    replay.await.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn a_mistake_in_the_sql_is_seen() {
    let late_rescue = late_rescue();
    for (function, said, says) in SABOTAGE {
        let database = TestDatabase::new().await;
        let source = "select pg_get_functiondef(('sluicegate.' || $1)::regproc)";
        let source: String =
            sqlx::query_scalar(source).bind(function).fetch_one(database.pool()).await.unwrap();
        assert!(source.contains(said), "{function} does not say {said}");
        let spoilt = sqlx::AssertSqlSafe(source.replace(said, says));
        sqlx::raw_sql(spoilt).execute(database.pool()).await.unwrap();
        let store = replay::store(&database);
        let slow = walks::follow(database.pool(), &store, Protocol::small(), late_rescue.clone());
        let mut is_seen = slow.await.is_err();
        for seed in 0..60 {
            if is_seen {
                break;
            }
            let chosen = Walk { seed, steps: 40, protocol: walks::wide(seed) };
            is_seen = walk(database.pool(), &store, chosen).await.is_err();
        }
        assert!(is_seen, "{function}: {said} became {says:?}, and nobody saw it");
    }
}

/// How a state begins, for walks.
fn first(protocol: &Protocol) -> State {
    protocol.init_states().remove(0)
}
