-- Only beside the figures they belong to: the candles may have changed since.
update sluicegate.results set trades = $3::text::jsonb, equity = $4::text::jsonb
 where job_id = $1 and result_digest = $2
