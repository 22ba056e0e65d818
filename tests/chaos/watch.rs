//! Looks again and again, while everything goes wrong, whether the tables agree with themselves. Each look is
//! one statement, so it sees one moment.

use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const LOOK_EVERY: Duration = Duration::from_millis(120);

/// What is wrong at a moment, and how to count it; `$1` is the cap of each user.
const WRONGS: [(&str, &str); 5] = [
    (
        "lanes whose counts and deltas differ from a recount",
        "select count(*) from sluicegate.lanes l
           left join (select lane_id, count(*) filter (where state = 1) as running, count(*) as jobs,
                             count(*) filter (where state = 2) as delayed
                        from sluicegate.queue group by lane_id) q on q.lane_id = l.lane_id
           left join (select lane_id, sum(released) as released, sum(jobs) as jobs,
                             sum(delayed) as delayed
                        from sluicegate.lane_deltas group by lane_id) d on d.lane_id = l.lane_id
          where $1 > 0
            and (l.running - coalesce(d.released, 0) <> coalesce(q.running, 0)
                 or l.jobs + coalesce(d.jobs, 0) <> coalesce(q.jobs, 0)
                 or l.delayed + coalesce(d.delayed, 0) <> coalesce(q.delayed, 0))",
    ),
    (
        "bundles whose counts and deltas differ from a recount",
        "select count(*) from sluicegate.bundles b
           left join (select bundle_id, sum(completed) as completed, sum(failed) as failed,
                             sum(cancelled) as cancelled
                        from sluicegate.bundle_deltas group by bundle_id) d on d.bundle_id = b.id
          cross join lateral (
                select count(*) filter (where o.status = 1) as completed,
                       count(*) filter (where o.status = 2) as failed,
                       count(*) filter (where o.status = 3) as cancelled
                  from sluicegate.jobs j join sluicegate.outcomes o on o.job_id = j.id
                 where j.bundle_id = b.id) n
          where $1 > 0
            and (b.completed + coalesce(d.completed, 0) <> n.completed
                 or b.failed + coalesce(d.failed, 0) <> n.failed
                 or (b.cancelled_at is null and b.cancelled + coalesce(d.cancelled, 0) <> n.cancelled))",
    ),
    (
        "users with more jobs claimed at once than their cap",
        "select count(*) from (
            select from sluicegate.queue q join sluicegate.jobs j on j.id = q.job_id
             where q.state = 1 group by j.user_id having count(*) > $1) u",
    ),
    (
        "jobs that have ended and wait",
        "select count(*) from sluicegate.queue q join sluicegate.outcomes o on o.job_id = q.job_id
          where $1 > 0",
    ),
    (
        "jobs that neither wait nor have ended",
        "select count(*) from sluicegate.jobs j
          where $1 > 0 and not exists (select from sluicegate.queue q where q.job_id = j.id)
            and not exists (select from sluicegate.outcomes o where o.job_id = j.id)",
    ),
];

/// A watcher at work.
#[derive(Debug)]
pub(crate) struct Watcher {
    stop: watch::Sender<bool>,
    has_looked: watch::Receiver<bool>,
    task: JoinHandle<(usize, Vec<String>)>,
}

impl Watcher {
    /// Begins to watch. A look that finds no server is no look.
    pub(crate) fn start(pool: &PgPool, user_cap: usize) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let (looked, has_looked) = watch::channel(false);
        let pool = pool.clone();
        let cap = i64::try_from(user_cap).unwrap();
        let task = tokio::spawn(async move {
            let (mut looks, mut wrongs) = (0, Vec::new());
            while !*stopped.borrow() {
                for (wrong, count) in WRONGS {
                    let found: Result<i64, _> =
                        sqlx::query_scalar(count).bind(cap).fetch_one(&pool).await;
                    looks += usize::from(found.is_ok());
                    if let Ok(found @ 1..) = found {
                        wrongs.push(format!("in look {looks}: {wrong}: {found}"));
                    }
                }
                looked.send_replace(looks >= WRONGS.len());
                tokio::time::timeout(LOOK_EVERY, stopped.changed()).await.ok();
            }
            (looks, wrongs)
        });
        Self { stop, has_looked, task }
    }

    /// Whether it has looked at everything.
    pub(crate) fn has_looked(&self) -> bool {
        *self.has_looked.borrow()
    }

    /// How many looks there were, and what was wrong.
    pub(crate) async fn end(self) -> (usize, Vec<String>) {
        self.stop.send_replace(true);
        self.task.await.unwrap()
    }
}
