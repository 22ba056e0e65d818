//! `sluicegate plan`: how long so many backtests take, and how many replicas they need.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::overview::words::many;
use crate::settings::Settings;
use crate::store::{Measured, Store};

/// Replicas that the table goes up to, each twice the one before.
const REPLICAS: [u32; 6] = [1, 2, 4, 8, 16, 32];

/// Options of `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// How many users ask.
    #[arg(long, default_value_t = 1)]
    users: u64,
    /// How many backtests each of them asks for.
    #[arg(long)]
    backtests: u64,
    /// How many candles a backtest goes through, warm-up included.
    #[arg(long)]
    candles: u64,
    /// Candles per second of one slot, in place of what was measured here.
    #[arg(long, value_name = "N")]
    candles_per_second: Option<f64>,
    /// Slots of a replica, in place of what live workers have, or this machine would.
    #[arg(long)]
    slots: Option<u32>,
    /// Say also how many replicas do it within so many minutes.
    #[arg(long, value_name = "MINUTES")]
    within: Option<f64>,
}

/// What a plan is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Work {
    jobs: f64,
    candles_each: f64,
    candles_per_second: f64,
    slots: f64,
    /// Most starts per second of the whole cluster.
    rate: Option<f64>,
}

impl Work {
    /// How long it takes with so many replicas.
    fn takes(&self, replicas: f64) -> Duration {
        let computed =
            self.jobs * self.candles_each / (self.candles_per_second * self.slots * replicas);
        let started = self.rate.map_or(0.0, |rate| self.jobs / rate);
        Duration::try_from_secs_f64(computed.max(started)).unwrap_or(Duration::MAX)
    }

    /// The least number of replicas that need no longer; `None` where the rate alone takes longer.
    fn replicas_within(&self, limit: Duration) -> Option<f64> {
        let limit = limit.as_secs_f64();
        if self.rate.is_some_and(|rate| self.jobs / rate > limit) {
            return None;
        }
        let one = self.jobs * self.candles_each / (self.candles_per_second * self.slots);
        Some((one / limit).ceil().max(1.0))
    }
}

#[expect(clippy::print_stdout, reason = "the answer of the command")]
pub(super) async fn run(args: &PlanArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let measured = match args.candles_per_second {
        Some(_) => None,
        None => {
            let store = Store::new(&settings.database)?;
            store.ping().await?;
            Some(store.measured().await?)
        }
    };
    let work = work(args, settings, measured)?;
    if let Some(Measured { backtests, workers, .. }) = measured {
        println!("measured: {}, {}", many(backtests, "backtest"), many(workers, "live worker"));
    }
    let Work { jobs, candles_each, candles_per_second, slots, rate } = work;
    println!("speed:    {candles_per_second:.0} candles/s a slot, {slots:.0} slots a replica");
    println!("work:     {jobs:.0} backtests, {:.0} candles", jobs * candles_each);
    match rate {
        Some(rate) => println!("rate:     at most {rate} starts per second, all replicas together"),
        None => println!("rate:     none in these settings (pipes.pending_job.rate_per_second)"),
    }
    println!("beside it: the verdict over each bundle at its end, some milliseconds a variant");
    for replicas in REPLICAS {
        let word = if replicas == 1 { "replica: " } else { "replicas:" };
        println!("{replicas:>3} {word} {}", in_words(work.takes(f64::from(replicas))));
    }
    if let Some(minutes) = args.within {
        let limit = Duration::try_from_secs_f64(minutes * 60.0)?;
        match work.replicas_within(limit) {
            Some(replicas) => {
                let word = if replicas > 1.0 { "replicas" } else { "replica" };
                println!("within {}: {replicas:.0} {word}", in_words(limit));
            }
            None => {
                println!("within {}: not at pipes.pending_job.rate_per_second", in_words(limit));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::cast_precision_loss, reason = "a plan is not that exact")]
fn work(args: &PlanArgs, settings: &Settings, measured: Option<Measured>) -> anyhow::Result<Work> {
    let seen = measured.filter(|seen| seen.seconds > 0.0);
    let candles_per_second = match (args.candles_per_second, seen) {
        (Some(given), _) => given,
        (None, Some(seen)) => seen.candles / seen.seconds,
        (None, None) => anyhow::bail!(
            "nothing was measured here yet: run some backtests, or give --candles-per-second"
        ),
    };
    anyhow::ensure!(
        candles_per_second > 0.0,
        "--candles-per-second: found {candles_per_second}, allowed above 0"
    );
    let of_workers = measured
        .filter(|seen| seen.workers > 0 && seen.slots > 0)
        .map(|seen| seen.slots as f64 / seen.workers as f64);
    let slots = args.slots.map(f64::from).or(of_workers);
    anyhow::ensure!(args.slots != Some(0), "--slots: found 0, allowed at least 1");
    Ok(Work {
        jobs: args.users as f64 * args.backtests as f64,
        candles_each: args.candles as f64,
        candles_per_second,
        slots: slots.unwrap_or(settings.worker.slot_count() as f64),
        rate: settings.pipes.pending_job.rate_per_second,
    })
}

/// A time as people say it.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..=119 => format!("{:.1} s", time.as_secs_f64()),
        120..=7_199 => format!("{:.0} min", time.as_secs_f64() / 60.0),
        7_200..=172_799 => format!("{:.1} h", time.as_secs_f64() / 3_600.0),
        _ => format!("{:.1} days", time.as_secs_f64() / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: Work = Work {
        jobs: 1_000.0,
        candles_each: 10_000.0,
        candles_per_second: 50_000.0,
        slots: 2.0,
        rate: None,
    };

    #[test]
    fn time_falls_with_replicas_and_the_rate_is_a_floor() {
        assert_eq!(WORK.takes(1.0), Duration::from_secs(100));
        assert_eq!(WORK.takes(4.0), Duration::from_secs(25));
        let rated = Work { rate: Some(20.0), ..WORK };
        assert_eq!(rated.takes(4.0), Duration::from_secs(50));
    }

    #[test]
    fn replicas_are_rounded_up_and_none_beats_a_rate() {
        assert_eq!(WORK.replicas_within(Duration::from_secs(30)), Some(4.0));
        assert_eq!(WORK.replicas_within(Duration::from_secs(1_000)), Some(1.0));
        let rated = Work { rate: Some(20.0), ..WORK };
        assert_eq!(rated.replicas_within(Duration::from_secs(30)), None);
    }

    #[test]
    fn times_are_said_in_the_unit_that_fits() {
        let said = [1.5, 600.0, 36_000.0, 864_000.0]
            .map(|seconds| in_words(Duration::from_secs_f64(seconds)));
        assert_eq!(said, ["1.5 s", "10 min", "10.0 h", "10.0 days"]);
    }
}
