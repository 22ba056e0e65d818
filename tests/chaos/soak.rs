//! Mixed load with faults for as long as one likes: tables, indexes, dead rows and the memory of the
//! daemons stay as they are.

use std::env;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::time::sleep;

use crate::ground::Ground;
use crate::pods::{Pod, Site};
use crate::story::Story;
use crate::support::DaemonProcess;
use crate::{rules, tables};

/// Jobs inserted per second.
const JOBS_PER_SECOND: i32 = 150;
/// How often a fault comes, and how often sizes are taken.
const FAULT_EVERY: Duration = Duration::from_secs(7);
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// What stays as it is may be so many times larger in the second half than in the first, and so much more.
const GROWTH_MAX: f64 = 1.5;
const SLACK_MB: f64 = 16.0;

/// What grows with what has been done, and is not held against anybody.
const KEPT: &str =
    "'jobs', 'outcomes', 'results', 'failed_attempts', 'job_parts', 'bundles', 'commands'";

/// One look.
#[derive(Debug, Clone, Copy, Default)]
struct Sizes {
    /// Tables of the daemon's own with their indexes, and those of them that are indexes, megabytes.
    tables_mb: f64,
    indexes_mb: f64,
    dead_rows: i64,
    /// Memory of all daemons, megabytes.
    daemons_mb: f64,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes as long as one likes: make soak MINUTES=n"]
async fn tables_and_memory_stay_as_they_are_under_load_and_faults() {
    let minutes = env::var("SOAK_MINUTES").ok().and_then(|value| value.parse().ok()).unwrap_or(1.0);
    let ground = Ground::new(
        sluicegate::private_postgres::Options::durable()
            .with("fsync", "off")
            .with("autovacuum_naptime", "5s"),
    )
    .await;
    let database = ground.database("soak").await;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("soak");
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder).unwrap();
    let settings = [
        ("worker.slots", "1".to_owned()),
        ("worker.lease_ms", "3000".to_owned()),
        ("worker.lease_renew_ms", "500".to_owned()),
        // A drain leaves connections behind that have fallen silent, well before a place gives up on it.
        ("worker.drain_ms", "5000".to_owned()),
        ("worker.abort_ms", "1000".to_owned()),
        ("candles.files.dir", ground.candles.path().display().to_string()),
        ("guard.enabled", "false".to_owned()),
    ];
    let site = Site {
        url: database.url.clone(),
        server: ground.address(),
        settings: settings.to_vec(),
        has_rogues: false,
        folder: folder.clone(),
    };
    let mut pods = Vec::new();
    for number in 0..3 {
        pods.push(Pod::new(&site, number, false).await);
    }
    let half = Duration::from_secs_f64(minutes * 30.0);
    let mut load = Load::default();
    let before = load.go_on(&database.pool, &mut pods, half).await;
    let tables_before = by_table(&database.pool).await;
    let after = load.go_on(&database.pool, &mut pods, half * 2).await;
    tell_tables(&tables_before, &by_table(&database.pool).await);
    finish(&database.pool, &mut pods).await;
    // The first looks are of empty tables.
    let before = &before[before.len() / 4..];
    for (what, size) in [
        ("tables", (|look: &Sizes| look.tables_mb) as fn(&Sizes) -> f64),
        ("indexes", |look| look.indexes_mb),
        ("daemons", |look| look.daemons_mb),
    ] {
        let most = |looks: &[Sizes]| looks.iter().map(size).fold(0.0, f64::max);
        let (before, after) = (most(before), most(&after));
        assert!(
            after <= before * GROWTH_MAX + SLACK_MB,
            "{what} grew from {before:.1} to {after:.1} MB"
        );
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Inserts, disturbs and looks.
struct Load {
    began: Instant,
    looks: u32,
    faults: u32,
    inserted: i32,
}

impl Default for Load {
    fn default() -> Self {
        eprintln!("  seconds     ended  own tables   of it indexes  dead rows  daemons");
        Self { began: Instant::now(), looks: 0, faults: 1, inserted: 0 }
    }
}

impl Load {
    /// Goes on until so long after the beginning.
    async fn go_on(&mut self, pool: &PgPool, pods: &mut [Pod], span: Duration) -> Vec<Sizes> {
        let mut looks = Vec::new();
        while self.began.elapsed() < span {
            let seconds = i32::try_from(self.began.elapsed().as_secs()).unwrap();
            if self.inserted <= seconds {
                insert(pool, self.inserted).await;
                self.inserted += 1;
            }
            if self.began.elapsed() > FAULT_EVERY * self.faults {
                disturb(pods, self.faults);
                self.faults += 1;
            }
            for pod in pods.iter_mut() {
                pod.tend().unwrap();
            }
            if self.began.elapsed() > LOOK_EVERY * self.looks {
                let look = sizes(pool, pods).await;
                let ended: i64 = sqlx::query_scalar("select count(*) from sluicegate.outcomes")
                    .fetch_one(pool)
                    .await
                    .unwrap();
                eprintln!(
                    "{seconds:>9} {ended:>9} {:>8.1} MB {:>12.1} MB {:>10} {:>5.0} MB",
                    look.tables_mb, look.indexes_mb, look.dead_rows, look.daemons_mb
                );
                looks.push(look);
                self.looks += 1;
            }
            sleep(Duration::from_millis(50)).await;
        }
        looks
    }
}

/// Each table of the daemon's own: kilobytes with its indexes, those of the indexes, rows, dead rows.
type Tables = Vec<(String, i64, i64, i64, i64)>;

async fn by_table(pool: &PgPool) -> Tables {
    let sql = format!(
        "select relname::text, pg_total_relation_size(relid) / 1024, pg_indexes_size(relid) / 1024,
                n_live_tup, n_dead_tup
           from pg_stat_user_tables where schemaname = 'sluicegate' and relname not in ({KEPT})
          order by 1"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(pool).await.unwrap()
}

fn tell_tables(half: &Tables, end: &Tables) {
    eprintln!("  table                kB at half   at the end   of it indexes    rows  dead rows");
    for ((name, before, ..), (_, after, indexes, rows, dead)) in half.iter().zip(end) {
        eprintln!("  {name:<20} {before:>10} {after:>12} {indexes:>15} {rows:>7} {dead:>10}");
    }
}

/// A second's jobs; now and then a bundle, a failure and a cancel.
async fn insert(pool: &PgPool, second: i32) {
    let sql = "insert into sluicegate.jobs (user_id, kind, spec)
               select 'user ' || n % 10, 'sleep', jsonb_build_object('seconds', (n % 50) / 100.0)
                 from generate_series(1, $1) n";
    sqlx::query(sql).bind(JOBS_PER_SECOND).execute(pool).await.unwrap();
    if second % 20 == 0 {
        crate::scene::insert_bundle(pool, 2).await;
        crate::scene::insert_job(pool, "backtest", &crate::scene::daily_spec("NOWHERE")).await;
    }
    if second % 15 == 7 {
        crate::scene::insert_cancel(pool, "user 3", None, None).await;
    }
}

/// The faults in turn, each at the next place; what lasts ends with the fault after it.
fn disturb(pods: &mut [Pod], turn: u32) {
    for pod in pods.iter_mut() {
        pod.proxy.mend();
        pod.thaw();
    }
    let place = turn as usize % pods.len();
    let pod = &mut pods[place];
    match turn % 5 {
        0 => pod.signal(DaemonProcess::kill9),
        1 => pod.freeze(),
        2 => pod.terminate(),
        3 => pod.proxy.cut(),
        _ => pod.proxy.fall_silent(),
    }
}

async fn sizes(pool: &PgPool, pods: &[Pod]) -> Sizes {
    let sql = format!(
        "select (sum(pg_total_relation_size(relid)) / 1e6)::float8, (sum(pg_indexes_size(relid)) / 1e6)::float8,
                sum(n_dead_tup)::bigint
           from pg_stat_user_tables where schemaname = 'sluicegate' and relname not in ({KEPT})"
    );
    let (tables_mb, indexes_mb, dead_rows) =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_one(pool).await.unwrap();
    let daemons_mb = pods.iter().filter_map(|pod| resident_mb(pod.pid()?)).sum();
    Sizes { tables_mb, indexes_mb, dead_rows, daemons_mb }
}

/// Memory that a process really uses.
fn resident_mb(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kb: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kb / 1e3)
}

/// Waits until all is done, and asks the checker.
async fn finish(pool: &PgPool, pods: &mut [Pod]) {
    for pod in pods.iter_mut() {
        pod.proxy.mend();
        pod.thaw();
    }
    let all_ended = "select not exists (select from sluicegate.queue)
           and not exists (select from sluicegate.bundles where status in ('pending', 'expanding', 'running'))";
    let deadline = Instant::now() + Duration::from_secs(180);
    while !sqlx::query_scalar::<_, bool>(all_ended).fetch_one(pool).await.unwrap() {
        assert!(Instant::now() < deadline, "not all has ended");
        pods.iter_mut().for_each(|pod| pod.tend().unwrap());
        sleep(Duration::from_millis(100)).await;
    }
    let mut story = Story::default();
    for pod in pods {
        pod.end().await.unwrap();
        story.journals.extend(pod.journals().unwrap());
    }
    story.read_tables(pool).await;
    story.read_jobs_of_bundles(pool).await;
    let mut wrongs = rules::wrongs(&story);
    wrongs.extend(tables::wrongs(pool).await);
    assert_eq!(wrongs, [""; 0]);
    eprintln!("{:?}", story.figures());
}
