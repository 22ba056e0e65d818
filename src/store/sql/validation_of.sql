select coalesce(r.validation, '{}')::text as validation from sluicegate.results r where r.job_id = $1
