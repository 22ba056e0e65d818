//! A user with few jobs behind one with many: how many jobs end before the few are done.

use std::time::Duration;

use serde_json::{Value, json};

use crate::site::{Database, Site};
use crate::support::{DaemonProcess, eventually};

const FEW: i32 = 10;
const SETTINGS: [(&str, &str); 2] =
    [("pipes.pending_job.capacity", "10"), ("pipes.pending_job.in_flight_max", "5")];

pub(crate) async fn measure(site: &Site, many: i32, rows_before: i32) -> Value {
    let quiet = site.database("fairness").await;
    quiet.queue_sleeps(many, 1, "many", 0.01).await;
    quiet.queue_sleeps(FEW, 1, "few", 0.01).await;
    let daemon = DaemonProcess::as_delivered(&quiet.url, &SETTINGS);
    let alone = ended_before_the_few(&quiet).await;
    drop(daemon);

    let busy = site.database("fairness_busy").await;
    busy.queue_sleeps(rows_before, 1, "paused", 0.01).await;
    busy.run("update sluicegate.lanes set paused = true").await;
    busy.queue_sleeps(many, 1, "many", 0.01).await;
    busy.settle().await;
    let inserters = (0..8).map(|inserter| {
        let busy = &busy;
        async move {
            for _ in 0..20 {
                busy.queue_sleeps(10, 1, &format!("inserter{inserter}_"), 0.01).await;
            }
        }
    });
    let (_, under_load) = tokio::join!(futures_util::future::join_all(inserters), async {
        busy.queue_sleeps(FEW, 1, "few", 0.01).await;
        let _daemon = DaemonProcess::as_delivered(&busy.url, &SETTINGS);
        ended_before_the_few(&busy).await
    });
    json!({
        "jobs_in_front": many,
        "ended_until_the_few_were_done": alone,
        "the_same_beside_8_inserters_and_a_paused_lane": under_load,
        "paused_rows_in_front": rows_before,
    })
}

/// Outcomes up to the last of the small user's.
async fn ended_before_the_few(database: &Database) -> f64 {
    let few =
        "select o.ended_at from sluicegate.outcomes o join sluicegate.jobs j on j.id = o.job_id
                where j.user_id = 'few0'";
    eventually(Duration::from_secs(60), "the few end", async || {
        database.number(format!("select count(*) from ({few}) f")).await >= f64::from(FEW)
    })
    .await;
    database
        .number(format!(
            "select count(*) from sluicegate.outcomes
              where ended_at <= (select max(ended_at) from ({few}) f)"
        ))
        .await
}
