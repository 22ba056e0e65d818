//! Values that no row may have: refused at the INSERT, by constraints whose names say why.

use crate::rig::Rig;

#[tokio::test]
async fn a_value_that_cannot_be_is_refused_by_a_constraint_that_says_why() {
    let rig = Rig::new().await;
    let text = |length: usize| format!("'{}'", "x".repeat(length));
    let cases = [
        ("jobs", "user_id", text(0), "user_id_is_1_to_200_characters"),
        ("jobs", "user_id", text(201), "user_id_is_1_to_200_characters"),
        ("jobs", "kind", text(0), "kind_is_1_to_100_characters"),
        ("jobs", "priority", "1000001".to_owned(), "priority_is_within_a_million"),
        ("jobs", "max_failures", "0".to_owned(), "max_failures_is_1_to_1000"),
        ("jobs", "timeout_s", "0".to_owned(), "timeout_s_is_1_second_to_30_days"),
        ("jobs", "seq", "1".to_owned(), "seq_comes_with_bundle_id"),
        ("bundles", "user_id", text(201), "user_id_is_1_to_200_characters"),
        ("bundles", "name", text(201), "name_is_at_most_200_characters"),
        ("bundles", "dedupe_key", text(0), "dedupe_key_is_1_to_200_characters"),
        ("bundles", "priority", "-1000001".to_owned(), "priority_is_within_a_million"),
        ("bundles", "status", text(3), "status_is_known"),
        ("bundles", "completed", "-1".to_owned(), "counts_fit_total"),
        ("commands", "user_id", text(0), "user_id_is_1_to_200_characters"),
        ("commands", "action", text(101), "action_is_1_to_100_characters"),
    ];
    for (table, column, value, constraint) in cases {
        let refused = rig.try_run(&insert(table, column, &value)).await.unwrap_err();
        let expected = format!(
            "new row for relation \"{table}\" violates check constraint \"{table}_{constraint}\""
        );
        assert_eq!(refused, expected, "{column} = {value}");
    }
}

#[tokio::test]
async fn a_spec_of_more_than_a_megabyte_is_refused() {
    let rig = Rig::new().await;
    let random = "(select jsonb_agg(md5(n::text)) from generate_series(1, 40000) n)";
    let refused = rig.try_run(&insert("jobs", "spec", random)).await.unwrap_err();
    assert!(refused.contains("jobs_spec_is_at_most_a_megabyte"), "{refused}");
}

#[tokio::test]
async fn a_command_names_a_bundle_or_a_job_or_neither() {
    let rig = Rig::new().await;
    let refused = rig
        .try_run(
            "insert into sluicegate.commands (user_id, action, bundle_id, job_id)
             values ('alice', 'cancel', gen_random_uuid(), 1)",
        )
        .await
        .unwrap_err();
    assert!(refused.contains("commands_name_a_bundle_or_a_job_not_both"), "{refused}");
}

/// An INSERT in which only one value is unusual.
fn insert(table: &str, column: &str, value: &str) -> String {
    let usual: &[(&str, &str)] = match table {
        "jobs" => &[("user_id", "'alice'"), ("spec", "'{}'")],
        "bundles" => &[
            ("user_id", "'alice'"),
            ("ticker_variants", "'[]'"),
            ("date_ranges", "'[]'"),
            ("scenario_variants", "'[]'"),
        ],
        _ => &[("user_id", "'alice'"), ("action", "'cancel'")],
    };
    let others = usual.iter().filter(|(name, _)| *name != column);
    let (names, values): (Vec<&str>, Vec<&str>) = others.copied().chain([(column, value)]).unzip();
    format!("insert into sluicegate.{table} ({}) values ({})", names.join(", "), values.join(", "))
}
