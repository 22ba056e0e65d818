select user_id, action, bundle_id, job_id, affected from sluicegate.commands
 where id = $1 and applied_at is null
