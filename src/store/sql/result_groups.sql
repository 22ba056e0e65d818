-- What of a bundle can be compared day by day: the results of one market over one time. The group of
-- the best variant comes first.
select t.ticker, t.timeframe, t.from_time, t.until_time, count(*) as variants,
       coalesce(sum(t.bytes), 0)::bigint as bytes, count(*) over () as groups
  from (select r.ticker, r.timeframe, r.from_time, r.until_time,
               octet_length(r.daily_returns) as bytes,
               row_number() over (order by r.sharpe desc nulls last, r.total_return desc, r.job_id)
                   as rank
          from sluicegate.results r where r.bundle_id = $1) t
 group by t.ticker, t.timeframe, t.from_time, t.until_time
 order by min(t.rank) limit $2
