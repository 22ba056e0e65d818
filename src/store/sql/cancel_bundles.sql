-- Marks a user's open bundles as cancelled, one or all there were when the command was given: nothing
-- more of them is inserted. One that nobody has read
-- yet ends here; the others end when their deltas have been folded.
with marked as (
    update sluicegate.bundles b
       set cancelled_at = clock_timestamp(),
           status = case when b.status = 'pending' then 'cancelled' else b.status end
     where b.user_id = $1 and ($2::uuid is null or b.id = $2) and b.cancelled_at is null
       and ($2 is not null
            or b.created_at < (select c.created_at from sluicegate.commands c where c.id = $3))
       and b.status in ('pending', 'expanding', 'running')
    returning b.id, b.status),
told as (
    select pg_notify('sluicegate_events',
                     json_build_object('bundle', m.id, 'status', 'cancelled')::text)
      from marked m where m.status = 'cancelled')
select count(*)::int as bundles, (select count(*) from told)::int as ended from marked
