-- Stored results of these variants, one for each, one with trades rather than one without.
select distinct on (r.variant_digest) r.variant_digest,
       (to_jsonb(r) - '{job_id,bundle_id,created_at}'::text[]
        || jsonb_build_object('reused_from', coalesce(r.reused_from, r.job_id), 'run_ms', 0))::text as answer
  from sluicegate.results r
 where r.variant_digest = any ($1)
 order by r.variant_digest, r.trades is null, r.job_id
