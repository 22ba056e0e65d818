//! Walks through the model that are taken on the real tables at the same time.

use fastrand::Rng;
use sluicegate::store::Store;
use sqlx::PgPool;

use crate::actions::Action;
use crate::first;
use crate::replay::Replay;
use crate::rules::Protocol;

/// A random walk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk {
    pub(crate) seed: u64,
    pub(crate) steps: usize,
    pub(crate) protocol: Protocol,
}

/// More than can be explored, now with a cap that binds, now without.
pub(crate) fn wide(seed: u64) -> Protocol {
    let cap = if seed.is_multiple_of(2) { 2 } else { 3 };
    Protocol { jobs: 3, workers: 3, cap, attempts_max: 50, fault: None }
}

/// Takes a random walk. Answers the steps by name and whether they were accepted.
pub(crate) async fn walk(
    pool: &PgPool,
    store: &Store,
    walk: Walk,
) -> Result<Vec<(String, bool)>, String> {
    let Walk { seed, steps, protocol } = walk;
    let mut random = Rng::with_seed(seed);
    let mut state = first(&protocol);
    let mut replay = Replay::new(pool, store, &protocol).await;
    let (mut taken, mut names) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        let mut possible = protocol.possible(&state);
        // Workers come to an end, jobs are ended by others; a walk of nothing else would show little.
        possible.retain(|action| !is_final(*action) || random.u8(..10) == 0);
        let Some(action) = random.choice(&possible).copied() else { continue };
        let (after, accepted) = protocol.after(&state, action);
        taken.push(action);
        let step = replay.step(&state, action, &after, accepted).await;
        step.map_err(|error| format!("seed {seed}, after {taken:?}\n{error}"))?;
        let name = format!("{action:?}");
        names.push((name.split_whitespace().next().unwrap_or_default().to_owned(), accepted));
        state = after;
    }
    replay.end().await;
    Ok(names)
}

/// Follows steps that the checker has found.
pub(crate) async fn follow(
    pool: &PgPool,
    store: &Store,
    protocol: Protocol,
    actions: Vec<Action>,
) -> Result<(), String> {
    let mut state = first(&protocol);
    let mut replay = Replay::new(pool, store, &protocol).await;
    for action in actions {
        let (after, accepted) = protocol.after(&state, action);
        replay.step(&state, action, &after, accepted).await?;
        state = after;
    }
    replay.end().await;
    Ok(())
}

fn is_final(action: Action) -> bool {
    matches!(
        action,
        Action::Crash { .. }
            | Action::DeclareDead { .. }
            | Action::Drain { .. }
            | Action::Stop { .. }
            | Action::Cancel { .. }
            | Action::Complete { .. }
    )
}
