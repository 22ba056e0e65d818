//! The manifests for Kubernetes and the image, against each other and against the settings.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sluicegate::settings::{Environment, Settings, load};
use sqlx::AssertSqlSafe;
use support::TestDatabase;
use tempfile::TempDir;
use walkdir::WalkDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The documents of a file; a key that is there twice is an error.
fn documents(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files of manifests.
fn files() -> Vec<PathBuf> {
    let yaml = |path: &Path| path.extension().is_some_and(|end| end == "yaml" || end == "yml");
    let walk = ["k8s", "monitoring", "config"].into_iter().flat_map(|folder| {
        WalkDir::new(root().join(folder)).sort_by_file_name().into_iter().filter_map(Result::ok)
    });
    let found: Vec<_> =
        walk.map(|entry| entry.path().to_owned()).filter(|path| yaml(path)).collect();
    assert!(found.len() > 15, "{} files", found.len());
    found
}

/// The one document of this kind in the base.
fn base(kind: &str) -> Value {
    let folder = root().join("k8s/base");
    let of_base = files().into_iter().filter(|path| path.starts_with(&folder));
    let mut found = of_base.flat_map(|path| documents(&path)).filter(|one| one["kind"] == kind);
    found.next().unwrap_or_else(|| panic!("no {kind} in the base"))
}

fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

const POD: &str = "/spec/template/spec";

fn pod() -> Value {
    at(&base("Deployment"), POD).clone()
}

/// The settings that a container of the base would have, with secrets in a folder of the test.
fn settings_of(container: &Value) -> Settings {
    let secrets: TempDir = tempfile::tempdir().unwrap();
    let example = &documents(&root().join("k8s/secret.example.yaml"))[0];
    for (key, text) in at(example, "/stringData").as_object().unwrap() {
        fs::write(secrets.path().join(key), format!("{}\n", text.as_str().unwrap())).unwrap();
    }
    let mounted = secrets.path().to_str().unwrap();
    let variables: BTreeMap<String, String> = list(&container["env"])
        .iter()
        .map(|one| {
            let value = one["value"].as_str().unwrap();
            let value = value.replace("/run/secrets/sluicegate", mounted);
            let value = value.replace("/etc/sluicegate", root().join("config").to_str().unwrap());
            (one["name"].as_str().unwrap().to_owned(), value)
        })
        .collect();
    let environment = Environment { variables, config_dir: None, working_dir: PathBuf::new() };
    load(&environment).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_file_can_be_read_and_is_named_by_the_kustomization_beside_it() {
    for path in files() {
        let documents = documents(&path);
        let name = path.file_name().unwrap().to_str().unwrap();
        if name != "kustomization.yaml" {
            let folder = path.parent().unwrap();
            let beside = folder.join("kustomization.yaml");
            let named = fs::read_to_string(&beside).is_ok_and(|text| text.contains(name));
            let alone = ["secret.example.yaml", "alerts.yaml", "alerts.test.yaml"].contains(&name);
            assert!(named || alone, "nobody names {}", path.display());
            continue;
        }
        for resource in list(&documents[0]["resources"]) {
            let resource = path.parent().unwrap().join(resource.as_str().unwrap());
            assert!(resource.exists(), "{}: {}", path.display(), resource.display());
        }
        for generator in list(&documents[0]["configMapGenerator"]) {
            for file in list(&generator["files"]) {
                let file = file.as_str().unwrap().rsplit('=').next().unwrap();
                assert!(path.with_file_name(file).is_file(), "{}: {file}", path.display());
            }
        }
    }
}

#[test]
fn what_containers_are_started_with_are_settings_that_hold() {
    for container in list(&pod()["containers"]).iter().chain(list(&pod()["initContainers"])) {
        let settings = settings_of(container);
        assert!(settings.database.url.starts_with("postgres://sluicegate_"));
        let mounts: Vec<&str> = list(&container["volumeMounts"])
            .iter()
            .map(|mount| mount["name"].as_str().unwrap())
            .collect();
        for mount in mounts {
            let has = |volume: &&Value| volume["name"] == mount;
            assert!(list(&pod()["volumes"]).iter().any(|volume| has(&volume)), "no volume {mount}");
        }
    }
    let owner = settings_of(&pod()["initContainers"][0]);
    assert!(owner.database.url.contains("sluicegate_owner"), "migrations are the owner's");
}

#[test]
fn the_port_is_that_of_the_settings_everywhere() {
    let container = &pod()["containers"][0];
    let settings = settings_of(container);
    let port = settings.http.listen.rsplit(':').next().unwrap().parse::<u64>().unwrap();
    let ports = &container["ports"][0];
    assert_eq!(ports["containerPort"], port);
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        assert_eq!(at(container, &format!("/{probe}/httpGet/port")), &ports["name"], "{probe}");
    }
    assert!(read("Dockerfile").contains(&format!("EXPOSE {port}\n")));
    assert_eq!(at(&base("NetworkPolicy"), "/spec/ingress/0/ports/0/port"), &ports["name"]);
    let monitor = &documents(&root().join("k8s/overlays/monitoring/pod-monitor.yaml"))[0];
    assert_eq!(at(monitor, "/spec/podMetricsEndpoints/0/port"), &ports["name"]);
}

#[test]
fn a_pod_has_time_to_drain_and_a_loop_time_to_be_slow() {
    let settings = settings_of(&pod()["containers"][0]);
    let grace_s = pod()["terminationGracePeriodSeconds"].as_u64().unwrap();
    let needed_ms = settings.worker.drain_ms + 2 * settings.worker.abort_ms;
    assert!(grace_s * 1_000 > needed_ms, "{grace_s} s for {needed_ms} ms");
}

#[test]
fn selectors_are_the_labels_of_the_pods() {
    let deployment = base("Deployment");
    let labels = at(&deployment, "/spec/template/metadata/labels");
    let monitor = documents(&root().join("k8s/overlays/monitoring/pod-monitor.yaml")).remove(0);
    for (document, pointer) in [
        (&deployment, "/spec/selector/matchLabels"),
        (&deployment, "/spec/template/spec/topologySpreadConstraints/0/labelSelector/matchLabels"),
        (&base("PodDisruptionBudget"), "/spec/selector/matchLabels"),
        (&base("NetworkPolicy"), "/spec/podSelector/matchLabels"),
        (&monitor, "/spec/selector/matchLabels"),
    ] {
        assert_eq!(at(document, pointer), labels, "{pointer}");
    }
    let budget = at(&base("PodDisruptionBudget"), "/spec/minAvailable").as_u64().unwrap();
    assert!(at(&deployment, "/spec/replicas").as_u64().unwrap() > budget, "a node can be drained");
}

#[test]
fn ten_replicas_use_at_most_eight_connections_each() {
    let settings = settings_of(&pod()["containers"][0]);
    // The lease and the session have one each.
    let each = u64::from(settings.database.max_connections) + 2;
    assert!(each <= 8, "{each} connections");
    for (file, pointer) in [
        ("autoscale/scaled-object.yaml", "/spec/maxReplicaCount"),
        ("autoscale-cpu/horizontal-pod-autoscaler.yaml", "/spec/maxReplicas"),
    ] {
        let documents = documents(&root().join("k8s/overlays").join(file));
        let most = documents.iter().find_map(|one| one.pointer(pointer)).unwrap().as_u64().unwrap();
        assert!(most * each <= 80, "{file}: {most} replicas");
    }
}

#[test]
fn nothing_runs_as_root_or_writes_where_it_must_not() {
    let user = at(&pod(), "/securityContext/runAsUser").as_u64().unwrap();
    assert!(read("Dockerfile").contains(&format!("USER {user}:{user}\n")));
    let settings = settings_of(&pod()["containers"][0]);
    let pod_of_base = pod();
    let writable = list(&pod_of_base["containers"][0]["volumeMounts"])
        .iter()
        .find(|one| one["name"] == "state");
    let writable = writable.unwrap()["mountPath"].as_str().unwrap();
    assert!(settings.candles.disk.dir.starts_with(writable), "the cache is on the volume");
    let volume = list(&pod()["volumes"]).iter().find(|one| one["name"] == "state").unwrap().clone();
    let size = at(&volume, "/emptyDir/sizeLimit").as_str().unwrap();
    let gib: u64 = size.strip_suffix("Gi").unwrap().parse().unwrap();
    assert!(gib * 1_024 > settings.candles.disk.mb_max, "{size}");
    let deployments = files()
        .into_iter()
        .flat_map(|path| documents(&path))
        .filter(|one| one["kind"] == "Deployment");
    let mut seen = 0;
    for deployment in deployments {
        let pod = at(&deployment, POD);
        assert_eq!(at(pod, "/securityContext/runAsNonRoot"), true);
        assert_eq!(at(pod, "/securityContext/seccompProfile/type"), "RuntimeDefault");
        for container in list(&pod["containers"]).iter().chain(list(&pod["initContainers"])) {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false);
            assert_eq!(context["readOnlyRootFilesystem"], true);
            assert_eq!(at(context, "/capabilities/drop/0"), "ALL");
            assert!(container["resources"]["limits"]["memory"].is_string());
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen} containers");
    assert_eq!(base("ServiceAccount")["automountServiceAccountToken"], false);
}

#[tokio::test]
async fn the_query_that_scales_can_be_asked_of_a_real_database() {
    let objects = documents(&root().join("k8s/overlays/autoscale/scaled-object.yaml"));
    let query = objects.iter().find_map(|one| one.pointer("/spec/triggers/0/metadata/query"));
    let query = query.unwrap().as_str().unwrap().to_owned();
    let db = TestDatabase::new().await;
    let insert = r#"insert into sluicegate.jobs (user_id, kind, spec)
                    select 'alice', 'sleep', '{"seconds": 0}' from generate_series(1, 7)"#;
    sqlx::query(insert).execute(db.pool()).await.unwrap();
    let asked = format!("select ({query})::bigint");
    let depth: i64 = sqlx::query_scalar(AssertSqlSafe(asked)).fetch_one(db.pool()).await.unwrap();
    assert_eq!(depth, 7);
}
