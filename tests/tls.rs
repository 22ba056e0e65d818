//! Over TLS: Postgres, `InfluxDB` and a collector of traces, each with a certificate of an authority that the
//! program is told of; and not a word to one whose certificate somebody else has signed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use sluicegate::private_postgres::{Options, PrivatePostgres};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use support::{DaemonProcess, InfluxServer, TestDatabase, eventually};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

const PATIENCE: Duration = Duration::from_secs(60);

/// An authority, and a server's certificate for the loopback signed by it.
struct Signed {
    folder: TempDir,
    server: rcgen::Certificate,
    key: KeyPair,
}

impl Signed {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(params, authority_key);
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().unwrap();
        let server =
            CertificateParams::new(names.to_vec()).unwrap().signed_by(&key, &issuer).unwrap();
        let folder = tempfile::Builder::new().prefix("sluicegate-tls-").tempdir().unwrap();
        fs::write(folder.path().join("authority.pem"), authority.pem()).unwrap();
        Self { folder, server, key }
    }

    /// The authority's certificate, a file.
    fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Writes the server's certificate and its key, for whom `folder` belongs to.
    fn write_to(&self, folder: &Path) -> [PathBuf; 2] {
        let owner = fs::metadata(folder).unwrap();
        [("server.pem", self.server.pem()), ("server.key", self.key.serialize_pem())].map(
            |(name, pem)| {
                let file = folder.join(name);
                fs::write(&file, pem).unwrap();
                fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                    .unwrap();
                chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
                file
            },
        )
    }
}

/// What `sluicegate doctor` says with these variables.
fn doctor(variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
    let output = command.arg("doctor").envs(variables.iter().copied()).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// A Postgres of its own that offers TLS.
async fn postgres(signed: &Signed) -> (PrivatePostgres, PgConnection) {
    let server = PrivatePostgres::start(&Options::fast()).unwrap();
    let [certificate, key] = signed.write_to(server.socket_dir());
    let mut connection = PgConnection::connect(&server.admin_url()).await.unwrap();
    for order in [
        format!("alter system set ssl_cert_file = '{}'", certificate.display()),
        format!("alter system set ssl_key_file = '{}'", key.display()),
        "alter system set ssl = on".to_owned(),
        "select pg_reload_conf()".to_owned(),
    ] {
        sqlx::raw_sql(AssertSqlSafe(order)).execute(&mut connection).await.unwrap();
    }
    let url = format!("{}?sslmode=require", server.admin_url());
    eventually(PATIENCE, "the server offers TLS", async || {
        PgConnection::connect(&url).await.is_ok()
    })
    .await;
    (server, connection)
}

#[tokio::test]
async fn every_connection_to_postgres_is_encrypted_and_the_server_is_who_it_says() {
    let (signed, other) = (Signed::new(), Signed::new());
    let (server, mut connection) = postgres(&signed).await;
    let url = |authority: &Signed| {
        let file = authority.authority();
        format!("{}?sslmode=verify-full&sslrootcert={}", server.admin_url(), file.display())
    };
    let _daemon = DaemonProcess::run(&url(&signed), &[]);
    let ready =
        "select count(*) from pg_tables where schemaname = 'sluicegate' and tablename = 'jobs'";
    eventually(PATIENCE, "the schema", async || {
        sqlx::query_scalar::<_, i64>(ready).fetch_one(&mut connection).await.unwrap() == 1
    })
    .await;
    let insert = "insert into sluicegate.jobs (user_id, kind, spec) values ('alice', 'sleep', '{\"seconds\": 0}')";
    sqlx::query(insert).execute(&mut connection).await.unwrap();
    let completed = "select count(*) from sluicegate.outcomes where status = 1";
    eventually(PATIENCE, "the job ends", async || {
        sqlx::query_scalar::<_, i64>(completed).fetch_one(&mut connection).await.unwrap() == 1
    })
    .await;
    let sessions = "select count(*), count(*) filter (where not s.ssl)
                      from pg_stat_ssl s join pg_stat_activity a using (pid)
                     where a.application_name like 'sluicegate%'";
    let (all, plain): (i64, i64) =
        sqlx::query_as(sessions).fetch_one(&mut connection).await.unwrap();
    assert!(all >= 3, "{all}");
    assert_eq!(plain, 0);

    let said = doctor(&[("DATABASE_URL", &url(&signed))]);
    assert!(said.contains("ok       encryption   encrypted"), "{said}");
    let said = doctor(&[("DATABASE_URL", &url(&other))]);
    assert!(said.contains("wrong    connection") && said.contains("certificate"), "{said}");
}

#[tokio::test]
async fn candles_come_from_an_influxdb_behind_tls() {
    let (signed, other, db) = (Signed::new(), Signed::new(), TestDatabase::new().await);
    let [certificate, key] = signed.write_to(signed.folder.path());
    let authority = fs::read(signed.authority()).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder().tls_certs_only([authority]).build().unwrap();
    let server = InfluxServer::start_with_tls(&certificate, &key, &client).await;
    server.order("CREATE DATABASE market").await;
    server.write("candles,ticker=MINE,timeframe=1d open=1,high=2,low=1,close=2,volume=3 0").await;
    let url = db.url();
    let said = |trusted: &Path| {
        doctor(&[
            ("DATABASE_URL", &*url),
            ("SLUICEGATE__CANDLES__SOURCE", "influx"),
            ("SLUICEGATE__CANDLES__INFLUX__URL", server.url()),
            ("SLUICEGATE__CANDLES__INFLUX__ATTEMPTS_MAX", "1"),
            ("SSL_CERT_FILE", trusted.to_str().unwrap()),
        ])
    };
    let trusted = said(&signed.authority());
    assert!(trusted.contains("ok       candles      1 series"), "{trusted}");
    let refused = said(&other.authority());
    assert!(refused.contains("wrong    candles") && refused.contains("certificate"), "{refused}");
}

/// A collector behind TLS: where it is, and what it is sent.
async fn collector(signed: &Signed) -> (String, mpsc::Receiver<String>) {
    let key = PrivatePkcs8KeyDer::from(signed.key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.server.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sent, kept) = mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.unwrap();
            let mut request = Vec::new();
            // One batch is small; it ends with the braces that close it.
            while !request.ends_with(b"}]}]}") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0, "it ends early");
            }
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.ok();
            sent.send(String::from_utf8(request).unwrap()).await.ok();
        }
    });
    (format!("https://{address}"), kept)
}

#[tokio::test]
async fn traces_go_to_a_collector_behind_tls() {
    let (signed, db) = (Signed::new(), TestDatabase::new().await);
    let (endpoint, mut kept) = collector(&signed).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
    command.arg("run").envs([
        ("DATABASE_URL", &*db.url()),
        ("SLUICEGATE__HTTP__LISTEN", ""),
        ("SLUICEGATE__TRACES__ENDPOINT", &endpoint),
        ("SLUICEGATE__TRACES__SAMPLE", "1"),
        ("SSL_CERT_FILE", signed.authority().to_str().unwrap()),
    ]);
    let _daemon = DaemonProcess::of(command);
    let insert = "insert into sluicegate.jobs (user_id, kind, spec) values ('alice', 'sleep', '{\"seconds\": 0}')";
    sqlx::query(insert).execute(db.pool()).await.unwrap();
    let request = tokio::time::timeout(PATIENCE, kept.recv()).await.unwrap().unwrap();
    assert!(request.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\"name\":\"job\""), "{request}");
}
