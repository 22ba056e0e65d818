//! W1: jobs that do nothing are in the table before the worker starts; the clock runs from when it begins until
//! the table says that all have ended.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::queues::{Queue, now};
use crate::site::Site;

const LOOK_EVERY: Duration = Duration::from_millis(25);
/// The longest run under settings made for speed.
const DEADLINE: Duration = Duration::from_secs(180);

/// One run.
pub(crate) struct Run {
    pub(crate) per_second: f64,
    /// What each job consumed.
    pub(crate) consumed: [(&'static str, f64); 4],
}

pub(crate) async fn measure(site: &Site, queue: &Queue, jobs: i32, patience: Duration) -> Run {
    let (database, mut inserter) = queue.database(site).await;
    inserter.insert(&database, jobs).await;
    drop(inserter);
    database.settle().await;
    let deadline = if queue.is_for_speed { DEADLINE } else { patience };
    let any_left = format!("(exists (select from {}))::int", queue.left);
    let before = database.usage(None).await;
    let (started, began) = (now(), Instant::now());
    let worker = queue.work(&database, false);
    while database.number(&any_left).await > 0.0 && began.elapsed() < deadline {
        sleep(LOOK_EVERY).await;
    }
    let seconds = now() - queue.began(&worker, started);
    let after = database.usage(Some(&worker)).await;
    let left = database.number(format!("select count(*) from {}", queue.left)).await;
    assert!(left < 1.0 || !queue.is_for_speed, "{}: {left} left\n{}", queue.name, worker.log());
    drop(worker);
    site.drop(database).await;
    let ended = f64::from(jobs) - left;
    Run { per_second: ended / seconds, consumed: after.per_job(&before, ended.max(1.0)) }
}
