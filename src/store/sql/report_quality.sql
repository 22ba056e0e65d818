-- The markets and times of a bundle, and what was found of their candles: in the report of the first
-- result of each, but for the warm-up, which is what most was missing of. The one of the best variant
-- comes first.
with markets as (
    select r.ticker, r.timeframe, r.from_time, r.until_time, count(*) as variants,
           min(r.job_id) as job_id, max(r.sharpe) as sharpe,
           max((r.candle_report ->> 'warmup_missing')::float8) as warmup_missing, count(*) over () as markets
      from sluicegate.results r where r.bundle_id = $1 group by 1, 2, 3, 4)
select m.ticker, m.timeframe, m.from_time, m.until_time, m.variants, m.markets, r.candles,
       jsonb_set(r.candle_report, '{warmup_missing}', to_jsonb(coalesce(m.warmup_missing, 0)::bigint))::text
           as candle_report
  from markets m join sluicegate.results r on r.job_id = m.job_id
 order by m.sharpe desc nulls last, m.job_id limit $2
