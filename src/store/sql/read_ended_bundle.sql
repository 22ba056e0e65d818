select b.expanded, b.total, b.universal_config::text as universal_config,
       b.ticker_variants::text as ticker_variants, b.date_ranges::text as date_ranges,
       b.scenario_variants::text as scenario_variants,
       b.money_management_variants::text as money_management_variants,
       b.cancelled_at is not null as cancelled, b.closings
  from sluicegate.bundles b
 where b.id = $1 and b.expander = $2 and b.status = 'running'
