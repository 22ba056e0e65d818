//! Any candles come back from either format with the same bits, and no broken file does harm.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proptest::prelude::*;
use sluicegate::candles::{
    CandleReader, CandleRows, FileFormat, FileSource, SeriesKey, generate, write_candle_file,
};
use sluicegate::domain::candles::Candles;

fn key() -> SeriesKey {
    SeriesKey { ticker: "ANY".to_owned(), timeframe: "1m".parse().unwrap() }
}

/// Candles with any times and prices that a candle can have, the odd ones too.
fn any_candles() -> impl Strategy<Value = Candles> {
    let time = -62_167_219_200_000_i64..253_402_300_800_000;
    let price = prop_oneof![
        0.01..1e6_f64,
        prop::num::f64::POSITIVE | prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL,
    ];
    let volume = prop_oneof![Just(0.0), Just(-0.0), 0.0..1e12_f64];
    let row = (time, prop::array::uniform4(price), volume);
    prop::collection::vec(row, 1..60).prop_map(|mut rows| {
        rows.sort_by_key(|(time, ..)| *time);
        rows.dedup_by_key(|(time, ..)| *time);
        let mut candles = Candles::default();
        for (time, mut prices, volume) in rows {
            prices.sort_by(f64::total_cmp);
            let [low, open, close, high] = prices.map(f64::abs);
            let (low, high) =
                (low.min(open).min(close).min(high), high.max(open).max(close).max(low));
            candles.push(time, [open, high, low, close, volume]);
        }
        candles
    })
}

fn bits(candles: &Candles) -> Vec<[u64; 6]> {
    (0..candles.len())
        .map(|at| {
            let columns =
                [&candles.open, &candles.high, &candles.low, &candles.close, &candles.volume];
            let [open, high, low, close, volume] = columns.map(|column| column[at].to_bits());
            [candles.time[at].cast_unsigned(), open, high, low, close, volume]
        })
        .collect()
}

fn read(bytes: &[u8], candles_max: usize) -> Result<CandleRows, String> {
    let mut reader = CandleReader::new(candles_max, &|_| {});
    reader.read_stream(bytes, "a file").map_err(|error| error.to_string())?;
    Ok(reader.into_rows())
}

/// Files of each kind, with a few hundred candles.
fn samples() -> &'static [Vec<u8>] {
    static SAMPLES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let candles = generate("1m".parse().unwrap(), 300, 1, 1_704_067_200_000);
        let mut samples: Vec<Vec<u8>> = FileFormat::ALL
            .iter()
            .map(|format| {
                let path = dir.path().join("sample");
                write_candle_file(&path, *format, &candles, &|_| {}).unwrap();
                fs::read(path).unwrap()
            })
            .collect();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/candles");
        let mut paths: Vec<PathBuf> =
            fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        samples.extend(paths.into_iter().map(|path| fs::read(path).unwrap()));
        samples
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_candles_come_back_from_either_format_with_the_same_bits(candles in any_candles()) {
        for format in FileFormat::ALL {
            let dir = tempfile::tempdir().unwrap();
            let store = FileSource::new(dir.path());
            store.write_files(&key(), [("a", &candles)], format, &|_| {}).unwrap();
            let series = store.read_series(&key()).unwrap();
            prop_assert_eq!(bits(series.candles()), bits(&candles));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_or_mutated_file_is_read_or_refused(
        sample in prop::sample::select(samples().to_vec()),
        cut in prop::option::of(any::<prop::sample::Index>()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = sample;
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        match read(&bytes, 1_000) {
            Ok(rows) => {
                let candles = &rows.candles;
                prop_assert!(candles.len() <= 1_000);
                for column in [&candles.open, &candles.high, &candles.low, &candles.close] {
                    prop_assert_eq!(column.len(), candles.len());
                    prop_assert!(column.iter().all(|price| price.is_finite() && *price > 0.0));
                }
                prop_assert_eq!(candles.volume.len(), candles.len());
            }
            Err(error) => {
                prop_assert!(error.contains("a file"), "{}", error);
                prop_assert!(!error.contains('\n'), "{}", error);
            }
        }
    }
}
