select b.universal_config::text from sluicegate.bundles b where b.id = $1
