-- What a report says of a bundle itself.
select b.user_id, b.name, b.status, b.progress, b.total, b.completed, b.failed, b.cancelled, b.left_out,
       s.running, s.eta, b.error, b.created_at, b.started_at, b.finished_at, b.cancelled_at, b.paused,
       b.universal_config::text as universal_config, b.ticker_variants::text as ticker_variants,
       b.date_ranges::text as date_ranges, b.scenario_variants::text as scenario_variants,
       b.money_management_variants::text as money_management_variants,
       coalesce(b.summary, 'null')::text as summary, clock_timestamp() as now
  from sluicegate.bundles b join sluicegate.bundle_status s on s.id = b.id
 where b.id = $1
