//! The pages in a browser, at the width of a desk and of a phone. The pictures stay in the target folder,
//! for whoever wants to look at them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::pages::{WITH_PAGES, address};
use crate::scene::Scene;
use crate::support::eventually;

const STARTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// Starts the browser with these arguments, in a profile of its own: what it printed.
async fn browse(arguments: &[String]) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = profile.path().join("printed");
    let mut browser = Command::new("chromium")
        .args(STARTS)
        .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
        .args(arguments)
        .stdout(fs::File::create(&output).unwrap())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let ended = eventually(Duration::from_secs(60), "the browser ends", async || {
        browser.try_wait().unwrap()
    });
    assert!(ended.await.success());
    fs::read_to_string(output).unwrap()
}

/// Width and height of a picture, as its header says.
fn size_of(picture: &Path) -> (u32, u32) {
    let bytes = fs::read(picture).unwrap();
    assert_eq!(bytes.get(1..4), Some(&b"PNG"[..]), "{}", picture.display());
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[tokio::test]
#[ignore = "needs chromium; run by make check-all"]
async fn a_browser_shows_the_pages_at_the_width_of_a_desk_and_of_a_phone() {
    let scene = Scene::new(&WITH_PAGES).await;
    scene.overview(|_| true).await;
    let at = address(&scene.daemons[0]).await;
    let job = scene.job_of(scene.ended).await;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&folder).unwrap();
    for (name, path, said) in [
        ("home", "/?still=1".to_owned(), "takes long"),
        ("bundle", format!("/bundles/{}", scene.ended), "Best variants"),
        ("open", format!("/bundles/{}?still=1", scene.open), "running"),
        ("job", format!("/jobs/{job}"), "Entry price"),
    ] {
        let url = format!("{at}{path}");
        let dom = browse(&["--dump-dom".to_owned(), url.clone()]).await;
        assert!(dom.contains(said) && !dom.contains("<script"), "{dom}");
        for (width, height) in [(1280, 1600), (390, 1800)] {
            let picture = folder.join(format!("{name}-{width}.png"));
            fs::remove_file(&picture).ok();
            let shot = format!("--screenshot={}", picture.display());
            browse(&[shot, format!("--window-size={width},{height}"), url.clone()]).await;
            assert_eq!(size_of(&picture), (width, height));
        }
    }
    let picture = folder.join("home-dark.png");
    let shot = format!("--screenshot={}", picture.display());
    let dark = "--blink-settings=preferredColorScheme=0".to_owned();
    browse(&[shot, dark, "--window-size=1280,1600".to_owned(), format!("{at}/?still=1")]).await;
    assert_eq!(size_of(&picture), (1280, 1600));
}
