//! Commands that reach nothing: answered with why not.

use serde_json::json;
use uuid::Uuid;

use crate::rows::Site;

#[tokio::test]
async fn a_command_that_cannot_be_applied_is_told_why() {
    let site = Site::new().await;
    let ended = site.bundle("name", "nothing is wrong here").await;
    assert_eq!(site.bundle_end(ended).await.0, "completed");
    let job = site.one::<i64>("select id from sluicegate.jobs").await;
    let missing = Uuid::nil();
    let bundle = |id: Uuid| ("bundle_id", json!(id));
    for (user, action, target, answer) in [
        ("alice", "cancel", bundle(missing), format!("user \"alice\" has no bundle {missing}")),
        ("mallory", "cancel", bundle(ended), format!("user \"mallory\" has no bundle {ended}")),
        ("alice", "cancel", bundle(ended), format!("bundle {ended} has ended already: completed")),
        (
            "alice",
            "cancel",
            ("job_id", json!(999_999)),
            "user \"alice\" has no job 999999".to_owned(),
        ),
        ("mallory", "cancel", ("job_id", json!(job)), format!("user \"mallory\" has no job {job}")),
        (
            "alice",
            "cancel",
            ("job_id", json!(job)),
            format!("job {job} has ended already: completed"),
        ),
        (
            "nobody",
            "cancel",
            ("job_id", json!(null)),
            "cancelled 0 open bundles and 0 open jobs".to_owned(),
        ),
        (
            "alice",
            "cancle",
            bundle(ended),
            "unknown action \"cancle\", allowed: cancel, pause, resume, retry, reprioritise, set_rate"
                .to_owned(),
        ),
        ("alice", "pause", bundle(ended), format!("bundle {ended} has ended already: completed")),
        ("mallory", "pause", ("job_id", json!(job)), format!("user \"mallory\" has no job {job}")),
        (
            "alice",
            "retry",
            bundle(ended),
            format!("bundle {ended} has no job that failed or was cancelled: completed"),
        ),
        (
            "alice",
            "retry",
            ("job_id", json!(null)),
            "retry: found no bundle_id and no job_id, allowed one".to_owned(),
        ),
        (
            "alice",
            "reprioritise",
            ("job_id", json!(job)),
            "args.priority: found nothing, allowed a whole number, -1000000 to 1000000".to_owned(),
        ),
    ] {
        assert_eq!(site.command(user, action, target).await, answer);
    }
    site.assert_fine().await;
}
