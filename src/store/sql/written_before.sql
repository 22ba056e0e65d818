-- Which of these ends are in the table already under the same fence: the reply to a commit got lost.
select o.job_id
  from unnest($1::bigint[], $2::bigint[]) as g (job_id, fence)
  join sluicegate.outcomes o on o.job_id = g.job_id and o.fence = g.fence
