-- The queue by kind.
select kind, ready, oldest_ready_s, running, delayed, failed_24h, throughput
  from sluicegate.queue_health
 where ready + running + delayed + failed_24h > 0 or throughput > 0
 order by kind limit 50
