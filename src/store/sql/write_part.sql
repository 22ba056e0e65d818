-- A part's own row; nothing is written for a run that lost its claim.
insert into sluicegate.job_parts (job_id, attempt, part, progress, output)
select q.job_id, q.attempt, $3, $4, $5::text::jsonb from sluicegate.queue q
 where q.job_id = $1 and q.fence = $2 and q.state = 1
    on conflict (job_id, attempt, part) do update
   set progress = excluded.progress, output = excluded.output, updated_at = clock_timestamp()
