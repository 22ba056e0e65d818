select sluicegate.finish_bundle($1, $2, $3::text::jsonb)
