-- How far a bundle is; the time left in seconds.
select status, coalesce(total, 0) as total, completed + failed + cancelled as ended, error,
       extract(epoch from eta - clock_timestamp())::double precision as left_s
  from sluicegate.bundle_status where id = $1
