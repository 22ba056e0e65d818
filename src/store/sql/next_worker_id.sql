select nextval('sluicegate.worker_ids')::int
