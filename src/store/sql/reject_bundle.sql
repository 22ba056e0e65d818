with rejected as (
    update sluicegate.bundles
       set status = 'rejected', error = $2, finished_at = clock_timestamp(), expander = null,
           expander_until = null
     where id = $1 and status = 'pending' and cancelled_at is null
    returning id)
select pg_notify('sluicegate_events',
                 json_build_object('bundle', id, 'status', 'rejected')::text) from rejected
