//! The whole path through a real `PgBouncer` in transaction mode.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::history;
use crate::scene::{
    PATIENCE, insert_bundle, insert_cancel, insert_job_of, insert_sleeps, one, stuck, until,
    until_all_ended,
};
use crate::support::{DaemonProcess, TestDatabase, eventually};

#[tokio::test]
#[ignore = "needs pgbouncer"]
async fn everything_works_through_a_pooler_in_transaction_mode() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query("drop schema sluicegate cascade").execute(pool).await.unwrap();
    let (_bouncer, _folder, url) = start_pgbouncer(&database).await;
    let mut daemons: Vec<DaemonProcess> =
        (0..3).map(|_| DaemonProcess::run(&url, &[("database.pooled", "true")])).collect();
    until(pool, "select to_regclass('sluicegate.workers') is not null").await;
    until(pool, "select count(*) = 3 from sluicegate.workers").await;
    insert_bundle(pool, 3).await;
    insert_sleeps(pool, 100, 10, 5).await;
    let job = insert_job_of(pool, "bob", "sleep", &stuck()).await;
    until(pool, "select count(*) = 1 from sluicegate.job_status where user_id = 'bob' and status = 'running'").await;
    insert_cancel(pool, "bob", None, Some(job)).await;
    until_all_ended(pool).await;
    history::check(pool).await;
    assert_eq!(one::<String>(pool, "select status from sluicegate.bundles").await, "completed");
    daemons.iter().for_each(DaemonProcess::terminate);
    for daemon in &mut daemons {
        assert_eq!(daemon.wait(PATIENCE).await.code(), Some(0));
        let log = daemon.log();
        assert!(!log.contains("prepared statement") && !log.contains(" WARN "), "{log}");
    }
}

/// A pooler with few server connections, so that clients change servers all the time.
async fn start_pgbouncer(database: &TestDatabase) -> (DaemonProcess, TempDir, String) {
    let server: sqlx::postgres::PgConnectOptions = database.url().parse().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = tempfile::Builder::new().prefix("pgbouncer-").tempdir().unwrap();
    let (name, users) = (database.name(), folder.path().join("users"));
    fs::write(&users, "\"postgres\" \"\"\n").unwrap();
    let config = folder.path().join("pgbouncer.ini");
    let (host, server_port, users) = (server.get_host(), server.get_port(), users.display());
    fs::write(
        &config,
        format!(
            "[databases]\n{name} = host={host} port={server_port} user=postgres\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\nauth_file = {users}\npool_mode = transaction\n\
             default_pool_size = 4\n"
        ),
    )
    .unwrap();
    // Debian's folder, which only root has in its path.
    let installed = Path::new("/usr/sbin/pgbouncer");
    let program = if installed.exists() { installed } else { Path::new("pgbouncer") };
    let mut command = Command::new(program);
    if nix::unistd::geteuid().is_root() {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        command.args(["-u", "nobody"]);
    }
    command.arg(&config);
    let bouncer = DaemonProcess::of(command);
    eventually(PATIENCE, "the pooler listens", async || {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
    })
    .await;
    (bouncer, folder, format!("postgres://postgres@127.0.0.1:{port}/{name}"))
}
