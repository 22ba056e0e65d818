update sluicegate.results set trades = $2::text::jsonb, equity = $3::text::jsonb where job_id = $1
