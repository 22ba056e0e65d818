-- One batch of a bundle's jobs. The cursor moves in the same statement, so a batch is in once or not
-- at all; it comes back null when somebody else moved it or the bundle was cancelled. With the last
-- one the bundle is nobody's again.
with moved as (
    update sluicegate.bundles b
       set expanded = $2 + cardinality($3::text[]),
           status = case when $2 + cardinality($3::text[]) >= b.total then 'running' else b.status end,
           expander = case when $2 + cardinality($3::text[]) >= b.total then null else b.expander end,
           expander_until = case when $2 + cardinality($3::text[]) >= b.total then null
                            else clock_timestamp() + $4 * interval '1 millisecond' end
     where b.id = $1 and b.expanded = $2 and b.status = 'expanding' and b.cancelled_at is null
    returning b.id, b.user_id, b.priority, b.traceparent, b.expanded),
inserted as (
    insert into sluicegate.jobs (bundle_id, seq, user_id, kind, priority, traceparent, spec)
    select m.id, $2 + s.place - 1, m.user_id, $5, m.priority, m.traceparent, s.spec::jsonb
      from moved m, unnest($3::text[]) with ordinality as s (spec, place)
     order by s.place)
select expanded from moved
