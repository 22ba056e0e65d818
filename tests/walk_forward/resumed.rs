//! A walk-forward whose daemon is killed, or told to stop, goes on where it was.

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene};
use crate::support::{DaemonProcess, eventually};

/// Keeps something soon, is seen to be dead soon, and gives runs no time when it is told to stop.
const SETTINGS: [(&str, &str); 8] = [
    ("worker.checkpoint_after_ms", "100"),
    ("worker.lease_ms", "1500"),
    ("worker.lease_renew_ms", "300"),
    ("worker.drain_ms", "0"),
    ("pipes.dead_job_canceller.silence_ms", "600"),
    ("pipes.dead_job_canceller.poll_interval_ms", "200"),
    ("pipes.progress.poll_interval_ms", "50"),
    ("kinds.backtest.slice_candles", "1000"),
];

/// Enough work for seconds.
fn walk() -> Value {
    let parameters = json!({ "fast": { "from": 2, "to": 6, "step": 1 },
                             "slow": { "from": 30, "to": 49, "step": 1 } });
    json!({
        "ticker": "NOISE", "timeframe": "1m", "range": { "last": "10d" },
        "scenarios": [{ "preset": "dual_ema_cross", "params": parameters }],
        "walk_forward": { "train": "2d", "test": "2d", "max_variants": 10_000 },
    })
}

async fn until_something_is_kept(scene: &Scene, job: i64) {
    let read = "select exists (select from sluicegate.progress
                 where job_id = $1 and checkpoint is not null)";
    eventually(PATIENCE, "a checkpoint is kept", async || {
        let query = sqlx::query_scalar::<_, bool>(read).bind(job);
        query.fetch_one(scene.db.pool()).await.unwrap()
    })
    .await;
}

async fn interrupted(stop: impl Fn(&DaemonProcess)) {
    let scene = Scene::noise().await;
    let job = scene.job("walk_forward", &walk()).await;
    let mut first = scene.daemon_with("1", &SETTINGS);
    until_something_is_kept(&scene, job).await;
    stop(&first);
    first.wait(PATIENCE).await;
    let second = scene.daemon_with("1", &SETTINGS);
    let resumed = scene.output(job).await;
    assert!(second.log().contains("goes on from a checkpoint"), "it began afresh");
    let left = "select count(*) from sluicegate.progress where job_id = $1";
    let left: i64 = sqlx::query_scalar(left).bind(job).fetch_one(scene.db.pool()).await.unwrap();
    assert_eq!(left, 0, "the checkpoint is left behind");
    let whole = scene.job("walk_forward", &walk()).await;
    assert_eq!(scene.output(whole).await, resumed);
}

#[tokio::test]
async fn a_walk_whose_daemon_is_killed_goes_on_and_comes_to_the_same_bits() {
    interrupted(DaemonProcess::kill9).await;
}

#[tokio::test]
async fn a_walk_whose_daemon_is_told_to_stop_goes_on_and_comes_to_the_same_bits() {
    interrupted(DaemonProcess::terminate).await;
}
