-- The server's clock, and how the small numbers of open bundles and live workers stand.
select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at,
       (select count(*) from sluicegate.bundles where status in ('pending', 'expanding'))
           + (select count(*) from sluicegate.bundles where status = 'running') as open_bundles
