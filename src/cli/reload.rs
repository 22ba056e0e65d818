//! SIGHUP: reads the settings again and swaps rates and limits while everything runs.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::guard::Guard;
use crate::pipeline::{Governor, Pipes};
use crate::settings::{self, Environment, Settings};

/// Adds the task that follows SIGHUP. What it cannot change while running is left as it is.
///
/// # Errors
/// The signal cannot be handled.
pub(super) fn follow_signal(
    pipes: &mut Pipes,
    guard: &Guard,
    environment: Environment,
    mut now: Settings,
) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("handle SIGHUP")?;
    let governors: Vec<(&'static str, Governor)> = now
        .pipes
        .by_name()
        .into_iter()
        .filter_map(|(name, _)| Some((name, pipes.governor(name)?)))
        .collect();
    let guard = guard.clone();
    pipes.add_task("reload", |shutdown| async move {
        loop {
            tokio::select! {
                _ = hangup.recv() => {}
                () = shutdown.stopping() => return Ok(()),
            }
            match settings::load(&environment) {
                Ok(next) => {
                    swap(&governors, &now, &next);
                    guard.set(next.guard);
                    now = next;
                }
                Err(error) => tracing::error!(%error, "settings refused; nothing has changed"),
            }
        }
    });
    Ok(())
}

fn swap(governors: &[(&'static str, Governor)], now: &Settings, next: &Settings) {
    let mut changed = 0;
    for ((name, before), (_, after)) in now.pipes.by_name().into_iter().zip(next.pipes.by_name()) {
        let same = before.rate_per_second == after.rate_per_second
            && before.in_flight_max == after.in_flight_max;
        let Some((_, governor)) = governors.iter().find(|(pipe, _)| *pipe == name) else {
            continue;
        };
        if !same {
            governor.set(after.rate_per_second, after.in_flight_max);
            changed += 1;
            tracing::info!(
                pipe = name,
                rate_before = before.rate_per_second,
                rate = after.rate_per_second,
                in_flight_max_before = before.in_flight_max,
                in_flight_max = after.in_flight_max,
                "limits changed"
            );
        }
    }
    tracing::info!(changed, "settings read again; other keys need a restart");
}
