-- The ranked columns of some results, in the order asked for.
select u.place, r.job_id, j.seq, r.ticker, r.timeframe, r.from_time, r.until_time,
       r.scenario::text as scenario, r.money_management::text as money_management, r.final_equity,
       r.total_return, r.buy_and_hold_return, r.cagr, r.volatility, r.sharpe, r.sortino, r.psr,
       r.max_drawdown, r.max_drawdown_intrabar, r.calmar, r.profit_factor, r.win_rate, r.expectancy_r,
       r.sqn, r.trade_count::float8 as trade_count, r.exposure, r.fees, r.funding,
       r.candles::float8 as candles
  from unnest($1::bigint[]) with ordinality u (job_id, place)
  join sluicegate.results r on r.job_id = u.job_id
  left join sluicegate.jobs j on j.id = r.job_id
 order by u.place
