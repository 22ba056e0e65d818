//! The history checker: what must hold of the tables whatever happened, once all work has ended.

use sqlx::PgPool;

/// What is wrong, and how to count it.
const WRONGS: [(&str, &str); 14] = [
    ("jobs without an end", "select count(*) from sluicegate.jobs j where not exists (select from sluicegate.outcomes o where o.job_id = j.id)"),
    ("rows left in the queue", "select count(*) from sluicegate.queue"),
    ("outcomes of no job", "select count(*) from sluicegate.outcomes o where not exists (select from sluicegate.jobs j where j.id = o.job_id)"),
    (
        "results without a completed job, or completed backtests without a result",
        "select count(*) from (select job_id from sluicegate.results) r
           full join (select o.job_id from sluicegate.outcomes o join sluicegate.jobs j on j.id = o.job_id
                       where o.status = 1 and j.kind = 'backtest') o on o.job_id = r.job_id
          where r.job_id is null or o.job_id is null",
    ),
    (
        // A run that has lost its claim would end its job before the run that has it.
        "sleeps that ended sooner than they take",
        "select count(*) from sluicegate.outcomes o
          where o.status = 1 and o.output ? 'slept_s'
            and extract(epoch from o.ended_at - o.claimed_at) < (o.output ->> 'slept_s')::numeric",
    ),
    ("jobs claimed again after an end", "select count(*) from sluicegate.queue q join sluicegate.outcomes o on o.job_id = q.job_id"),
    (
        "bundles whose counts differ from a recount",
        "select count(*) from sluicegate.bundles b
          cross join lateral (
                select count(*) filter (where o.status = 1) as completed,
                       count(*) filter (where o.status = 2) as failed,
                       count(*) filter (where o.status = 3) as cancelled, count(*) as inserted
                  from sluicegate.jobs j join sluicegate.outcomes o on o.job_id = j.id
                 where j.bundle_id = b.id) n
          where (b.completed, b.failed, b.cancelled) is distinct from
                (n.completed, n.failed, n.cancelled + coalesce(b.total - n.inserted, 0))",
    ),
    (
        "bundles with gaps in their jobs' numbers, or with too few or too many",
        "select count(*) from sluicegate.bundles b
          cross join lateral (select count(*) as jobs, coalesce(max(j.seq) + 1, 0) as next
                                from sluicegate.jobs j where j.bundle_id = b.id) n
          where n.jobs <> n.next or (b.cancelled_at is null and n.jobs <> b.total)",
    ),
    ("news of bundles not taken in", "select count(*) from sluicegate.bundle_deltas"),
    ("news of lanes not taken in", "select count(*) from sluicegate.lane_deltas"),
    (
        "lanes that count jobs nobody has",
        "select count(*) from sluicegate.lanes where jobs <> 0 or delayed <> 0",
    ),
    (
        "jobs that completed after their cancel was acknowledged",
        "select count(*) from sluicegate.commands c join sluicegate.jobs j on j.user_id = c.user_id
           join sluicegate.outcomes o on o.job_id = j.id
           left join sluicegate.bundles b on b.id = j.bundle_id
          where c.action = 'cancel' and o.status = 1 and o.ended_at > c.applied_at
            and (c.job_id is null or c.job_id = j.id) and (c.bundle_id is null or c.bundle_id = j.bundle_id)
            and (c.job_id is not null or c.bundle_id is not null
                 or coalesce(b.created_at, j.created_at) < c.created_at)
            and not exists (select from sluicegate.commands r where r.action = 'retry')",
    ),
    ("lanes that count claims nobody holds", "select count(*) from sluicegate.lanes where running <> 0"),
    (
        "progress of jobs that have ended",
        "select count(*) from sluicegate.progress p
          where not exists (select from sluicegate.queue q where q.job_id = p.job_id)",
    ),
];

/// Fails the test if anything is wrong with what the tables say.
pub(crate) async fn check(pool: &PgPool) {
    assert_eq!(wrongs(pool).await, [""; 0]);
}

/// Everything that is wrong with what the tables say, a line each.
pub(crate) async fn wrongs(pool: &PgPool) -> Vec<String> {
    sqlx::query("select sluicegate.fold_lane_deltas()").execute(pool).await.unwrap();
    let mut wrongs = Vec::new();
    for (wrong, count) in WRONGS {
        let found: i64 = sqlx::query_scalar(count).fetch_one(pool).await.unwrap();
        if found != 0 {
            wrongs.push(format!("{wrong}: {found}"));
        }
    }
    wrongs
}
