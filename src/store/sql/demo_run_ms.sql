-- What one backtest of a bundle computed on average, milliseconds.
select coalesce(avg(run_ms), 0) as run_ms from sluicegate.results where bundle_id = $1
