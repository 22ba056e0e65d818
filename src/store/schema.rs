//! Migrations, and which daemon may work with which schema.

use sqlx::Executor;
use sqlx::migrate::Migrator;

use super::{BEGIN, Store, StoreError, column, failed};

/// The schema version this daemon is written for: the number of the newest migration.
pub const SCHEMA_VERSION: i32 = 10;

fn migrations() -> Migrator {
    let mut migrator = sqlx::migrate!();
    migrator.create_schema("sluicegate");
    migrator.dangerous_set_table_name("sluicegate.migrations");
    // A schema with newer migrations is fine as long as it says so itself, in schema_version.
    migrator.set_ignore_missing(true).set_locking(false);
    migrator
}

/// What the schema's version row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaState {
    /// Newest migration applied.
    pub version: i32,
    /// A daemon must know at least this version.
    pub min_compatible: i32,
}

impl Store {
    /// Brings the schema up to date; harmless when it is, and when several processes try at once.
    ///
    /// # Errors
    /// The schema is too new for this daemon, or a migration failed (then nothing has changed).
    pub async fn migrate(&self) -> Result<(), StoreError> {
        const WHAT: &str = "migrate the schema";
        self.refuse_newer_schema().await?;
        let mut transaction = self.pool.begin_with(BEGIN).await.map_err(failed(WHAT))?;
        // The migrator names its statements, and the names would meet those of other migrators that had
        // the same server connection behind a pooler.
        if self.pooled {
            transaction.execute("deallocate all").await.map_err(failed(WHAT))?;
        }
        // A lock of the transaction, not of the session: it works behind a pooler as well. The number
        // only has to be the same in every version.
        sqlx::query("select pg_advisory_xact_lock(7320815240191)")
            .persistent(false)
            .execute(&mut *transaction)
            .await
            .map_err(failed(WHAT))?;
        // Not `run`: its bounds make the future one that cannot be spawned.
        migrations().run_direct(None, &mut *transaction, false).await?;
        if self.pooled {
            transaction.execute("deallocate all").await.map_err(failed(WHAT))?;
        }
        transaction.commit().await.map_err(failed(WHAT))
    }

    /// The schema's version; `None` where there is no schema.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn schema_state(&self) -> Result<Option<SchemaState>, StoreError> {
        const WHAT: &str = "read the schema's version";
        let mut connection = self.connection(WHAT).await?;
        let exists: bool =
            sqlx::query_scalar("select to_regclass('sluicegate.schema_version') is not null")
                .persistent(false)
                .fetch_one(&mut *connection)
                .await
                .map_err(failed(WHAT))?;
        let row = if exists {
            self.query(include_str!("sql/schema_version.sql"))
                .fetch_optional(&mut *connection)
                .await
                .map_err(failed(WHAT))?
        } else {
            None
        };
        connection.done(WHAT).await?;
        row.map(|row| {
            Ok(SchemaState {
                version: column(&row, "version", WHAT)?,
                min_compatible: column(&row, "min_compatible", WHAT)?,
            })
        })
        .transpose()
    }

    /// Makes sure that this daemon and the schema fit each other.
    ///
    /// # Errors
    /// [`StoreError::SchemaTooNew`], [`StoreError::SchemaTooOld`], or the database cannot be reached.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let found = self.refuse_newer_schema().await?;
        if found < SCHEMA_VERSION {
            return Err(StoreError::SchemaTooOld { found, known: SCHEMA_VERSION });
        }
        Ok(())
    }

    async fn refuse_newer_schema(&self) -> Result<i32, StoreError> {
        match self.schema_state().await? {
            Some(state) if state.min_compatible > SCHEMA_VERSION => Err(StoreError::SchemaTooNew {
                found: state.version,
                needed: state.min_compatible,
                known: SCHEMA_VERSION,
            }),
            Some(state) => Ok(state.version),
            None => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_newest_migration() {
        let newest = migrations().iter().map(|migration| migration.version).max();
        assert_eq!(newest, Some(i64::from(SCHEMA_VERSION)));
    }
}
