//! What a doctor and a planner ask of the database.

use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection};

use super::{Store, StoreError, column, failed, run};

/// What server and schema show.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "answers of one row, none follows from another")]
pub struct Examined {
    /// Version of the server, in words.
    pub version: String,
    /// Version of the server, as a number.
    pub version_num: i32,
    /// Our role.
    pub role: String,
    /// The server's clock, milliseconds since the epoch.
    pub server_ms: f64,
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
    /// Whether it leaves this machine.
    pub is_local: bool,
    /// Whether we see what sessions of others do.
    pub sees_others: bool,
    /// Whether autovacuum works.
    pub vacuums: bool,
    /// Most connections of the server.
    pub connections_max: i32,
    /// Connections now.
    pub connections: i64,
    /// Replication slots that nobody reads.
    pub idle_slots: i64,
    /// Tables of ours in which we may not do all we must.
    pub forbidden: Vec<String>,
    /// Who has the oldest transaction, as far as that is to be seen.
    pub held_by: Option<String>,
    /// How old it is, seconds.
    pub held_s: Option<f64>,
    /// Tables with more dead rows than live ones.
    pub bloated: Vec<String>,
    /// Tables whose autovacuum somebody turned off.
    pub not_vacuumed: Vec<String>,
}

/// How fast backtests were here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Backtests that were looked at.
    pub backtests: i64,
    /// Candles they went through.
    pub candles: f64,
    /// Seconds they took, one after the other.
    pub seconds: f64,
    /// Live workers.
    pub workers: i64,
    /// Slots of all of them.
    pub slots: i64,
}

impl Store {
    /// What server and schema show.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn examine(&self) -> Result<Examined, StoreError> {
        let row = run!(self, "examine the database", "examine", fetch_one);
        examined(&row)
    }

    /// How fast backtests were here, and who works.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn measured(&self) -> Result<Measured, StoreError> {
        const WHAT: &str = "read what was measured";
        let row = run!(self, "read what was measured", "measured", fetch_one);
        Ok(Measured {
            backtests: column(&row, "backtests", WHAT)?,
            candles: column(&row, "candles", WHAT)?,
            seconds: column(&row, "seconds", WHAT)?,
            workers: column(&row, "workers", WHAT)?,
            slots: column(&row, "slots", WHAT)?,
        })
    }

    /// Whether a pooler in transaction mode stands in between: what a session has set is not there any
    /// more when somebody else's transaction has taken its place.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn is_behind_a_pooler(&self) -> Result<bool, StoreError> {
        const WHAT: &str = "look for a pooler";
        let options = self.pool.connect_options();
        let connect = async || PgConnection::connect_with(&options).await.map_err(failed(WHAT));
        let (mut ours, mut other) = (connect().await?, connect().await?);
        let set = sqlx::raw_sql("set sluicegate.probe = 'set'");
        set.execute(&mut ours).await.map_err(failed(WHAT))?;
        let begin = sqlx::raw_sql("begin; select 1");
        begin.execute(&mut other).await.map_err(failed(WHAT))?;
        let read = sqlx::raw_sql("select current_setting('sluicegate.probe', true) as probe");
        let row = read.fetch_one(&mut ours).await.map_err(failed(WHAT))?;
        let probe: Option<String> = column(&row, "probe", WHAT)?;
        sqlx::raw_sql("rollback").execute(&mut other).await.map_err(failed(WHAT))?;
        for connection in [ours, other] {
            connection.close().await.map_err(failed(WHAT))?;
        }
        Ok(probe.as_deref() != Some("set"))
    }
}

fn examined(row: &PgRow) -> Result<Examined, StoreError> {
    const WHAT: &str = "examine the database";
    Ok(Examined {
        version: column(row, "version", WHAT)?,
        version_num: column(row, "version_num", WHAT)?,
        role: column(row, "role_name", WHAT)?,
        server_ms: column(row, "server_ms", WHAT)?,
        is_encrypted: column(row, "is_encrypted", WHAT)?,
        is_local: column(row, "is_local", WHAT)?,
        sees_others: column(row, "sees_others", WHAT)?,
        vacuums: column(row, "vacuums", WHAT)?,
        connections_max: column(row, "connections_max", WHAT)?,
        connections: column(row, "connections", WHAT)?,
        idle_slots: column(row, "idle_slots", WHAT)?,
        forbidden: column(row, "forbidden", WHAT)?,
        held_by: column(row, "held_by", WHAT)?,
        held_s: column(row, "held_s", WHAT)?,
        bloated: column(row, "bloated", WHAT)?,
        not_vacuumed: column(row, "not_vacuumed", WHAT)?,
    })
}
