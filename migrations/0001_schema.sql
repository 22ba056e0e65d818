-- The schema's own version. Everything of sluicegate lives in the schema "sluicegate", so that it can
-- sit inside an application's database; the migrator creates the schema before this file runs.

create table sluicegate.schema_version (
    only_row       boolean primary key default true check (only_row),
    version        int not null,
    min_compatible int not null
);
comment on table sluicegate.schema_version is 'One row: which schema this is and the oldest daemon that may work with it.';
comment on column sluicegate.schema_version.only_row is 'Always true: there is one row.';
comment on column sluicegate.schema_version.version is 'Number of the newest migration.';
comment on column sluicegate.schema_version.min_compatible is 'A daemon whose own newest migration is older than this refuses to start.';

insert into sluicegate.schema_version (version, min_compatible) values (10, 10);
