-- Removes lanes that nobody has used for long and that say nothing of their own. The caller holds the table:
-- whoever has read a lane to insert jobs into it has ended, so what is counted here is all there is.
delete from sluicegate.lanes l
 where l.lane_id in (
       select i.lane_id from sluicegate.lanes i
        where i.jobs = 0 and i.running = 0 and not i.paused and i.weight = 1
          and i.running_max = 2147483647 and i.idle_vtime = i.vtime
          and i.idle_since < clock_timestamp() - $1 * interval '1 day'
          and not exists (select from sluicegate.lane_deltas d where d.lane_id = i.lane_id)
          and not exists (select from sluicegate.queue q where not q.delayed and q.lane_id = i.lane_id)
        limit $2)
