select user_id, action, bundle_id, job_id, args::text as args from sluicegate.commands
 where id = $1 and applied_at is null
