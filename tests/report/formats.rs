//! The ranking in every format is the ranking of the table.

use std::fs;
use std::fs::File;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;

use crate::scene::Scene;

const FIGURES: [&str; 6] =
    ["sharpe", "total_return", "max_drawdown", "profit_factor", "trade_count", "expectancy_r"];

#[tokio::test]
async fn csv_json_and_parquet_are_the_rows_of_the_results() {
    let scene = Scene::new().await;
    let bundle = scene.bundle().await.to_string();
    let ranked = scene.ranked(bundle.parse().unwrap()).await;
    let folder = tempfile::tempdir().unwrap();

    let said = scene.report(&[&bundle, "--format", "csv"]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("\r\n"), "lines end as RFC 4180 has it");
    csv_is_the_table(&said.out, &ranked);

    let file = folder.path().join("report.json");
    let said = scene.report(&["--last", "--user", "alice", "-o", file.to_str().unwrap()]).await;
    assert_eq!((said.code, said.err.as_str(), said.out.as_str()), (0, "", ""));
    let document: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(document["bundle"]["id"], bundle.as_str());
    assert_eq!(document["summary"]["ranked_by"], "sharpe");
    assert_eq!(document["failures"][0]["jobs"], 12);
    let results = document["results"].as_array().unwrap();
    assert_eq!(results.len(), ranked.len());
    for (at, (found, stored)) in results.iter().zip(&ranked).enumerate() {
        let mut stored = stored.clone();
        stored["rank"] = Value::from(at + 1);
        assert_eq!(found, &stored);
    }

    let file = folder.path().join("report.parquet");
    let said = scene.report(&[&bundle, "-o", file.to_str().unwrap()]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    parquet_is_the_table(File::open(&file).unwrap(), &ranked);

    let said = scene.report(&[&bundle, "--format", "markdown"]).await;
    assert!(said.out.contains("| Deflated Sharpe ratio | "), "{}", said.out);
    assert!(said.out.contains("The best 12 of 12 variants"), "{}", said.out);
    assert!(said.out.contains("&lt;script>alert"), "{}", said.out);
    let rows = said.out.lines().filter(|line| line.starts_with("| 1 |")).count();
    assert_eq!(rows, 1, "{}", said.out);
}

fn csv_is_the_table(text: &str, ranked: &[Value]) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let heads = reader.headers().unwrap().clone();
    let at = |name: &str| heads.iter().position(|head| head == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), ranked.len());
    for (row, stored) in rows.iter().zip(ranked) {
        assert_eq!(row[at("job_id")], stored["job_id"].to_string());
        let scenario: Value = serde_json::from_str(&row[at("scenario")]).unwrap();
        assert_eq!(scenario, stored["scenario"]);
        for name in FIGURES {
            let found: Option<f64> = row[at(name)].parse().ok();
            assert_eq!(found, stored[name].as_f64(), "{name}");
        }
    }
}

fn parquet_is_the_table(file: File, ranked: &[Value]) {
    let reader = SerializedFileReader::new(file).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), ranked.len());
    for (row, stored) in rows.iter().zip(ranked) {
        let field = |name: &str| row.get_column_iter().find(|(found, _)| *found == name).unwrap().1;
        assert_eq!(field("job_id"), &Field::Long(stored["job_id"].as_i64().unwrap()));
        assert_eq!(field("ticker"), &Field::Str(stored["ticker"].as_str().unwrap().to_owned()));
        assert!(matches!(field("from_time"), Field::TimestampMillis(_)));
        for name in FIGURES {
            let expected = stored[name].as_f64().map_or(Field::Null, Field::Double);
            assert_eq!(field(name), &expected, "{name}");
        }
    }
}
