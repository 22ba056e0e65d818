-- The ten best variants of a bundle, in the order of its own ranking.
select ticker, scenario::text as scenario, money_management::text as money_management, total_return,
       cagr, sharpe, sortino, max_drawdown, profit_factor, win_rate, trade_count
  from sluicegate.results where bundle_id = $1
 order by sharpe desc nulls last, total_return desc, job_id limit 10
