//! What is shown while jobs run: bars on a terminal, a line now and then elsewhere.

use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::tables::status_word;
use crate::store::{DemoBundle, DemoSleep};

/// Where there are no bars, a line this often.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// The display.
pub(super) enum Live {
    /// On a terminal.
    Bars(Bars),
    /// In a log: when the last line was written.
    Lines(Option<Instant>),
}

impl Live {
    /// A display that shows nothing yet.
    pub(super) fn new(terminal: bool) -> Self {
        if terminal { Self::Bars(Bars::new()) } else { Self::Lines(None) }
    }

    /// Shows how far everything is.
    ///
    /// # Errors
    /// Standard output cannot be written, or a bar not be drawn.
    pub(super) fn show(&mut self, bundle: &DemoBundle, sleeps: &[DemoSleep]) -> anyhow::Result<()> {
        match self {
            Self::Bars(bars) => bars.show(bundle, sleeps),
            Self::Lines(last) if last.is_none_or(|last| last.elapsed() >= LINE_EVERY) => {
                *last = Some(Instant::now());
                super::say(&line(bundle, sleeps))
            }
            Self::Lines(_) => Ok(()),
        }
    }

    /// Shows the last state for good.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub(super) fn finish(self, bundle: &DemoBundle, sleeps: &[DemoSleep]) -> anyhow::Result<()> {
        match self {
            Self::Bars(mut bars) => bars.finish(bundle, sleeps),
            Self::Lines(_) => super::say(&line(bundle, sleeps)),
        }
    }
}

/// `bundle running 57 %, 114 of 200, ETA 2 s; sleep jobs: 3 DONE, 6 running`.
fn line(bundle: &DemoBundle, sleeps: &[DemoSleep]) -> String {
    let mut words: Vec<String> = sleeps.iter().map(|job| status_word(&job.status)).collect();
    words.sort();
    let counts: Vec<String> = words
        .chunk_by(|a, b| a == b)
        .filter_map(|same| same.first().map(|word| format!("{} {word}", same.len())))
        .collect();
    let percent = (100 * bundle.ended).checked_div(bundle.total).unwrap_or(0);
    format!(
        "bundle {} {percent} %, {} of {}{}; sleep jobs: {}",
        state(bundle),
        bundle.ended,
        bundle.total,
        eta(bundle),
        counts.join(", "),
    )
}

/// Once all jobs have ended what is left is the verdict.
fn state(bundle: &DemoBundle) -> &str {
    let is_judged = bundle.status == "running" && bundle.ended == bundle.total;
    if is_judged { "judging" } else { &bundle.status }
}

fn eta(bundle: &DemoBundle) -> String {
    let left_s = bundle.left_s.filter(|_| bundle.ended < bundle.total);
    left_s.map_or_else(String::new, |left| format!(", ETA {:.0} s", left.max(0.0)))
}

/// One bar for the bundle and one for each `sleep` job.
pub(super) struct Bars {
    group: MultiProgress,
    bundle: ProgressBar,
    sleeps: Vec<ProgressBar>,
}

impl Bars {
    fn new() -> Self {
        let group = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let bundle = group.add(ProgressBar::new(0).with_prefix("bundle"));
        Self { group, bundle, sleeps: Vec::new() }
    }

    fn show(&mut self, bundle: &DemoBundle, sleeps: &[DemoSleep]) -> anyhow::Result<()> {
        self.bundle.set_style(style("cyan", &format!("{:>3} of {}", bundle.ended, bundle.total))?);
        self.bundle.set_length(bundle.total);
        self.bundle.set_position(bundle.ended);
        self.bundle.set_message(format!("{}{}", state(bundle), eta(bundle)));
        for (place, job) in sleeps.iter().enumerate() {
            if place == self.sleeps.len() {
                let bar = ProgressBar::new(100).with_prefix(format!("sleep {}", job.id));
                self.sleeps.push(self.group.add(bar));
            }
            if let Some(bar) = self.sleeps.get(place) {
                show_sleep(bar, job)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, bundle: &DemoBundle, sleeps: &[DemoSleep]) -> anyhow::Result<()> {
        self.show(bundle, sleeps)?;
        // Draws each bar a last time and leaves it; the draws before may have been skipped.
        self.sleeps.iter().chain([&self.bundle]).for_each(ProgressBar::abandon);
        Ok(())
    }
}

impl Drop for Bars {
    /// Leaves the bars as they are, and the cursor below them. Nothing is drawn again: a Ctrl-C may
    /// have moved the cursor.
    fn drop(&mut self) {
        self.group.set_draw_target(ProgressDrawTarget::hidden());
        super::say("").ok();
    }
}

fn show_sleep(bar: &ProgressBar, job: &DemoSleep) -> anyhow::Result<()> {
    let colour = match job.status.as_str() {
        "completed" => "green",
        "cancelled" | "failed" => "red",
        _ => "yellow",
    };
    bar.set_style(style(colour, "")?);
    bar.set_position(percent(job.progress));
    bar.set_message(status_word(&job.status));
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a percentage; a float cast saturates"
)]
fn percent(progress: f64) -> u64 {
    progress as u64
}

fn style(colour: &str, count: &str) -> anyhow::Result<ProgressStyle> {
    let template = format!(
        "  {{prefix:8}} {{bar:40.{colour}/dim}} {{percent:>3}} % {count:>11}  {{msg:.{colour}}}"
    );
    Ok(ProgressStyle::with_template(&template)?.progress_chars("━╸─"))
}
