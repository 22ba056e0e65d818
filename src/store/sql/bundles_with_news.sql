-- Bundles with deltas, and cancelled ones that have not ended: jobs that were never inserted are
-- counted when they are folded.
select t.bundle_id from (
    select d.bundle_id from sluicegate.bundle_deltas d
    union
    select b.id from sluicegate.bundles b
     where b.status = 'running' and b.cancelled_at is not null
       and b.completed + b.failed + b.cancelled < b.total
    union
    select b.id from sluicegate.bundles b
     where b.status = 'expanding' and b.cancelled_at is not null) t
 limit $1
