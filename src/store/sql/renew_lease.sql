-- The look: renews the lease, tells the worker's figures now and then, says which held claims are lost, releases what is claimed in the
-- worker's name without being held (the reply to a claim got lost), whether commands wait, and what
-- commands say of limits; and whether anybody claims or is silent, without which nobody need look for the
-- dead. Claims not held are looked for among all that is claimed, so not every time.
with me as (
    update sluicegate.workers
       set renewed_at = clock_timestamp(),
           lease_until = clock_timestamp() + $2 * interval '1 millisecond',
           waits_for = $6, pace = $7, slowed_by = $8
     where id = $1 and dead_at is null and stopped_at is null
    returning id),
told as (
    insert into sluicegate.worker_figures (worker, figures)
    select me.id, $10::text::jsonb from me where $10::text is not null
        on conflict (worker) do update set figures = excluded.figures, told_at = excluded.told_at),
held as materialized (
    select * from unnest($3::bigint[], $4::bigint[]) as h (job_id, fence)),
orphans as materialized (
    select q.job_id, q.fence from sluicegate.claimed_jobs(null) q
     where $5::bigint is not null and q.worker = $1
       and q.claimed_at < clock_timestamp() - $5 * interval '1 millisecond'
       and not exists (select from held h where (h.job_id, h.fence) = (q.job_id, q.fence))),
-- By primary key: a join with what is held would read all that waits.
standing as materialized (
    select q.job_id, q.fence from sluicegate.queue q
     where q.job_id = any ($3::bigint[]) and q.worker = $1),
ordered as materialized (
    select * from sluicegate.limits where scope = 'pipe' and set_by = 'command'),
lost as (
    select h.job_id, h.fence from held h
     where not exists (select from standing s where (s.job_id, s.fence) = (h.job_id, h.fence)))
select exists (select from me) as alive,
       coalesce((select array_agg(l.job_id) from lost l), '{}') as lost_ids,
       coalesce((select array_agg(l.fence) from lost l), '{}') as lost_fences,
       coalesce((select array_agg(o.name order by o.name) from ordered o), '{}') as limited_pipes,
       coalesce((select array_agg(o.rate_per_second order by o.name) from ordered o), '{}') as pipe_rates,
       coalesce((select array_agg(o.in_flight_max order by o.name) from ordered o), '{}') as pipe_caps,
       exists (select from sluicegate.limits where scope <> 'pipe') as limits_jobs,
       exists (select from sluicegate.commands where applied_at is null) as commands_wait,
       exists (select from sluicegate.bundles
                where status in ('pending', 'expanding') and status = 'pending'
                  and run_at <= clock_timestamp()) as bundles_wait,
       exists (select from sluicegate.lanes where running > 0) as claims_stand,
       exists (select from sluicegate.workers w
                where w.id <> $1 and w.dead_at is null and w.stopped_at is null
                  and w.renewed_at < clock_timestamp() - $9 * interval '1 millisecond') as others_are_silent,
       cardinality(coalesce((select sluicegate.release_jobs(array_agg(o.job_id), array_agg(o.fence))
                               from orphans o having count(*) > 0), '{}')) as orphans
