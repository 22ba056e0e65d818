-- The best variants of a bundle so far, in the order of its own ranking.
select r.job_id, r.ticker, r.timeframe, r.scenario::text as scenario,
       r.money_management::text as money_management, r.sharpe, r.total_return, r.cagr, r.max_drawdown,
       r.profit_factor, r.win_rate, r.trade_count
  from sluicegate.results r where r.bundle_id = $1
 order by r.sharpe desc nulls last, r.total_return desc, r.job_id limit $2
