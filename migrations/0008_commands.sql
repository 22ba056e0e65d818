-- What users order besides a cancel. Each call takes at most job_limit jobs, adds them to the command
-- and answers how many it found: zero means that the command has taken effect. Several daemons may be
-- applying one command. Claims are kept out meanwhile: jobs change lanes or leave them. Plans are made
-- for the command at hand, which names one job, a bundle or neither: one for all would read all jobs.

-- The jobs of the command's user that it names: one, a bundle's, or all there were when it was given.
create function sluicegate.reaches(c sluicegate.commands, j sluicegate.jobs) returns boolean
language sql stable as $$
    select j.user_id = c.user_id and (c.job_id is null or j.id = c.job_id)
           and (c.bundle_id is null or j.bundle_id = c.bundle_id)
           and (c.bundle_id is not null or c.job_id is not null or j.created_at < c.created_at)
$$;
comment on function sluicegate.reaches is 'Whether a command reaches a job.';

-- Nothing more starts; what is claimed goes on. A user is paused by lanes, the ones to come included;
-- a bundle or a job by a time that never comes.
create function sluicegate.pause_jobs(which bigint, job_limit int) returns int
language plpgsql volatile set search_path = sluicegate, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    c commands;
    found_jobs bigint[];
begin
    select * into c from commands where id = which and applied_at is null for update;
    if not found then
        return 0;
    end if;
    if c.bundle_id is null and c.job_id is null then
        insert into lanes (user_id, kind, priority, paused) values (c.user_id, 'backtest', 0, true)
            on conflict do nothing;
        perform pg_advisory_xact_lock('lanes'::regclass::oid::int, 0);
        update lanes l set paused = true where l.user_id = c.user_id and not l.paused;
        return 0;
    end if;
    perform pg_advisory_xact_lock('lanes'::regclass::oid::int, 0);
    update bundles b set paused = true
     where b.id = c.bundle_id and b.user_id = c.user_id and not b.paused
       and b.status in ('pending', 'expanding', 'running');
    with chosen as materialized (
        select q.job_id, q.state from jobs j join queue q on q.job_id = j.id
         where reaches(c, j) and q.state + 0 in (0, 2) and q.run_at < 'infinity'
         order by q.job_id limit job_limit for update of q),
    stopped as (
        update queue q set state = 2, run_at = 'infinity'
         where q.job_id = any (array(select h.job_id from chosen h))
        returning q.job_id, q.lane_id),
    lane_news as (
        insert into lane_deltas (lane_id, released, delayed)
        select s.lane_id, 0, count(*) from stopped s join chosen h on h.job_id = s.job_id
         where h.state = 0 group by s.lane_id)
    select array_agg(s.job_id) into found_jobs from stopped s;
    update commands set affected = affected + cardinality(found_jobs)
     where id = which and found_jobs is not null;
    return coalesce(cardinality(found_jobs), 0);
end $$;
comment on function sluicegate.pause_jobs is 'For the daemon: applies a pause. Users call sluicegate.pause.';

-- Goes on with what was paused, with everything of the user where the command names nothing. A lane
-- that was paused starts where the least-served one is: it has saved up nothing.
create function sluicegate.resume_jobs(which bigint, job_limit int) returns int
language plpgsql volatile set search_path = sluicegate, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    c commands;
    found_jobs bigint[];
begin
    select * into c from commands where id = which and applied_at is null for update;
    if not found then
        return 0;
    end if;
    perform pg_advisory_xact_lock('lanes'::regclass::oid::int, 0);
    if c.bundle_id is null and c.job_id is null then
        update lanes l
           set paused = false,
               vtime = greatest(l.vtime, coalesce(
                   (select min(a.vtime) from lanes a
                     where a.has_ready and not a.paused and a.running < a.running_max
                       and a.priority = l.priority), l.vtime))
         where l.user_id = c.user_id and l.paused;
    end if;
    update bundles b
       set paused = false, speed_from_at = clock_timestamp(), speed_next_at = clock_timestamp(),
           speed_from_ended = b.completed + b.failed + b.cancelled,
           speed_next_ended = b.completed + b.failed + b.cancelled
     where b.user_id = c.user_id and b.paused and c.job_id is null
       and (c.bundle_id is null or b.id = c.bundle_id);
    with chosen as materialized (
        select q.job_id, j.run_at from jobs j join queue q on q.job_id = j.id
         where reaches(c, j) and q.state + 0 = 2 and q.run_at = 'infinity' and j.run_at < 'infinity'
         order by q.job_id limit job_limit for update of q),
    freed as (
        update queue q
           set run_at = h.run_at, state = case when h.run_at <= clock_timestamp() then 0 else 2 end
          from chosen h
         where q.job_id = h.job_id
        returning q.job_id, q.lane_id, q.state),
    lane_news as (
        insert into lane_deltas (lane_id, released, low_id, delayed)
        select f.lane_id, 0, min(f.job_id), - count(*) from freed f where f.state = 0 group by f.lane_id)
    select array_agg(f.job_id) into found_jobs from freed f;
    update commands set affected = affected + cardinality(found_jobs)
     where id = which and found_jobs is not null;
    perform notify_wake('pending_job');
    return coalesce(cardinality(found_jobs), 0);
end $$;
comment on function sluicegate.resume_jobs is 'For the daemon: applies a resume. Users call sluicegate.resume.';

-- Lanes of the user for the kinds of these jobs, at this priority. It waits for a transaction of the
-- user's that is about to insert the same one, so it is called before claims are kept out.
create function sluicegate.make_lanes(job_ids bigint[], at_priority int) returns void
language sql volatile set search_path = sluicegate, pg_temp as $$
    insert into lanes (user_id, kind, priority, paused)
    select distinct j.user_id, j.kind, at_priority,
           exists (select from lanes p where p.user_id = j.user_id and p.paused)
      from jobs j where j.id = any (job_ids)
        on conflict do nothing
$$;
comment on function sluicegate.make_lanes is 'For the daemon: lanes for these jobs at another priority.';

-- Moves what is not claimed to the lanes of another priority; what is claimed keeps its place.
create function sluicegate.move_jobs(which bigint, new_priority int, job_limit int) returns int
language plpgsql volatile set search_path = sluicegate, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    c commands;
    found_jobs bigint[];
begin
    select * into c from commands where id = which and applied_at is null for update;
    if not found or (c.bundle_id is null and c.job_id is null) then
        return 0;
    end if;
    update bundles b set priority = new_priority
     where b.id = c.bundle_id and b.user_id = c.user_id and b.priority <> new_priority
       and b.status in ('pending', 'expanding', 'running');
    found_jobs := array(
        select q.job_id from jobs j join queue q on q.job_id = j.id
          join lanes l on l.lane_id = q.lane_id
         where reaches(c, j) and q.state + 0 in (0, 2) and l.priority <> new_priority
         order by q.job_id limit job_limit);
    if cardinality(found_jobs) = 0 then
        return 0;
    end if;
    perform make_lanes(found_jobs, new_priority);
    perform pg_advisory_xact_lock('lanes'::regclass::oid::int, 0);
    with before as materialized (
        select q.job_id, q.lane_id from queue q where q.job_id = any (found_jobs)),
    moved as (
        update queue q set lane_id = l.lane_id
          from jobs j join lanes l on (l.user_id, l.kind, l.priority) = (j.user_id, j.kind, new_priority)
         where q.job_id = any (found_jobs) and j.id = q.job_id and q.state + 0 in (0, 2)
        returning q.job_id, q.lane_id, q.state)
    insert into lane_deltas (lane_id, released, low_id, jobs, delayed)
    select m.lane_id, 0, min(m.job_id) filter (where m.state = 0), count(*),
           count(*) filter (where m.state = 2)
      from moved m group by m.lane_id
    union all
    select b.lane_id, 0, null, - count(*), - count(*) filter (where m.state = 2)
      from before b join moved m on m.job_id = b.job_id group by b.lane_id;
    update commands set affected = affected + cardinality(found_jobs) where id = which;
    perform notify_wake('pending_job');
    return cardinality(found_jobs);
end $$;
comment on function sluicegate.move_jobs is 'For the daemon: applies a reprioritise. Users call sluicegate.reprioritise.';

-- Whether a bundle that has ended cannot be opened again: another open one has its dedupe_key.
create function sluicegate.dedupe_key_taken(which uuid) returns boolean
language sql stable set search_path = sluicegate, pg_temp as $$
    select exists (select from bundles b join bundles o
                       on (o.user_id, o.dedupe_key) = (b.user_id, b.dedupe_key) and o.id <> b.id
                    where b.id = which and o.status in ('pending', 'expanding', 'running')
                      and b.status not in ('pending', 'expanding', 'running'))
$$;
comment on function sluicegate.dedupe_key_taken is 'For the daemon: whether another open bundle has the dedupe_key of this ended one.';

-- Opens a new generation of jobs that failed or were cancelled: their outcome becomes an attempt, and
-- they wait again under a higher fence. Their bundle is open again, if it had ended. Its counts are
-- changed under the lock that closing it takes, so that it cannot close in between.
create function sluicegate.retry_jobs(which bigint, job_limit int) returns int
language plpgsql volatile set search_path = sluicegate, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    c commands;
    found_jobs bigint[];
    of_bundle uuid;
begin
    select * into c from commands where id = which and applied_at is null for update;
    if not found or (c.bundle_id is null and c.job_id is null) then
        return 0;
    end if;
    of_bundle := coalesce(c.bundle_id, (select j.bundle_id from jobs j where j.id = c.job_id));
    perform from bundles b where b.id = of_bundle for no key update;
    if of_bundle is not null then
        if dedupe_key_taken(of_bundle) then
            return 0;
        end if;
        perform fold_bundle(of_bundle);
    end if;
    found_jobs := array(
        select o.job_id from jobs j join outcomes o on o.job_id = j.id
         where reaches(c, j) and o.status <> 1 and o.ended_at < c.created_at
         order by o.job_id limit job_limit);
    if cardinality(found_jobs) = 0 then
        return 0;
    end if;
    perform make_lanes(found_jobs, coalesce((select b.priority from bundles b where b.id = of_bundle),
                                            (select j.priority from jobs j where j.id = c.job_id)));
    perform pg_advisory_xact_lock('lanes'::regclass::oid::int, 0);
    with gone as (
        delete from outcomes o where o.job_id = any (found_jobs) returning o.*),
    kept as (
        insert into failed_attempts (job_id, attempt, worker, ended_at, error_class, error)
        select g.job_id, g.attempt, g.worker, g.ended_at, coalesce(g.error_class, 'cancelled'),
               coalesce(g.error, 'cancelled')
          from gone g
            on conflict do nothing),
    waiting as (
        insert into queue (job_id, lane_id, bundle_id, fence, run_at, attempt, max_failures, state)
        select j.id, l.lane_id, j.bundle_id, g.fence + 1, clock_timestamp(), g.attempt,
               j.max_failures, 0
          from gone g join jobs j on j.id = g.job_id left join bundles b on b.id = j.bundle_id
          join lanes l on (l.user_id, l.kind, l.priority)
                        = (j.user_id, j.kind, coalesce(b.priority, j.priority))
        returning job_id, lane_id),
    lane_news as (
        insert into lane_deltas (lane_id, released, low_id, jobs)
        select w.lane_id, 0, min(w.job_id), count(*) from waiting w group by w.lane_id),
    counts as (
        select count(*) filter (where g.status = 2) as failed,
               count(*) filter (where g.status = 3) as cancelled from gone g)
    update bundles b
       set failed = b.failed - n.failed, cancelled = b.cancelled - n.cancelled, closings = 0,
           status = case when b.status = 'expanding' then b.status else 'running' end, error = null,
           finished_at = null, cancelled_at = null, paused = false,
           speed_from_at = clock_timestamp(), speed_next_at = clock_timestamp(),
           speed_from_ended = b.completed + b.failed + b.cancelled - n.failed - n.cancelled,
           speed_next_ended = b.completed + b.failed + b.cancelled - n.failed - n.cancelled,
           progress = 100.0 * (b.completed + b.failed + b.cancelled - n.failed - n.cancelled) / b.total
      from counts n
     where b.id = of_bundle and b.status in ('expanding', 'running', 'completed', 'failed', 'cancelled');
    update commands set affected = affected + cardinality(found_jobs) where id = which;
    perform notify_wake('pending_job');
    return cardinality(found_jobs);
end $$;
comment on function sluicegate.retry_jobs is 'For the daemon: applies a retry. Users call sluicegate.retry.';
