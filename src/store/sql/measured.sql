-- How fast backtests were: the latest ones that computed anything; and who works.
with latest as (
    select r.candles, r.run_ms from sluicegate.results r order by r.job_id desc limit 20000),
live as (
    select w.slots from sluicegate.workers w
     where w.lease_until > clock_timestamp() and w.dead_at is null and w.stopped_at is null)
select (select count(*) from latest where run_ms > 0) as backtests,
       (select coalesce(sum(candles), 0)::double precision from latest where run_ms > 0) as candles,
       (select coalesce(sum(run_ms), 0)::double precision / 1000 from latest where run_ms > 0) as seconds,
       (select count(*) from live) as workers, (select coalesce(sum(slots), 0) from live)::bigint as slots
