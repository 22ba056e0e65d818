//! The page in a real browser: it sorts, filters and chooses, fits a phone, loads nothing and has no
//! errors.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::scene::Scene;

/// A page on disk, and the folder of the browser that looks at it.
struct Browser {
    folder: TempDir,
    page: String,
}

/// What a browser made of a page.
struct Seen {
    dom: String,
    errors: String,
}

impl Browser {
    fn new(page: String) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), page }
    }

    /// Opens the page with a script of the test's own at its end, if the page is to allow it.
    fn open(&self, script: &str, allowed: bool, width: u32) -> Seen {
        let mut page = self.page.clone();
        if allowed {
            let policy = page.find("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
            let end = policy + page[policy..].find('>').unwrap() + 1;
            page.replace_range(policy..end, "");
        }
        page = page.replace("</body>", &format!("<script>{script}</script></body>"));
        self.run(&self.framed(&page, [width, 900]), &["--dump-dom"])
    }

    /// Takes a picture of the page as it is. Who wants to look names a folder in
    /// `SLUICEGATE_TEST_PICTURES`.
    fn picture(&self, name: &str, [width, height]: [u32; 2], flags: &[&str]) -> PathBuf {
        let file = self.framed(&self.page, [width, height]);
        let folder = std::env::var_os("SLUICEGATE_TEST_PICTURES").map(PathBuf::from);
        if let Some(folder) = &folder {
            fs::write(folder.join("report.html"), &self.page).unwrap();
        }
        let picture = folder.unwrap_or_else(|| self.folder.path().to_owned()).join(name);
        let taken = format!("--screenshot={}", picture.display());
        let size = format!("--window-size={},{height}", width.max(500));
        let seen = self.run(&file, &[flags, &[&taken, &size]].concat());
        assert!(!seen.errors.contains("CONSOLE"), "{}", seen.errors);
        picture
    }

    /// Puts the page into a frame of this size: no window is as narrow as a phone. What the page
    /// posts becomes the title of the frame's page.
    fn framed(&self, page: &str, [width, height]: [u32; 2]) -> PathBuf {
        fs::write(self.folder.path().join("page.html"), page).unwrap();
        let file = self.folder.path().join("frame.html");
        let frame = format!(
            "<!DOCTYPE html><html><head><title>nothing</title><meta name=\"color-scheme\" content=\"light dark\">
             <style>body {{ margin: 0 }} iframe {{ border: 0; display: block }}</style></head><body>
             <script>addEventListener('message', (event) => {{ document.title = event.data }})</script>
             <iframe src=\"page.html\" width=\"{width}\" height=\"{height}\"></iframe></body></html>"
        );
        fs::write(&file, frame).unwrap();
        file
    }

    fn run(&self, file: &Path, flags: &[&str]) -> Seen {
        let profile = tempfile::tempdir_in(self.folder.path()).unwrap();
        let output = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .args(["--hide-scrollbars", "--enable-logging=stderr", "--virtual-time-budget=5000"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(flags)
            .arg(format!("file://{}", file.display()))
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{errors}");
        Seen { dom: String::from_utf8(output.stdout).unwrap(), errors }
    }
}

/// What a script posted.
fn title(seen: &Seen) -> &str {
    seen.dom.split("<title>").nth(1).unwrap().split("</title>").next().unwrap()
}

/// Says how wide the page is beside the window, and what sticks out.
const WIDTH: &str = "const wide = document.documentElement.scrollWidth, room = window.innerWidth;
    parent.postMessage(wide <= room ? 'fits ' + room : `${wide} in ${room}`, '*');";

/// Sorts by the return, upwards, and filters; posts what is shown.
const SORT: &str = "const heads = Array.from(document.querySelectorAll('#ranks thead th'));
    const at = (key) => heads.findIndex((head) => head.dataset.key === key);
    const column = at('total_return');
    heads[column].click(); heads[column].click();
    const numbers = (column) => Array.from(document.querySelectorAll('#ranks tbody tr:not([hidden])'),
        (row) => Number(row.cells[column].textContent.replace('−', '-').replace(/[^0-9.-]/g, '')));
    const shown = numbers(column);
    const sorted = shown.every((value, at) => at === 0 || shown[at - 1] <= value);
    const filter = document.getElementById('filter');
    filter.value = 'fast=20 trade_count>0';
    filter.dispatchEvent(new Event('input'));
    const kept = numbers(at('fast'));
    parent.postMessage([shown.length, sorted, heads[column].getAttribute('aria-sort'), kept.length,
        kept.every((fast) => fast === 20), document.getElementById('filtered').textContent].join(' '), '*');";

/// Chooses another map; posts its size and its caption.
const CHOOSE: &str = "const choose = (id, value) => {
        const list = document.getElementById(id);
        list.value = value; list.dispatchEvent(new Event('change')); };
    const server = document.querySelector('#map table').outerHTML.replace(/ title=.[^\"]*\"| data-value=\"[^\"]*\"/g, '');
    choose('heat-of', 'median'); choose('heat-of', 'best');
    const same = document.querySelector('#map table').outerHTML.replace(/ title=.[^\"]*\"| data-value=\"[^\"]*\"/g, '') === server;
    choose('heat-x', '2'); choose('heat-figure', 'total_return'); choose('heat-of', 'median');
    const table = document.querySelector('#map table');
    parent.postMessage([same, table.tHead.rows[0].cells.length - 1, table.tBodies[0].rows.length, table.caption.textContent].join(' | '), '*');";

#[tokio::test]
#[ignore = "needs chromium, of Debian's package of that name; make check-all installs it"]
async fn a_page_sorts_filters_chooses_and_fits_in_a_real_browser() {
    let scene = Scene::new().await;
    let bundle = scene.bundle().await;
    let browser = Browser::new(scene.page(bundle).await);

    let seen = browser.open(SORT, true, 1280);
    assert_eq!(title(&seen), "12 true ascending 6 true 6 of 12", "{}", seen.errors);
    assert!(!seen.errors.contains("CONSOLE"), "{}", seen.errors);

    let seen = browser.open(CHOOSE, true, 390);
    let words = "true | 2 | 3 | Middle Total return by stop_loss_pct (across) and slow (down)";
    assert_eq!(title(&seen), words, "{}", seen.errors);

    for width in [390, 1280] {
        let seen = browser.open(WIDTH, true, width);
        assert_eq!(title(&seen), format!("fits {width}"), "{}", seen.errors);
    }

    // A script that is not the page's own does not run, and only that is complained of.
    let seen = browser.open("parent.postMessage('harm', '*')", false, 1280);
    assert!(title(&seen) == "nothing" && seen.errors.contains("CONSOLE"), "{}", seen.errors);

    for (name, size, flags) in [
        ("report-1280.png", [1280, 5200], &[][..]),
        ("report-390.png", [390, 8000], &[]),
        ("report-dark-1280.png", [1280, 5200], &["--blink-settings=preferredColorScheme=0"]),
        ("report-dark-390.png", [390, 8000], &["--blink-settings=preferredColorScheme=0"]),
    ] {
        let picture = browser.picture(name, size, flags);
        assert!(fs::metadata(picture).unwrap().len() > 50_000, "{name} is blank");
    }
}
