-- What came of the walk-forwards of a bundle, without their folds and curves.
select (o.output #- '{out_of_sample,equity}'
        || jsonb_build_object('job_id', j.id, 'folds', jsonb_array_length(o.output -> 'folds')))::text
           as output
  from sluicegate.jobs j join sluicegate.outcomes o on o.job_id = j.id
 where j.bundle_id = $1 and j.kind = 'walk_forward' and o.status = 1 order by j.seq
