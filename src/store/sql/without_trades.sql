-- Why variants of a bundle never traded, and why others have no result: how many by reason.
select 'zero_trades' as what,
       case when coalesce((r.metrics ->> 'rejected_entries')::float8, 0) > 0
            then coalesce((select e.key from jsonb_each_text(r.metrics -> 'rejections') e
                            order by e.value::float8 desc, e.key limit 1), 'entries_rejected')
            when coalesce((r.candle_report ->> 'warmup_missing')::float8, 0) > 0
            then 'no_signals_and_too_little_warmup'
            else 'no_signals' end as reason,
       count(*) as variants
  from sluicegate.results r where r.bundle_id = $1 and r.trade_count = 0 group by 2
union all
select case o.status when 2 then 'failed' else 'cancelled' end,
       coalesce(o.error_class, 'cancelled'), count(*)
  from sluicegate.jobs j join sluicegate.outcomes o on o.job_id = j.id
 where j.bundle_id = $1 and o.status <> 1 group by 1, 2
 order by 1, 3 desc, 2
