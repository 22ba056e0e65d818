-- Whole results in the order asked for, without their daily returns.
select (to_jsonb(r) - 'daily_returns' || jsonb_build_object('rank', $2 + u.place, 'seq', j.seq))::text
           as result
  from unnest($1::bigint[]) with ordinality u (job_id, place)
  join sluicegate.results r on r.job_id = u.job_id
  left join sluicegate.jobs j on j.id = r.job_id
 order by u.place
