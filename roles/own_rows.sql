-- A template: members of sluicegate_submitter see and make only rows of their own, where the name of
-- their role is their user_id. Needs PostgreSQL 15 and roles/roles.sql; run it as a superuser, and again
-- after an upgrade. Whoever puts all users behind one role writes another condition in place of
-- current_user, such as current_setting('app.user').
--
--   psql "$SUPERUSER_URL" -v ON_ERROR_STOP=1 -1 -f roles/own_rows.sql

-- Views ask for the rows with the rights of whoever reads them.
alter view sluicegate.job_status set (security_invoker = true);
alter view sluicegate.bundle_status set (security_invoker = true);
alter view sluicegate.why_waiting set (security_invoker = true);
grant select on sluicegate.queue, sluicegate.outcomes, sluicegate.failed_attempts, sluicegate.progress,
                sluicegate.lanes, sluicegate.lane_counts, sluicegate.workers, sluicegate.limits,
                sluicegate.budgets
    to sluicegate_submitter;

do $$
declare
    of_user constant text[] := array['bundles', 'jobs', 'commands', 'lanes'];
    of_job constant text[] := array['results', 'job_parts', 'queue', 'outcomes', 'failed_attempts', 'progress'];
    name text;
begin
    foreach name in array of_user || of_job loop
        execute format('alter table sluicegate.%I enable row level security', name);
        execute format('drop policy if exists daemon on sluicegate.%I', name);
        execute format('create policy daemon on sluicegate.%I to sluicegate_daemon using (true) with check (true)', name);
        execute format('drop policy if exists reader on sluicegate.%I', name);
        execute format('create policy reader on sluicegate.%I for select to sluicegate_reader using (true)', name);
        execute format('drop policy if exists own on sluicegate.%I', name);
    end loop;
    foreach name in array of_user loop
        execute format('create policy own on sluicegate.%I to sluicegate_submitter
                        using (user_id = current_user) with check (user_id = current_user)', name);
    end loop;
    -- The rows of a job are those of its user: jobs themselves have a policy.
    foreach name in array of_job loop
        execute format('create policy own on sluicegate.%1$I for select to sluicegate_submitter
                        using (exists (select from sluicegate.jobs j where j.id = %1$I.job_id))', name);
    end loop;
end $$;
