-- A job as it was asked for, and what is stored of its run.
select j.kind, j.spec::text as spec,
       (select s.status from sluicegate.job_status s where s.id = j.id) as status,
       r.ticker, r.timeframe, (extract(epoch from r.from_time) * 1000)::bigint as from_ms,
       (extract(epoch from r.until_time) * 1000)::bigint as until_ms, r.scenario::text as scenario,
       r.money_management::text as money_management, r.candle_digest, r.result_digest,
       coalesce(r.variant_digest, '') as variant_digest, r.engine_version, r.metrics_version
  from sluicegate.jobs j left join sluicegate.results r on r.job_id = j.id
 where j.id = $1
