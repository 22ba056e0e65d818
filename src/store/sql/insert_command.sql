-- An order for a bundle, in the name of its user.
insert into sluicegate.commands (user_id, action, bundle_id)
select b.user_id, $2, b.id from sluicegate.bundles b where b.id = $1
returning id
