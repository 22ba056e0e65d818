-- Bundles whose jobs have all ended, to be closed. The mark keeps other processes away while this one
-- is alive; that it was taken is counted, because what kills a process once will do it again.
update sluicegate.bundles b
   set closings = b.closings + 1, expander = $1, expander_until = clock_timestamp() + $3 * interval '1 millisecond'
 where b.id = any (array(
        select t.id from sluicegate.bundles t
         where t.status = 'running' and t.completed + t.failed + t.cancelled = t.total
           and (t.expander_until is null or t.expander_until < clock_timestamp())
         order by t.priority desc, t.created_at limit $2
           for no key update skip locked))
returning b.id
