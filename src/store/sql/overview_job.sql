-- One job, why it waits, and its result where it has one; of long lists their beginning.
select s.id, s.bundle_id, s.user_id, s.kind, s.status, s.priority, s.progress, s.attempt, s.failures,
       s.worker, left(s.error, 2000) as error, left(s.output::text, 10000) as output,
       (select left(j.spec::text, 10000) from sluicegate.jobs j where j.id = s.id) as spec,
       case when s.status = 'pending'
            then (select w.reason from sluicegate.why_waiting w where w.job_id = s.id) end as waits_for,
       array[to_char(s.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
             to_char(s.queued_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
             to_char(s.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
             to_char(s.finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
             to_char(s.cancelled_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')] as times,
       r.ticker, r.timeframe, r.scenario::text as scenario, r.money_management::text as money_management,
       to_char(r.from_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as from_time,
       to_char(r.until_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as until_time,
       r.metrics::text as metrics,
       jsonb_path_query_array(r.trades, '$[0 to 499]')::text as trades,
       jsonb_array_length(r.trades) as trades_kept,
       jsonb_path_query_array(r.equity, '$[0 to 1999]')::text as equity
  from sluicegate.job_status s left join sluicegate.results r on r.job_id = s.id
 where s.id = $1
