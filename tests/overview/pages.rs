//! The pages, by the text of their answers.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use futures_util::future::join_all;
use reqwest::StatusCode;

use crate::scene::{PATIENCE, Scene};
use crate::support::{DaemonProcess, TestDatabase, eventually};

pub(crate) const WITH_PAGES: [(&str, &str); 2] =
    [("http.listen", "127.0.0.1:0"), ("http.pages", "true")];

/// Where this daemon listens.
pub(crate) async fn address(daemon: &DaemonProcess) -> String {
    eventually(PATIENCE, "it listens", async || {
        let log = daemon.log();
        let (_, rest) = log.split_once("probes and metrics address=\"")?;
        Some(format!("http://{}", rest.split_once('"')?.0))
    })
    .await
}

/// One for all: each has to read the roots of trust.
fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        rustls::crypto::ring::default_provider().install_default().ok();
        reqwest::Client::new()
    })
}

async fn get(url: &str) -> (StatusCode, String) {
    let answer = client().get(url).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

fn shows(page: &str, words: &[&str]) {
    for word in words {
        assert!(page.contains(word), "{word}\n{page}");
    }
    assert!(!page.contains("<script"), "what users write is escaped\n{page}");
}

#[tokio::test]
async fn bundles_jobs_pipes_and_workers_can_be_looked_at() {
    let scene = Scene::new(&WITH_PAGES).await;
    scene.overview(|_| true).await;
    let at = address(&scene.daemons[0]).await;
    let (status, home) = get(&format!("{at}/")).await;
    assert_eq!(status, StatusCode::OK);
    shows(
        &home,
        &[
            "2 live workers",
            "pending_job",
            "outcome",
            "alice",
            "bob",
            "takes long",
            "rejected",
            "carol",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "http-equiv=\"refresh\"",
            "<caption",
            "aria-label=",
            "name=\"viewport\"",
        ],
    );
    let (_, still) = get(&format!("{at}/?still=1&user=alice")).await;
    shows(&still, &["alice"]);
    assert!(!still.contains("refresh\"") && !still.contains("takes long"), "{still}");

    let (status, ended) = get(&format!("{at}/bundles/{}", scene.ended)).await;
    assert_eq!(status, StatusCode::OK);
    shows(&ended, &["completed", "Best variants", "sma_cross", "/jobs/", "verdict"]);
    assert!(!ended.contains("http-equiv=\"refresh\""), "what has ended does not change");
    let (_, open) = get(&format!("{at}/bundles/{}", scene.open)).await;
    shows(&open, &["running", "http-equiv=\"refresh\"", "takes long"]);

    let job = scene.job_of(scene.ended).await;
    let (status, job) = get(&format!("{at}/jobs/{job}")).await;
    assert_eq!(status, StatusCode::OK);
    shows(&job, &["completed", "<polyline", "Entry price", "sharpe", "NASDAQ", "2005"]);
    for missing in
        ["/bundles/nothing", "/bundles/00000000-0000-0000-0000-000000000000", "/jobs/0", "/jobs/x"]
    {
        let (status, page) = get(&format!("{at}{missing}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{missing}");
        shows(&page, &["There is no such bundle or job."]);
    }
}

#[tokio::test]
async fn nothing_is_taken_from_elsewhere_and_many_who_ask_get_one_reading() {
    let scene = Scene::new(&WITH_PAGES).await;
    let at = address(&scene.daemons[0]).await;
    let answer = client().get(format!("{at}/")).send().await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    let (status, style) = get(&format!("{at}/style.css")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(style.contains("prefers-color-scheme: dark") && !style.contains("http"));

    let url = format!("{at}/?user=bob");
    let asked = (0..40).map(|_| get(&url));
    let answers: BTreeSet<String> =
        join_all(asked).await.into_iter().map(|(_, page)| page).collect();
    assert!(answers.len() <= 5, "{} readings for 40 who asked", answers.len());
    // Probes are as they were.
    assert_eq!(get(&format!("{at}/livez")).await, (StatusCode::OK, "ok\n".to_owned()));
    assert_eq!(
        client().post(format!("{at}/")).send().await.unwrap().status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn there_are_no_pages_unless_somebody_wants_them_and_without_a_database_they_say_so() {
    let mut db = TestDatabase::durable().await;
    let off = DaemonProcess::run(&db.url(), &[("http.listen", "127.0.0.1:0")]);
    let at = address(&off).await;
    for path in ["/", "/bundles/00000000-0000-0000-0000-000000000000", "/jobs/1", "/style.css"] {
        assert_eq!(get(&format!("{at}{path}")).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    drop(off);
    let quick = [("database.acquire_timeout_ms", "500")];
    let on = DaemonProcess::run(&db.url(), &[&WITH_PAGES[..], &quick].concat());
    let at = address(&on).await;
    // A page may come before the daemon has begun, and a daemon begins only with a database.
    for path in ["/readyz", "/"] {
        let url = format!("{at}{path}");
        eventually(PATIENCE, path, async || get(&url).await.0 == StatusCode::OK).await;
    }
    db.server().kill_immediately().unwrap();
    eventually(PATIENCE, "it says so", async || {
        let (status, page) = get(&format!("{at}/")).await;
        status == StatusCode::SERVICE_UNAVAILABLE && page.contains("The database does not answer.")
    })
    .await;
    db.server().restart().unwrap();
    eventually(PATIENCE, "a page again", async || get(&format!("{at}/")).await.0 == StatusCode::OK)
        .await;
}
