//! A database, bundles that real daemons run to their end, and the reports on them.

use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{DaemonProcess, TestDatabase, eventually};

/// Statistics take their time where nothing is optimised.
const PATIENCE: Duration = Duration::from_secs(120);

/// A name that would do harm if it were taken for markup.
pub(crate) const HOSTILE: &str = "<script>alert('x')</script> & \"quotes\"";

pub(crate) struct Scene {
    pub(crate) db: TestDatabase,
}

/// What a command said, and its exit code.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self { db: TestDatabase::new().await }
    }

    /// Crossings of averages over the candles that come with the project, with and without a stop,
    /// run to their end. One of the tickers has no candles, so some jobs fail.
    pub(crate) async fn bundle(&self) -> Uuid {
        let bundle = sqlx::query_scalar(
            "insert into sluicegate.bundles (user_id, name, universal_config, ticker_variants, date_ranges,
                                             scenario_variants, money_management_variants)
             values ('alice', $1, $2, $3, $4, $5, $6) returning id",
        )
        .bind(HOSTILE)
        .bind(json!({
            "timeframe": "1d", "balance": 1_000_000, "fee_taker_bps": 10, "fee_maker_bps": 10,
            "validation": { "holdout_pct": 20, "walk_forward": { "train": "1460d", "test": "365d" } },
        }))
        .bind(json!(["NASDAQ", "NOWHERE"]))
        .bind(json!([{ "from": "2003-01-01", "until": "2019-01-01" }]))
        .bind(json!([{
            "preset": "sma_cross",
            "params": { "fast": [5, 20], "slow": { "from": 40, "to": 200, "step": 80 } },
        }]))
        .bind(json!([{ "stop_loss_pct": [null, 5] }]))
        .fetch_one(self.db.pool())
        .await
        .unwrap();
        let _daemon =
            DaemonProcess::run(&self.db.url(), &[("pipes.pending_job.poll_interval_ms", "50")]);
        eventually(PATIENCE, "the bundle ends", async || {
            let ended = "select status = 'completed' from sluicegate.bundles where id = $1";
            sqlx::query_scalar::<_, bool>(ended)
                .bind(bundle)
                .fetch_one(self.db.pool())
                .await
                .unwrap()
        })
        .await;
        bundle
    }

    /// Inserts a bundle that no daemon sees, in the state that `set` describes.
    pub(crate) async fn in_state(&self, set: &str) -> Uuid {
        let insert = "insert into sluicegate.bundles (user_id, name, ticker_variants, date_ranges, scenario_variants)
                      values ('bob', $1, '[\"X\"]', '[{\"last\": \"1d\"}]', '[{}]') returning id";
        let bundle: Uuid =
            sqlx::query_scalar(insert).bind(HOSTILE).fetch_one(self.db.pool()).await.unwrap();
        let update = format!("update sluicegate.bundles set {set} where id = $1");
        let update = sqlx::query(sqlx::AssertSqlSafe(update)).bind(bundle);
        update.execute(self.db.pool()).await.unwrap();
        bundle
    }

    /// Runs `sluicegate report` beside the test's own threads.
    pub(crate) async fn report(&self, arguments: &[&str]) -> Said {
        self.report_with(arguments, &[]).await
    }

    /// The same with settings, as keys of the environment.
    pub(crate) async fn report_with(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        command.arg("report").args(arguments).env("DATABASE_URL", self.db.url());
        command.envs(settings.iter().copied());
        let Output { status, stdout, stderr } =
            tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Said {
            code: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// The most memory that a report took, kB.
    pub(crate) async fn peak_kb(&self, bundle: &str, format: &str) -> u64 {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        command
            .args(["report", bundle, "--format", format, "-o"])
            .arg(folder.path().join("report"));
        let mut process = command.env("DATABASE_URL", self.db.url()).spawn().unwrap();
        let status = format!("/proc/{}/status", process.id());
        let mut peak = 0;
        let ended = eventually(PATIENCE, "the report is written", async || {
            // The mark only rises; what it was shortly before the end will do.
            let text = fs::read_to_string(&status).unwrap_or_default();
            let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let mark = mark.and_then(|mark| mark.trim().split(' ').next()?.parse().ok());
            peak = mark.unwrap_or(peak).max(peak);
            process.try_wait().unwrap()
        })
        .await;
        assert!(ended.success() && peak > 0, "{format}: {ended}");
        peak
    }

    /// The page of a bundle.
    pub(crate) async fn page(&self, bundle: Uuid) -> String {
        let said = self.report(&[&bundle.to_string()]).await;
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        said.out
    }

    /// The results of a bundle as they are ranked, whole rows as JSON without daily returns.
    pub(crate) async fn ranked(&self, bundle: Uuid) -> Vec<Value> {
        let read = "select to_jsonb(r) - 'daily_returns' || jsonb_build_object('seq', j.seq)
                      from sluicegate.results r join sluicegate.jobs j on j.id = r.job_id
                     where r.bundle_id = $1
                     order by r.sharpe desc nulls last, r.total_return desc, r.job_id";
        sqlx::query_scalar(read).bind(bundle).fetch_all(self.db.pool()).await.unwrap()
    }
}

/// The part of a page between a section's beginning and its end.
pub(crate) fn section<'p>(page: &'p str, id: &str) -> &'p str {
    let begin = page.find(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("no {id}"));
    page[begin..].split("</section>").next().unwrap()
}

/// The full numbers behind the cells of a table.
pub(crate) fn values(section: &str) -> Vec<f64> {
    let cells = section.split("data-value=\"").skip(1);
    cells.map(|cell| cell.split('"').next().unwrap().parse().unwrap()).collect()
}
