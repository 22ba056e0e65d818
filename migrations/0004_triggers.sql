-- What happens at a user's INSERT. The functions run as their owner: users need no rights on the
-- daemon's tables.

create function sluicegate.notify_wake(pipe text) returns void
language sql set search_path = sluicegate, pg_temp as
$$ select pg_notify('sluicegate_wake', pipe) $$;
comment on function sluicegate.notify_wake is 'For the daemon: tells idle processes that there is something for this pipe.';

-- Statement level: one row or a million cost one call. Lanes are only inserted, never updated, here:
-- an update would hold a lane's lock for as long as the user's transaction stays open.
create function sluicegate.enqueue_jobs() returns trigger
language plpgsql security definer set search_path = sluicegate, pg_temp as $$
begin
    -- The expander has moved the bundle's cursor in the same statement. Anybody else's job would be
    -- counted in a bundle that does not know it.
    if exists (select from new_jobs j left join bundles b on b.id = j.bundle_id
                where j.bundle_id is not null
                  and (b.cancelled_at is null and j.seq < b.expanded and j.user_id = b.user_id)
                      is not true) then
        raise exception 'bundle_id and seq are set by the daemon: leave them out, or insert a bundle';
    end if;

    -- Whoever is paused stays so in every lane to come.
    insert into lanes (user_id, kind, priority, paused)
    select distinct j.user_id, j.kind, j.priority,
           exists (select from lanes p where p.user_id = j.user_id and p.paused)
      from new_jobs j
     where not exists (select from lanes l
                        where (l.user_id, l.kind, l.priority) = (j.user_id, j.kind, j.priority))
     order by 1, 2, 3
        on conflict do nothing;

    with queued as (
        insert into queue (job_id, lane_id, bundle_id, run_at, max_failures, state)
        select j.id, l.lane_id, j.bundle_id,
               case when b.paused then 'infinity' else j.run_at end, j.max_failures,
               case when j.run_at <= clock_timestamp() and b.paused is not true then 0 else 2 end
          from new_jobs j
          join lanes l on (l.user_id, l.kind, l.priority) = (j.user_id, j.kind, j.priority)
          left join bundles b on b.id = j.bundle_id
        returning lane_id, job_id, state)
    insert into lane_deltas (lane_id, released, low_id, jobs, delayed)
    select lane_id, 0, min(job_id) filter (where state = 0), count(*), count(*) filter (where state = 2)
      from queued group by lane_id;

    if exists (select from workers where idle and lease_until > clock_timestamp()) then
        perform notify_wake('pending_job');
    end if;
    return null;
end $$;
comment on function sluicegate.enqueue_jobs is 'Trigger of sluicegate.jobs: puts what was inserted into the queue.';
create trigger enqueue_jobs after insert on sluicegate.jobs
    referencing new table as new_jobs for each statement execute function sluicegate.enqueue_jobs();

create function sluicegate.forbid_job_update() returns trigger
language plpgsql set search_path = sluicegate, pg_temp as $$
begin
    raise exception 'sluicegate.jobs is never updated: insert a new job, or a command';
end $$;
comment on function sluicegate.forbid_job_update is 'Trigger of sluicegate.jobs: refuses every UPDATE.';
create trigger forbid_job_update before update on sluicegate.jobs
    for each statement execute function sluicegate.forbid_job_update();

create function sluicegate.wake_pipe() returns trigger
language plpgsql security definer set search_path = sluicegate, pg_temp as $$
begin
    perform notify_wake(tg_argv[0]);
    return null;
end $$;
comment on function sluicegate.wake_pipe is 'Trigger of sluicegate.bundles and sluicegate.commands: wakes the pipe that reads them.';
create trigger wake_bundle_expansion after insert on sluicegate.bundles
    for each statement execute function sluicegate.wake_pipe('bundle_expansion');
create trigger wake_command after insert on sluicegate.commands
    for each statement execute function sluicegate.wake_pipe('command');
