select b.expanded, b.total, b.universal_config::text as universal_config,
       b.ticker_variants::text as ticker_variants, b.date_ranges::text as date_ranges,
       b.scenario_variants::text as scenario_variants,
       b.money_management_variants::text as money_management_variants
  from sluicegate.bundles b
 where b.id = $1 and b.status in ('pending', 'expanding') and b.cancelled_at is null
