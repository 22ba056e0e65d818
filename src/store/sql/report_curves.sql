-- What the best variants are drawn from; trades and checks of the first one only.
select r.job_id, j.spec::text as spec, coalesce(r.equity, 'null')::text as equity, r.daily_returns,
       r.candle_digest, r.metrics::text as metrics,
       case when u.place = 1 then r.trades::text end as trades,
       coalesce(case when u.place = 1 then r.validation end, 'null')::text as validation
  from unnest($1::bigint[]) with ordinality u (job_id, place)
  join sluicegate.results r on r.job_id = u.job_id
  join sluicegate.jobs j on j.id = r.job_id
 order by u.place
