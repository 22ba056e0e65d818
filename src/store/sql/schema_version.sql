select version, min_compatible from sluicegate.schema_version
