//! Relations between settings, checked at start.

use std::num::NonZeroUsize;

use super::{CandleSourceName, Settings};
use crate::traces::Address;

/// Most starts per second that can be set.
const RATE_MAX: f64 = 1e6;

impl Settings {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// The first key that cannot be, with what was found and what is allowed.
    pub fn validate(&self) -> Result<(), String> {
        for (name, pipe) in self.pipes.by_name() {
            let key = |key: &str| format!("pipes.{name}.{key}");
            check_rate(pipe.rate_per_second, &key("rate_per_second"))?;
            check_rate(pipe.claims_per_second, &key("claims_per_second"))?;
            at_most(pipe.capacity, 100_000, &key("capacity"))?;
            at_most(pipe.in_flight_max, 100_000, &key("in_flight_max"))?;
        }
        for (name, batch) in [
            ("dead_job_canceller", self.pipes.dead_job_canceller.batch()),
            ("outcome", self.pipes.outcome.batch()),
            ("progress", self.pipes.progress.batch()),
        ] {
            at_most(batch.batch_max, 10_000, &format!("pipes.{name}.batch_max"))?;
        }
        let bytes = self.pipes.outcome.batch_mb_max;
        at_most(bytes, 256, "pipes.outcome.batch_mb_max")?;
        self.validate_worker()?;
        self.validate_guard()?;
        self.validate_database()?;
        self.validate_candles()?;
        let outcome = &self.pipes.outcome;
        check(
            (1..=outcome.retry_max_ms).contains(&outcome.retry_base_ms),
            "pipes.outcome.retry_base_ms",
            outcome.retry_base_ms,
            "1 to pipes.outcome.retry_max_ms",
        )?;
        let crashes_max = self.pipes.dead_job_canceller.crashes_max;
        let key = "pipes.dead_job_canceller.crashes_max";
        check((1..=1_000).contains(&crashes_max), key, crashes_max, "1 to 1000")?;
        let max_jobs = self.bundles.max_jobs;
        check((1..=1_000_000).contains(&max_jobs), "bundles.max_jobs", max_jobs, "1 to 1000000")?;
        let batch = self.bundles.expansion_batch_jobs;
        check((1..=10_000).contains(&batch), "bundles.expansion_batch_jobs", batch, "1 to 10000")?;
        let hold = self.bundles.expansion_hold_ms;
        check(hold >= 100, "bundles.expansion_hold_ms", hold, "at least 100")?;
        let hold = self.bundles.closing_hold_ms;
        check(hold >= 100, "bundles.closing_hold_ms", hold, "at least 100")?;
        let returns = self.bundles.returns_mb_max;
        check((1..=65_536).contains(&returns), "bundles.returns_mb_max", returns, "1 to 65536")?;
        for (key, limit) in [
            ("kinds.backtest.timeout_ms", self.kinds.backtest.timeout_ms),
            ("kinds.backtest.stall_ms", self.kinds.backtest.stall_ms),
            ("kinds.walk_forward.timeout_ms", self.kinds.walk_forward.timeout_ms),
            ("kinds.walk_forward.stall_ms", self.kinds.walk_forward.stall_ms),
            ("kinds.sleep.timeout_ms", self.kinds.sleep.timeout_ms),
        ] {
            check(limit >= 100, key, limit, "at least 100")?;
        }
        self.validate_limits()?;
        self.validate_operation()?;
        let stuck = self.http.stuck_ms;
        let silent = self.database.statement_timeout_ms + self.database.acquire_timeout_ms;
        let allowed =
            format!("above database.statement_timeout_ms and acquire_timeout_ms, {silent}");
        check(stuck > silent, "http.stuck_ms", stuck, &allowed)?;
        let filter = &self.log.filter;
        let readable = tracing_subscriber::EnvFilter::try_new(filter).is_ok();
        check(readable, "log.filter", filter, "as in \"info,sluicegate::pipeline=debug\"")?;
        let slice = self.kinds.backtest.slice_candles;
        check(slice >= 1_000, "kinds.backtest.slice_candles", slice, "at least 1000")
    }

    fn validate_operation(&self) -> Result<(), String> {
        let check_ms = self.reload.check_interval_ms;
        let allowed = "0 for SIGHUP only, or 100 to 3600000";
        let holds = check_ms == 0 || (100..=3_600_000).contains(&check_ms);
        check(holds, "reload.check_interval_ms", check_ms, allowed)?;
        let (pages, listen) = (self.http.pages, &self.http.listen);
        let allowed = "false while http.listen is empty";
        check(!pages || !listen.is_empty(), "http.pages", pages, allowed)?;
        let figures = self.worker.figures_ms;
        let allowed = "0 for never, or 100 to 3600000";
        let holds = figures == 0 || (100..=3_600_000).contains(&figures);
        check(holds, "worker.figures_ms", figures, allowed)?;
        let traces = &self.traces;
        if !traces.endpoint.is_empty() {
            Address::read(&traces.endpoint).map_err(|what| format!("traces.endpoint: {what}"))?;
        }
        let told = self.events.per_second_max;
        check((1..=100).contains(&told), "events.per_second_max", told, "1 to 100")?;
        let sample = traces.sample;
        check((0.0..=1.0).contains(&sample), "traces.sample", sample, "0 to 1")?;
        let kept = &self.retention;
        let batch = kept.batch_max;
        check((1..=10_000).contains(&batch), "retention.batch_max", batch, "1 to 10000")?;
        let (jobs, results, bundles) = (kept.jobs_days, kept.results_days, kept.bundles_days);
        let allowed = format!("0, or at most retention.jobs_days, {jobs}");
        let holds = results == 0 || jobs == 0 || results <= jobs;
        check(holds, "retention.results_days", results, &allowed)?;
        let allowed = format!("0, or at least retention.jobs_days ({jobs}), which must not be 0");
        let holds = bundles == 0 || (jobs > 0 && bundles >= jobs);
        check(holds, "retention.bundles_days", bundles, &allowed)
    }

    fn validate_limits(&self) -> Result<(), String> {
        for limit in self.limits() {
            let section = if limit.scope == "user" {
                "users".to_owned()
            } else {
                format!("{}s.{}", limit.scope, limit.name)
            };
            check_rate(limit.rate_per_second, &format!("{section}.rate_per_second"))?;
            let cap = limit.in_flight_max;
            let allowed = "1 to 1000000, or left out for no limit";
            let holds = cap.is_none_or(|cap| (1..=1_000_000).contains(&cap));
            check(holds, &format!("{section}.in_flight_max"), cap.unwrap_or_default(), allowed)?;
        }
        Ok(())
    }

    fn validate_candles(&self) -> Result<(), String> {
        let candles = &self.candles;
        // Without an address it is not used.
        if candles.source == CandleSourceName::Influx || !candles.influx.url.is_empty() {
            candles.influx.validate().map_err(|error| format!("candles.influx.{error}"))?;
        }
        let memory = candles.cache_mb_max;
        check((1..=1_048_576).contains(&memory), "candles.cache_mb_max", memory, "1 to 1048576")?;
        let disk = candles.disk.mb_max;
        let allowed = "1 to 1048576; without a cache on disk, candles.disk.dir is empty";
        check((1..=1_048_576).contains(&disk), "candles.disk.mb_max", disk, allowed)?;
        let days = candles.cache_days_max;
        check((1..=3_650).contains(&days), "candles.cache_days_max", days, "1 to 3650")?;
        let kept_ms = u64::from(days) * 86_400_000;
        for (key, value) in
            [("candles.fresh_ms", candles.fresh_ms), ("candles.settle_ms", candles.settle_ms)]
        {
            let allowed = format!("at most candles.cache_days_max, {kept_ms}");
            check(value <= kept_ms, key, value, &allowed)?;
        }
        Ok(())
    }

    fn validate_worker(&self) -> Result<(), String> {
        let worker = &self.worker;
        let (lease, renew) = (worker.lease_ms, worker.lease_renew_ms);
        check(renew >= 50, "worker.lease_renew_ms", renew, "at least 50")?;
        let allowed = format!("at least 3 times worker.lease_renew_ms, {}", renew * 3);
        check(lease >= renew * 3, "worker.lease_ms", lease, &allowed)?;
        let silence = self.pipes.dead_job_canceller.silence_ms;
        let key = "pipes.dead_job_canceller.silence_ms";
        let allowed = format!("worker.lease_renew_ms ({renew}) to worker.lease_ms ({lease})");
        check((renew..=lease).contains(&silence), key, silence, &allowed)?;
        let orphan = worker.orphan_after_ms;
        let acquire = self.database.acquire_timeout_ms;
        let allowed = format!("at least 2 times database.acquire_timeout_ms, {}", acquire * 2);
        check(orphan >= acquire * 2, "worker.orphan_after_ms", orphan, &allowed)?;
        let (every, kb_max) = (worker.checkpoint_after_ms, worker.checkpoint_kb_max);
        check(every >= 100, "worker.checkpoint_after_ms", every, "at least 100")?;
        let in_range = (1..=65_536).contains(&kb_max);
        check(in_range, "worker.checkpoint_kb_max", kb_max, "1 to 65536")?;
        check(worker.slots <= 1_024, "worker.slots", worker.slots, "0 to 1024")
    }

    fn validate_guard(&self) -> Result<(), String> {
        let guard = &self.guard;
        check((1.1..=100.0).contains(&guard.target), "guard.target", guard.target, "1.1 to 100")?;
        check(
            (0.0..=100.0).contains(&guard.fair_use),
            "guard.fair_use",
            guard.fair_use,
            "0 to 100",
        )?;
        let slowest = guard.pace_min;
        check((0.01..=1.0).contains(&slowest), "guard.pace_min", slowest, "0.01 to 1")
    }

    fn validate_database(&self) -> Result<(), String> {
        let acquire = self.database.acquire_timeout_ms;
        let key = "database.acquire_timeout_ms";
        check((100..=60_000).contains(&acquire), key, acquire, "100 to 60000")?;
        let connections = self.database.max_connections;
        let allowed = "3 to 1000: claims, outcomes and the lease must not wait for each other";
        check((3..=1_000).contains(&connections), "database.max_connections", connections, allowed)
    }
}

fn check_rate(rate: Option<f64>, key: &str) -> Result<(), String> {
    let holds = rate.is_none_or(|rate| rate > 0.0 && rate <= RATE_MAX);
    let allowed = "above 0, at most 1000000, or left out for no limit";
    check(holds, key, rate.unwrap_or_default(), allowed)
}

fn at_most(value: NonZeroUsize, most: usize, key: &str) -> Result<(), String> {
    check(value.get() <= most, key, value, &format!("1 to {most}"))
}

fn check(
    holds: bool,
    key: &str,
    found: impl std::fmt::Display,
    allowed: &str,
) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{key}: found {found}, allowed {allowed}")) }
}
