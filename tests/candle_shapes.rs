//! Every shape that candle files commonly come in, imported by the real program.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/candles.rs"]
mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use support::{candles, candles_with};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/candles").join(name)
}

fn import(dir: &Path, files: &[&Path], more: &[&str]) -> Result<String, String> {
    let files = files.iter().map(|path| path.to_str().unwrap());
    let line: Vec<&str> = ["import"]
        .into_iter()
        .chain(files)
        .chain(["--ticker", "NQ"])
        .chain(more.to_vec())
        .collect();
    candles(dir, &line).map(|said| without_place(dir, &said))
}

/// What an import says, without the last line, which says where the candles are.
fn without_place(dir: &Path, said: &str) -> String {
    let place = format!("into {} (candles.files.dir)\n", dir.display());
    said.strip_suffix(&place).unwrap().to_owned()
}

fn export(dir: &Path) -> String {
    let line = ["export", "--ticker", "NQ", "--timeframe", "1d", "--to", "-"];
    candles(dir, &line).unwrap()
}

const IMPORTED: &str = "imported 8 candles of NQ 1d, 1999-01-04T00:00:00Z to \
                        1999-01-13T00:00:00Z, 0 duplicates, 1 gaps, the longest 2d\n";

#[test]
fn every_shape_gives_the_same_candles() {
    let plain = fs::read_to_string(fixture("plain.csv")).unwrap();
    let mut shapes = 0;
    for entry in fs::read_dir(fixture("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if ["README.md", "binance.zip.CHECKSUM", "unordered.csv"].contains(&name) {
            continue;
        }
        shapes += 1;
        let dir = tempfile::tempdir().unwrap();
        let said = import(dir.path(), &[&path], &[]).unwrap();
        assert!(said.ends_with(IMPORTED), "{name}: {said}");
        assert!(said.starts_with("timeframe 1d: the most frequent step\n"), "{name}: {said}");
        assert_eq!(export(dir.path()), plain, "{name}");
    }
    assert!(shapes > 25, "{shapes} shapes");
}

#[test]
fn the_unit_of_epochs_is_said() {
    for (name, unit) in [
        ("epoch_s.csv", "seconds"),
        ("epoch_float.csv", "seconds"),
        ("kraken.csv", "seconds"),
        ("binance_ms.csv", "milliseconds"),
        ("integers.parquet", "milliseconds"),
        ("binance_us.csv", "microseconds"),
        ("binance.zip", "microseconds"),
        ("epoch_ns.csv", "nanoseconds"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let said = import(dir.path(), &[&fixture(name)], &["--timeframe", "1d"]).unwrap();
        assert_eq!(said, format!("times read as {unit}\n{IMPORTED}"), "{name}");
    }
    let dir = tempfile::tempdir().unwrap();
    let said = import(dir.path(), &[&fixture("plain.csv")], &["--timeframe", "1d"]).unwrap();
    assert_eq!(said, IMPORTED);
}

#[test]
fn disorder_and_duplicates_are_put_right_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let said = import(dir.path(), &[&fixture("unordered.csv")], &["--timeframe", "1d"]).unwrap();
    let imported = IMPORTED.replace("0 duplicates", "1 duplicates");
    assert_eq!(said, format!("7 rows were out of order\n{imported}"));
    assert_eq!(export(dir.path()), fs::read_to_string(fixture("plain.csv")).unwrap());
}

#[test]
fn several_files_are_one_import_and_checksums_are_ignored() {
    let (source, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let plain = fs::read_to_string(fixture("plain.csv")).unwrap();
    let (head, rows) = plain.split_once('\n').unwrap();
    let (early, late) = rows.split_at(rows.match_indices('\n').nth(3).unwrap().0 + 1);
    let (one, two) = (source.path().join("1.csv"), source.path().join("2.csv"));
    fs::write(&one, format!("{head}\n{early}")).unwrap();
    fs::write(&two, format!("{head}\n{late}")).unwrap();
    let checksum = fixture("binance.zip.CHECKSUM");
    let said = import(dir.path(), &[&two, &checksum, &one], &["--timeframe", "1d"]).unwrap();
    assert_eq!(said, format!("1 checksum files ignored\n{IMPORTED}"));
    assert_eq!(export(dir.path()), plain);

    // A second import of one file replaces that file alone, in whatever format it is stored.
    import(dir.path(), &[&two], &["--format", "parquet"]).unwrap();
    let mut names: Vec<_> = fs::read_dir(dir.path().join("NQ/1d"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["1.csv", "2.parquet"]);
    assert_eq!(export(dir.path()), plain);
}

#[test]
fn one_broken_file_of_several_leaves_the_store_as_it_was() {
    let (source, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let broken = source.path().join("broken.csv");
    let plain = fs::read_to_string(fixture("plain.csv")).unwrap();
    fs::write(&broken, format!("{plain}1999-01-14,1,1,1\n")).unwrap();
    import(dir.path(), &[&fixture("plain.csv")], &[]).unwrap();
    let before = fs::read(dir.path().join("NQ/1d/plain.csv")).unwrap();
    let said = import(dir.path(), &[&fixture("yahoo.csv"), &broken], &[]).unwrap_err();
    let place =
        format!("{} line 10: found 4 cells, allowed 6 as in the header\n", broken.display());
    assert_eq!(said, place);
    assert_eq!(fs::read_dir(dir.path().join("NQ/1d")).unwrap().count(), 1);
    assert_eq!(fs::read(dir.path().join("NQ/1d/plain.csv")).unwrap(), before);
}

#[test]
fn standard_input_may_be_any_kind_of_file() {
    for name in ["plain.csv", "packed.csv.gz", "binance.zip", "pandas.parquet"] {
        let dir = tempfile::tempdir().unwrap();
        let said = candles_with(dir.path(), &["import", "-", "--ticker", "NQ"], |command| {
            command.stdin(File::open(fixture(name)).unwrap());
        });
        let said = without_place(dir.path(), &said.unwrap());
        assert!(said.ends_with(IMPORTED), "{name}: {said}");
        assert!(dir.path().join("NQ/1d/stdin.csv").exists());
    }
}

#[test]
fn what_is_exported_can_be_imported_again() {
    let plain = fs::read_to_string(fixture("plain.csv")).unwrap();
    for (format, name) in [("csv", "out.parquet"), ("parquet", "out.csv")] {
        let dir = tempfile::tempdir().unwrap();
        import(dir.path(), &[&fixture("plain.csv")], &["--format", format]).unwrap();
        let file = dir.path().join(name);
        let to = file.to_str().unwrap();
        let line = ["export", "--ticker", "NQ", "--timeframe", "1d", "--to", to];
        let said = candles(dir.path(), &line).unwrap();
        assert_eq!(said, IMPORTED.replace("imported", "exported"));
        let other = tempfile::tempdir().unwrap();
        import(other.path(), &[&file], &[]).unwrap();
        assert_eq!(export(other.path()), plain);
    }
    let dir = tempfile::tempdir().unwrap();
    import(dir.path(), &[&fixture("plain.csv")], &[]).unwrap();
    let line = ["export", "--ticker", "NQ", "--timeframe", "1d", "--to", "out.xls"];
    let message = "--to: found out.xls, allowed a file ending in .csv or .parquet, or -\n";
    assert_eq!(candles(dir.path(), &line).unwrap_err(), message);
}
