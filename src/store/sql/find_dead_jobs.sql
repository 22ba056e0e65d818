select q.job_id, q.fence,
       case when w.id is null or w.dead_at is not null or w.stopped_at is not null then 0
            when q.deadline < clock_timestamp() then 1 else 2 end as death,
       coalesce(case when q.deadline < clock_timestamp()
                     then (extract(epoch from q.deadline - q.started_at) * 1000)::bigint
                     else p.stall_ms end, 0) as limit_ms
  from sluicegate.queue q
  left join sluicegate.workers w on w.id = q.worker
  left join sluicegate.progress p on p.job_id = q.job_id and p.fence = q.fence
 where q.state = 1
   and (w.id is null or w.dead_at is not null or w.stopped_at is not null
        or q.deadline < clock_timestamp()
        or p.updated_at < clock_timestamp() - p.stall_ms * interval '1 millisecond')
 order by q.job_id
 limit $1
