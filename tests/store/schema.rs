//! The schema: migrated once however often and from wherever, every statement fits it, all explained.

use std::path::Path;

use futures_util::future::join_all;
use sluicegate::backtest::Metrics;
use sluicegate::store::{Condition, SCHEMA_VERSION, SchemaState, Store, StoreError};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::rig::{Rig, settings};

#[tokio::test]
async fn every_statement_is_accepted_by_the_migrated_schema() {
    let rig = Rig::new().await;
    let mut connection = rig.db.pool().acquire().await.unwrap();
    let mut prepared = 0;
    for entry in Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sql").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let sql = std::fs::read_to_string(&path).unwrap();
        if let Err(error) = connection.prepare(AssertSqlSafe(sql).into_sql_str()).await {
            panic!("{}: {error}", path.display());
        }
        prepared += 1;
    }
    assert!(prepared > 30, "{prepared} statements found");
}

/// A row of results is filled by names: a figure of another name would be left out without a word.
#[tokio::test]
async fn every_numeric_column_of_results_bears_the_name_of_a_figure() {
    let rig = Rig::new().await;
    let columns: Vec<String> = rig
        .all(
            "select column_name::text from information_schema.columns
              where table_schema = 'sluicegate' and table_name = 'results'
                and data_type in ('double precision', 'integer') order by 1",
        )
        .await;
    let figures = serde_json::to_value(Metrics::default()).unwrap();
    let others: Vec<&str> =
        columns.iter().map(String::as_str).filter(|name| figures.get(name).is_none()).collect();
    assert_eq!(others, ["engine_version", "metrics_version", "run_ms"]);
    assert!(columns.len() - others.len() >= 20, "{columns:?}");
}

#[tokio::test]
async fn migrating_again_and_from_everywhere_at_once_is_harmless() {
    let rig = Rig::new().await;
    rig.run("drop schema sluicegate cascade").await;
    let stores: Vec<Store> = (0..5).map(|_| Store::new(&settings(rig.db.url())).unwrap()).collect();
    for migrated in join_all(stores.iter().map(Store::migrate)).await {
        migrated.unwrap();
    }
    rig.store.migrate().await.unwrap();
    rig.store.check_schema().await.unwrap();
    let count: i64 = rig.one("select count(*) from sluicegate.migrations").await;
    assert_eq!(count, i64::from(SCHEMA_VERSION));
    let elsewhere: i64 = rig
        .one(
            "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where n.nspname = 'public'",
        )
        .await;
    assert_eq!(elsewhere, 0, "the application's own schema is left alone");
}

#[tokio::test]
async fn a_schema_that_needs_a_newer_daemon_is_refused() {
    let rig = Rig::new().await;
    let (newer, needed) = (SCHEMA_VERSION + 2, SCHEMA_VERSION + 1);
    let fit = rig.store.schema_state().await.unwrap().unwrap();
    assert_eq!(fit.version, SCHEMA_VERSION);
    rig.run(&format!("update sluicegate.schema_version set version = {newer}")).await;
    rig.store.check_schema().await.unwrap();
    rig.store.migrate().await.unwrap();
    rig.run(&format!("update sluicegate.schema_version set min_compatible = {needed}")).await;
    for refused in [rig.store.check_schema().await, rig.store.migrate().await] {
        let error = refused.unwrap_err();
        assert!(matches!(error, StoreError::SchemaTooNew { .. }), "{error}");
        assert_eq!(
            error.to_string(),
            format!(
                "schema sluicegate is at version {newer} and needs a daemon that knows version {needed}; \
                 this one knows {SCHEMA_VERSION}: run a newer sluicegate"
            )
        );
    }
}

#[tokio::test]
async fn a_schema_that_is_missing_or_old_is_said_to_be() {
    let rig = Rig::new().await;
    rig.run("update sluicegate.schema_version set version = 1").await;
    let old = SchemaState { version: 1, min_compatible: SCHEMA_VERSION };
    assert_eq!(rig.store.schema_state().await.unwrap(), Some(old));
    let error = rig.store.check_schema().await.unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "schema sluicegate is at version 1, this daemon needs {SCHEMA_VERSION}: run sluicegate migrate"
        )
    );
    rig.run("drop schema sluicegate cascade").await;
    assert_eq!(rig.store.schema_state().await.unwrap(), None);
}

#[tokio::test]
async fn everything_in_the_schema_is_explained() {
    let rig = Rig::new().await;
    for (what, silent) in [
        (
            "tables and views",
            "select c.relname::text from pg_class c
              where c.relnamespace = 'sluicegate'::regnamespace and c.relkind in ('r', 'v', 'p')
                and obj_description(c.oid, 'pg_class') is null",
        ),
        (
            "columns",
            "select c.relname || '.' || a.attname from pg_class c
               join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
              where c.relnamespace = 'sluicegate'::regnamespace and c.relkind in ('r', 'v', 'p')
                and col_description(c.oid, a.attnum) is null",
        ),
        (
            "functions",
            "select p.oid::regprocedure::text from pg_proc p
              where p.pronamespace = 'sluicegate'::regnamespace
                and obj_description(p.oid, 'pg_proc') is null",
        ),
    ] {
        let silent: Vec<String> = rig.all(silent).await;
        assert!(silent.is_empty(), "{what} without a comment: {silent:?}");
    }
}

#[tokio::test]
async fn a_pooled_store_does_all_the_same() {
    let rig = Rig::new().await;
    let mut pooled = settings(rig.db.url());
    pooled.pooled = true;
    pooled.session_url = String::new();
    let store = Store::new(&pooled).unwrap();
    store.ping().await.unwrap();
    assert!(!store.has_session());
    rig.insert("alice", 0, 3).await;
    let jobs = store.claim_jobs(rig.worker, 2, &[], 0).await.unwrap();
    let claims: Vec<_> = jobs.iter().map(|job| job.claim).collect();
    assert_eq!(store.release_jobs(&claims).await.unwrap().len(), 2);
    assert!(
        store
            .renew_lease(rig.worker, 60_000, &[], Some(60_000), &Condition::default())
            .await
            .unwrap()
            .alive
    );
}
