insert into sluicegate.jobs (user_id, kind, spec)
select 'you', 'sleep', jsonb_build_object('seconds', 0.75 + n * 0.25, 'stuck', n % 3 = 0)
  from generate_series(1, 9) as n
