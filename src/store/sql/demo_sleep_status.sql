-- The jobs that belong to no bundle, their times of day in UTC.
select id, kind, status, progress, error,
       array(select to_char(at at time zone 'UTC', 'HH24:MI:SS')
               from unnest(array[created_at, queued_at, started_at, finished_at, cancelled_at])
                    with ordinality as times (at, place) order by place) as times
  from sluicegate.job_status where bundle_id is null order by id
