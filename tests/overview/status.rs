//! `sluicegate status`: one screenful, one bundle, and JSON for programs.

use serde_json::Value;

use crate::scene::Scene;

#[tokio::test]
async fn status_shows_all_of_it_in_one_screenful_and_one_bundle_in_full() {
    let scene = Scene::new(&[]).await;
    scene.overview(|_| true).await;
    let (code, all, complaint) = scene.sluicegate(&["status"]);
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    for word in
        ["2 live workers", "pending_job", "outcome", "alice", "rejected", "takes long", "carol"]
    {
        assert!(all.contains(word), "{word}\n{all}");
    }
    assert!(all.lines().count() <= 50, "{all}");
    assert!(!all.contains('\u{1b}') && all.is_ascii(), "{all}");
    assert!(all.lines().skip(1).all(|line| line.len() <= 80), "{all}");

    let beginning: String = scene.ended.simple().to_string().chars().take(10).collect();
    let (code, one, complaint) = scene.sluicegate(&["status", &beginning]);
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    for word in
        [&scene.ended.to_string(), "completed", "3 in all", "BEST VARIANTS", "sma_cross", "verdict"]
    {
        assert!(one.contains(word), "{word}\n{one}");
    }
}

#[tokio::test]
async fn status_speaks_json_and_says_what_is_wrong_with_an_id() {
    let scene = Scene::new(&[]).await;
    scene.overview(|_| true).await;
    let json = |arguments: &[&str]| {
        let (code, text, complaint) = scene.sluicegate(arguments);
        assert_eq!((code, complaint.as_str()), (Some(0), ""));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let all = json(&["status", "--json"]);
    assert_eq!(all["workers"].as_array().unwrap().len(), 2);
    assert_eq!(all["pipes"].as_array().unwrap().len(), 9);
    assert_eq!(all["bundles"].as_array().unwrap().len(), 3);
    assert_eq!(all["failures"][0]["user_id"], "carol");
    assert_eq!(all["open_bundles"], 1);
    let bundle = json(&["status", &scene.ended.to_string(), "--json"]);
    assert_eq!((&bundle["status"], &bundle["completed"]), (&"completed".into(), &3.into()));
    assert_eq!(bundle["best"].as_array().unwrap().len(), 3);
    let of_alice = json(&["status", "--json", "--user", "alice"]);
    assert_eq!(of_alice["bundles"].as_array().unwrap().len(), 1);
    assert_eq!(of_alice["failures"], Value::Array(Vec::new()));

    for (given, said) in [
        ("zzzz", "allowed an id or its first 4 to 32 digits"),
        ("abc", "allowed an id or its first 4 to 32 digits"),
        ("00000000-0000-0000-0000-000000000000", "there is no bundle 00000000-"),
        ("00000000", "which no bundle's id begins with"),
    ] {
        let (code, text, complaint) = scene.sluicegate(&["status", given]);
        assert_eq!((code, text.as_str()), (Some(1), ""));
        assert!(complaint.contains(said) && complaint.lines().count() == 1, "{complaint}");
    }
}
