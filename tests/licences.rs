//! What the program is made of: every crate has a checksum, and a licence that `deny.toml` allows.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use config::{Config, File};
use serde_json::Value;
use spdx::Expression;

fn texts(value: &Value) -> BTreeSet<&str> {
    value.as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

#[test]
fn every_crate_of_the_program_is_told_and_its_licence_is_allowed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let told = Command::new(root.join("scripts/sbom")).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let rules = Config::builder().add_source(File::from(root.join("deny.toml"))).build().unwrap();
    let rules: Value = rules.try_deserialize().unwrap();
    let licences = rules.get("licenses").unwrap();
    let allowed = texts(licences.get("allow").unwrap());
    let exceptions = licences.get("exceptions").unwrap().as_array().unwrap();
    let components = told.pointer("/components").unwrap().as_array().unwrap();
    for component in components {
        let text = |pointer: &str| component.pointer(pointer).and_then(Value::as_str).unwrap();
        let name = text("/name");
        let own = exceptions.iter().find(|rule| rule.get("crate").unwrap().as_str() == Some(name));
        let own = own.map(|rule| texts(rule.get("allow").unwrap())).unwrap_or_default();
        let licence = text("/licenses/0/expression");
        let is_allowed = Expression::parse(licence).unwrap().evaluate(|needed| {
            let needed = needed.to_string();
            allowed.contains(needed.as_str()) || own.contains(needed.as_str())
        });
        assert!(is_allowed, "{name}: {licence}");
        assert_eq!(text("/hashes/0/content").len(), 64, "{name}");
    }
    let names: BTreeSet<&str> =
        components.iter().filter_map(|component| component.pointer("/name")?.as_str()).collect();
    assert!(names.contains("tokio") && names.contains("sqlx"), "{names:?}");
    assert!(!names.contains("proptest"), "what only tests need is no part of it");
}
