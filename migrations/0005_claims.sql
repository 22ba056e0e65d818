-- The claim: one call of the daemon and several statements here, so that each statement sees what was
-- committed before it took its lock, and no lock outlives the call.

-- Lanes take in their news. A lane that wakes up starts at the least virtual time of the lanes that
-- may be served (or where the last one stopped), so that nobody hoards credit while idle.
-- In plpgsql, like its neighbours, because that keeps plans from call to call; plain SQL would be
-- planned at every claim.
create function sluicegate.fold_lane_deltas() returns void
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
declare
    with_news bigint[] := array(
        select distinct d.lane_id from (select n.lane_id from lane_deltas n limit 10000) d);
    spots tid[];
begin
    -- The newest version of a lane is found from behind: before it come those that vacuum may not remove
    -- while somebody holds an old snapshot.
    spots := array(
        select l.spot from unnest(with_news) as n (lane_id)
         cross join lateral (
               select v.ctid as spot from lanes v
                where v.lane_id <= n.lane_id order by v.lane_id desc limit 1 for no key update) l);
    with eaten as (
        delete from lane_deltas d
         where d.ctid = any (array(
                select n.ctid from lane_deltas n where n.lane_id = any (with_news) limit 10000))
        returning d.lane_id, d.released, d.low_id, d.jobs, d.delayed),
    sums as materialized (
        select lane_id, sum(released)::int as released, min(low_id) as low_id, sum(jobs) as jobs,
               sum(delayed) as delayed
          from eaten group by lane_id)
    update lanes l
       set running = l.running - s.released,
           jobs = l.jobs + s.jobs,
           delayed = l.delayed + s.delayed,
           low_id = least(l.low_id, s.low_id),
           has_ready = l.has_ready or s.low_id is not null,
           vtime = case when l.has_ready or s.low_id is null then l.vtime
                        else greatest(l.vtime, coalesce(
                            (select min(a.vtime) from lanes a
                              where a.has_ready and not a.paused and a.running < a.running_max
                                and a.priority = l.priority),
                            (select max(a.vtime) from lanes a where a.priority = l.priority))) end
      from sums s
     where l.ctid = any (spots) and l.lane_id + 0 = s.lane_id;
end $$;
comment on function sluicegate.fold_lane_deltas is 'For the daemon: lanes take in their news.';

-- Delayed jobs that are due become ready.
create function sluicegate.promote_delayed_jobs() returns void
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
begin
    with promoted as (
        update queue q set state = 0
         where q.job_id = any (array(
                select d.job_id from queue d
                 where d.delayed and d.run_at <= clock_timestamp()
                 order by d.run_at limit 1000 for update skip locked))
           and q.state = 2
        returning q.lane_id, q.job_id)
    insert into lane_deltas (lane_id, released, low_id, delayed)
    select lane_id, 0, min(job_id), - count(*) from promoted group by lane_id;
end $$;
comment on function sluicegate.promote_delayed_jobs is 'For the daemon: delayed jobs that are due become ready.';

-- Claims at most job_limit jobs for a worker, of them at most cpu_limit of the kinds that compute.
-- Strict priority; within one priority the least-served lanes share by weight; within a lane the
-- oldest first. One claim at a time: it takes milliseconds, it sees all that the one before did, and
-- it locks lanes round by round, in an order that two claims could not agree on. A lane's jobs are
-- found from its watermark on by a comparison that only queue_in_line can serve: by the primary key, one
-- would walk past the jobs of all other lanes, paused ones too. For the same reason plans for small
-- tables are ruled out: they are kept, and the tables grow. What was found is marked by its place in the
-- table: nobody else changes a ready job while claims are kept out. Lanes are locked and named by place
-- too: by number, one would walk past all their versions that vacuum may not remove, and `+ 0` keeps the
-- planner from it. Plans are generic: making them anew takes longer than a claim of one job.
create function sluicegate.claim_jobs(
    for_worker int, job_limit int, cpu_kinds text[], cpu_limit int)
returns table (job_id bigint, fence bigint, attempt int, kind text, spec text, timeout_s int,
               waited_ms double precision, age_ms double precision, traceparent text)
language plpgsql volatile set search_path = sluicegate, pg_temp
set enable_nestloop = off set enable_seqscan = off set enable_bitmapscan = off set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    want      int := job_limit;
    cpu_want  int := cpu_limit;
    lanes_now tid[];
    got_ids   bigint[];
    got_fences bigint[];
    got_attempts int[];
    got_waits double precision[];
    got_cpu   int;
    wants     boolean;
    all_ids   bigint[] := '{}';
    all_fences bigint[] := '{}';
    all_attempts int[] := '{}';
    all_waits double precision[] := '{}';
    limited   boolean := exists (select from limits where scope <> 'pipe');
    room_lanes bigint[];
    kind_rooms int[];
    user_rooms int[];
    full_lanes bigint[] := '{}';
    got_lanes bigint[];
    folded    boolean;
begin
    perform from workers w
      where w.id = for_worker and w.dead_at is null and not w.draining
        and w.lease_until > clock_timestamp();
    if not found then
        return;
    end if;
    perform pg_advisory_xact_lock('lanes'::regclass::oid::int, 0);
    if exists (select from queue d where d.delayed and d.run_at <= clock_timestamp()) then
        perform promote_delayed_jobs();
    end if;
    -- News that only give places back can wait: until then a lane seems fuller than it is, never emptier.
    -- Each fold leaves a dead version of every lane it touches.
    folded := exists (select from workers w where w.id = for_worker and w.idle)
              or (select count(*) >= 100 or bool_or(n.low_id is not null)
                    from (select d.low_id from lane_deltas d limit 100) n);
    if folded then
        perform fold_lane_deltas();
    end if;

    -- Every round claims a job, or finds a lane empty, so the bound is only a guard.
    for round in 1 .. 1000 loop
        exit when want <= 0;
        if limited then
            select array_agg(r.lane_id), array_agg(r.kind_room), array_agg(r.user_room),
                   coalesce(array_agg(r.lane_id) filter (where least(r.kind_room, r.user_room) <= 0), '{}')
              into room_lanes, kind_rooms, user_rooms, full_lanes
              from room_of_lanes() r;
        end if;
        with waiting as materialized (
            select l.ctid as spot, l.lane_id, l.priority, l.vtime from lanes l
             where l.has_ready and not l.paused and l.running < l.running_max
               and l.lane_id <> all (full_lanes)
               and (cpu_want > 0 or l.kind <> all (cpu_kinds)))
        select array(
            select l.spot from (select v.ctid as spot from lanes v
             where v.ctid = any (array(
                   select w.spot from waiting w where w.priority = (select max(t.priority) from waiting t)
                    order by w.vtime, w.lane_id limit least(want, 64)))
               for no key update) l)
          into lanes_now;
        if cardinality(lanes_now) = 0 and not folded then
            perform fold_lane_deltas();
            folded := true;
            continue;
        end if;
        exit when cardinality(lanes_now) = 0;

        with fair as (
            select l.lane_id, l.vtime, l.low_id, l.kind, l.user_id, l.kind = any (cpu_kinds) as is_cpu,
                   greatest(0, least(ceil(case when l.kind = any (cpu_kinds) then least(want, cpu_want)
                                           else want end * l.weight / sum(l.weight) over ())::int,
                                     l.running_max - l.running)) as quota
              from lanes l
             where l.ctid = any (lanes_now)),
        -- What is left to a kind or a user goes to its least-served lanes first.
        chosen as materialized (
            select f.lane_id, f.vtime, f.low_id, f.is_cpu,
                   greatest(0, least(f.quota,
                       r.kind_room - (sum(f.quota) over (partition by f.kind order by f.vtime, f.lane_id)
                                      - f.quota),
                       r.user_room - (sum(f.quota) over (partition by f.user_id order by f.vtime, f.lane_id)
                                      - f.quota)))::int as quota
              from fair f
              left join unnest(room_lanes, kind_rooms, user_rooms) as r (lane_id, kind_room, user_room)
                     on r.lane_id = f.lane_id),
        taken as materialized (
            select c.lane_id, c.vtime, c.is_cpu, q.job_id, q.spot, q.turn
              from chosen c
             cross join lateral (
                   select r.job_id, r.spot, row_number() over (order by r.job_id) as turn
                     from (select w.job_id, w.ctid as spot from queue w
                            where not w.delayed and w.state = 0 and w.lane_id <= c.lane_id
                              and (w.lane_id, w.job_id) >= (c.lane_id, c.low_id)
                            order by w.lane_id, w.job_id limit c.quota) r) q),
        ranked as (
            select t.*, row_number() over in_turn as rank,
                   count(*) filter (where t.is_cpu) over in_turn as cpu_rank
              from taken t
            window in_turn as (order by t.turn, t.vtime, t.lane_id rows unbounded preceding)),
        kept as materialized (
            select r.lane_id, r.job_id, r.spot, r.is_cpu, r.rank
              from ranked r where not r.is_cpu or r.cpu_rank <= cpu_want
             order by r.turn, r.vtime, r.lane_id limit want),
        marked as (
            update queue q
               set state = 1, fence = q.fence + 1, attempt = q.attempt + 1, worker = for_worker,
                   claimed_at = clock_timestamp(), started_at = null, deadline = null
             where q.ctid = any (array(select k.spot from kept k)) and q.state = 0
            returning q.job_id, q.fence, q.attempt, q.lane_id,
                      case when isfinite(q.run_at)
                           then extract(epoch from q.claimed_at - q.run_at) * 1000 else 0 end as waited),
        charged as (
            update lanes l
               set running = l.running + coalesce(m.jobs, 0),
                   vtime = l.vtime + coalesce(m.jobs, 0) / l.weight,
                   low_id = coalesce(k.last_id + 1, l.low_id),
                   oldest_id = coalesce(least(case when l.running > 0 then l.oldest_id end, k.first_id), 0),
                   newest_id = coalesce(greatest(case when l.running > 0 then l.newest_id end, k.last_id), 0),
                   has_ready = coalesce(t.jobs, 0) >= c.quota
                               or coalesce(k.jobs, 0) < coalesce(t.jobs, 0)
              from chosen c
              left join (select lane_id, count(*)::int as jobs from taken group by lane_id) t
                     on t.lane_id = c.lane_id
              left join (select lane_id, count(*)::int as jobs, min(job_id) as first_id,
                                max(job_id) as last_id
                           from kept group by lane_id) k on k.lane_id = c.lane_id
              left join (select lane_id, count(*)::int as jobs from marked group by lane_id) m
                     on m.lane_id = c.lane_id
             where l.ctid = any (lanes_now) and l.lane_id + 0 = c.lane_id)
        select array_agg(r.job_id), array_agg(r.fence), array_agg(r.attempt), array_agg(r.lane_id),
               array_agg(r.waited::double precision), count(*) filter (where r.is_cpu)
          into got_ids, got_fences, got_attempts, got_lanes, got_waits, got_cpu
          from (select m.job_id, m.fence, m.attempt, m.lane_id, m.waited, k.is_cpu
                  from marked m join kept k on k.job_id = m.job_id order by k.rank) r;

        if limited and got_lanes is not null then
            perform spend_starts(got_lanes);
        end if;
        all_ids := all_ids || got_ids;
        all_fences := all_fences || got_fences;
        all_attempts := all_attempts || got_attempts;
        all_waits := all_waits || got_waits;
        want := want - coalesce(cardinality(got_ids), 0);
        cpu_want := cpu_want - got_cpu;
    end loop;

    -- A claim that was filled expects more, and one that full slots cut short will be repeated when one
    -- gets free; only the others want to be notified.
    wants := want > 0
        and (cpu_want > 0 or not exists (
             select from lanes l
              where l.has_ready and not l.paused and l.running < l.running_max
                and l.kind = any (cpu_kinds)));
    update workers w set idle = wants where w.id = for_worker and w.idle <> wants;
    -- Joined here, not by the caller: a job that was committed after the caller's snapshot can be
    -- among the claims, and would be claimed without being told.
    return query
    select c.job_id, c.fence, c.attempt, j.kind, j.spec::text, j.timeout_s, greatest(c.waited, 0),
           greatest(extract(epoch from clock_timestamp() - j.created_at) * 1000, 0)::double precision, j.traceparent
      from unnest(all_ids, all_fences, all_attempts, all_waits) with ordinality
           as c (job_id, fence, attempt, waited, place)
      join (select * from jobs where id = any (all_ids)) j on j.id = c.job_id
     order by c.place;
end $$;
comment on function sluicegate.claim_jobs is 'For the daemon: claims jobs for a worker, by priority, fair between users, oldest first.';

-- What a user's lanes, or all (null), have claimed. A loop, so that it is one range of the index per lane
-- whatever the planner knows.
create function sluicegate.claimed_jobs(of_user text) returns setof sluicegate.queue
language plpgsql stable set search_path = sluicegate, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set jit = off
set plan_cache_mode = force_generic_plan as $$
declare
    lane lanes;
begin
    for lane in select * from lanes l where l.running > 0 and (of_user is null or l.user_id = of_user) loop
        return query
        select q.* from queue q
         where not q.delayed and q.state = 1 and q.lane_id = lane.lane_id
           and q.job_id between lane.oldest_id and lane.newest_id;
    end loop;
end $$;
comment on function sluicegate.claimed_jobs is 'What a user, or everybody (null), has claimed; used by views.';

-- Raises the lower bounds of what is claimed, so that nobody walks past what ended long ago. Claims are
-- kept out only while bounds are written; a lane that one has touched meanwhile keeps its bound until the
-- next time.
create function sluicegate.raise_bounds() returns void
language plpgsql volatile set search_path = sluicegate, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set jit = off
set plan_cache_mode = force_generic_plan as $$
declare
    lane record;
    lane_ids bigint[] := '{}';
    versions xid[] := '{}';
    oldest bigint[] := '{}';
    found_id bigint;
begin
    for lane in select l.*, l.xmin as version from lanes l where l.running > 0 loop
        select q.job_id into found_id from queue q
         where not q.delayed and q.state = 1 and q.lane_id = lane.lane_id
           and q.job_id between lane.oldest_id and lane.newest_id
         order by q.lane_id, q.job_id limit 1;
        -- None where only the lane's news are not taken in yet.
        found_id := coalesce(found_id, lane.newest_id + 1);
        if found_id > lane.oldest_id then
            lane_ids := lane_ids || lane.lane_id;
            versions := versions || lane.version;
            oldest := oldest || found_id;
        end if;
    end loop;
    if cardinality(lane_ids) > 0 then
        perform pg_advisory_xact_lock('lanes'::regclass::oid::int, 0);
        update lanes l set oldest_id = f.job_id
          from unnest(lane_ids, versions, oldest) as f (lane_id, version, job_id)
         where l.lane_id = any (lane_ids) and l.lane_id = f.lane_id and l.xmin = f.version;
    end if;
end $$;
comment on function sluicegate.raise_bounds is 'For the daemon: raises the lower bounds by which claimed jobs are found.';

-- Claims of dead workers (0), over their time limit (1) or stalled (2). One process at a time looks; the
-- others have nothing to do meanwhile.
create function sluicegate.find_dead_jobs(job_limit int)
returns table (job_id bigint, fence bigint, death int, limit_ms bigint, silent_ms bigint)
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
#variable_conflict use_column
begin
    if not pg_try_advisory_xact_lock('lanes'::regclass::oid::int, 2) then
        return;
    end if;
    return query
    select q.job_id, q.fence,
           case when w.id is null or w.dead_at is not null or w.stopped_at is not null then 0
                when q.deadline < clock_timestamp() then 1 else 2 end,
           coalesce(case when q.deadline < clock_timestamp()
                         then (extract(epoch from q.deadline - q.started_at) * 1000)::bigint
                         else p.stall_ms end, 0),
           coalesce((extract(epoch from clock_timestamp() - w.renewed_at) * 1000)::bigint, 0)
      from claimed_jobs(null) q
      left join workers w on w.id = q.worker
      left join progress p on p.job_id = q.job_id and p.fence = q.fence
     where w.id is null or w.dead_at is not null or w.stopped_at is not null
        or q.deadline < clock_timestamp()
        or p.updated_at < clock_timestamp() - p.stall_ms * interval '1 millisecond'
     order by q.job_id limit job_limit;
    perform merge_tallies();
    perform raise_bounds();
end $$;
comment on function sluicegate.find_dead_jobs is 'For the daemon: claims of dead workers, over their time limit, or stalled.';
