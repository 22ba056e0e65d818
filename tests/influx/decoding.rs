//! The decoders on recorded answers: whole, in pieces, cut at each byte, changed at random.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use sluicegate::candles::influx::decode::{
    CandleRows, CsvDecoder, DecodeError, Decoder, JsonDecoder,
};
use sluicegate::domain::candles::Candles;

use crate::{MANY, ms};

const FIELDS: [&str; 5] = ["open", "high", "low", "close", "volume"];

fn body(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/influx2");
    let bytes = fs::read(path.join(format!("{name}.http"))).unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    bytes[end + 4..].to_vec()
}

fn csv() -> CsvDecoder {
    CsvDecoder::new(std::iter::once("_time").chain(FIELDS))
}

fn json() -> JsonDecoder {
    JsonDecoder::new(std::iter::once("time").chain(FIELDS))
}

type Decoded = Result<(Candles, u64), DecodeError>;

/// Feeds an answer in pieces that end at `borders`.
fn decode(mut decoder: impl Decoder, body: &[u8], borders: &[usize]) -> Decoded {
    let mut rows = CandleRows::new(i64::MIN..i64::MAX, MANY, 0);
    let mut start = 0;
    for end in borders.iter().copied().chain([body.len()]) {
        decoder.feed(&body[start..end.max(start)], &mut rows)?;
        start = end.max(start);
    }
    decoder.finish()?;
    let (candles, incomplete) = rows.into_candles();
    Ok((candles, incomplete.len() as u64))
}

#[test]
fn the_same_candles_come_from_csv_with_and_without_annotations_and_from_json() {
    let (candles, incomplete) = decode(csv(), &body("pivoted"), &[]).unwrap();
    assert_eq!((candles.len(), incomplete), (24, 0));
    assert_eq!(candles.time[0], ms("1999-01-04"));
    assert_eq!(
        (candles.open[0], candles.high[0], candles.low[0], candles.close[0], candles.volume[0]),
        (2_207.540_039, 2_233.570_068, 2_192.679_932, 2_208.050_049, 936_660_000.0)
    );
    assert_eq!(decode(csv(), &body("pivoted_no_dialect"), &[]).unwrap().0, candles);
    // Recorded over a span that ends a week later.
    let (longer, _) = decode(json(), &body("v1_chunked"), &[]).unwrap();
    assert_eq!(longer.len(), 29);
    assert_eq!(
        (&longer.time[..24], &longer.volume[..24]),
        (&candles.time[..], &candles.volume[..])
    );
    assert_eq!((&longer.open[..24], &longer.close[..24]), (&candles.open[..], &candles.close[..]));
    // Two tables, each with a header of its own.
    let (both, _) = decode(csv(), &body("two_series"), &[]).unwrap();
    assert_eq!(both.len(), 48);
    assert_eq!(both.time[..24], candles.time);
    assert_eq!(both.time[24..], candles.time);
    assert_ne!(both.open[24..], candles.open);
}

#[test]
fn a_header_without_annotations_is_found_after_a_blank_line() {
    let once = body("pivoted_no_dialect");
    let other_order = b",result,table,volume,_time,open,high,low,close\r\n\
        ,_result,1,9,1999-03-01T00:00:00Z,1,2,3,4\r\n\r\n";
    let (candles, _) = decode(csv(), &[&once[..], other_order].concat(), &[]).unwrap();
    assert_eq!(candles.len(), 25);
    assert_eq!((candles.open[24], candles.close[24], candles.volume[24]), (1.0, 4.0, 9.0));
}

#[test]
fn a_line_break_inside_a_quoted_cell_is_no_end_of_a_table() {
    let text = b",result,table,_time,open,high,low,close,note\r\n\
        ,_result,0,1999-03-01T00:00:00Z,1,2,3,4,\"a\r\n\r\nb \"\"c\"\"\"\r\n\
        ,_result,0,1999-03-02T00:00:00Z,1,2,3,4,\r\n\r\n";
    let (candles, _) = decode(csv(), text, &[]).unwrap();
    assert_eq!(candles.time, [ms("1999-03-01"), ms("1999-03-02")]);
}

#[test]
fn a_row_without_a_price_is_left_out_and_counted_and_one_without_a_volume_is_not() {
    for (name, decoded) in [
        ("csv", decode(csv(), &body("missing_field"), &[])),
        ("json", decode(json(), &body("v1_missing_field"), &[])),
    ] {
        let (candles, incomplete) = decoded.unwrap();
        assert_eq!((candles.volume, incomplete), (vec![10.0, 0.0, 12.0], 0), "{name}");
    }
    let csv_text = String::from_utf8(body("missing_field")).unwrap();
    let csv_text = csv_text.replace(",2.5,1,1.5,", ",,1,1.5,");
    let json_text = String::from_utf8(body("v1_missing_field")).unwrap();
    let json_text = json_text.replace("1.5,2.5,1,2,null", "1.5,null,1,2,null");
    for decoded in
        [decode(csv(), csv_text.as_bytes(), &[]), decode(json(), json_text.as_bytes(), &[])]
    {
        let (candles, incomplete) = decoded.unwrap();
        assert_eq!((candles.open, incomplete), (vec![1.0, 2.0], 1));
    }
}

#[test]
fn candles_out_of_order_and_double_ones_are_handed_on_as_they_came() {
    let row =
        |day: u32, price: u32| format!(",,0,1999-03-0{day}T00:00:00Z,{price},9,1,{price}\r\n");
    let rows = [row(3, 3), row(1, 1), row(1, 2), row(2, 2)].concat();
    let text = format!(",result,table,_time,open,high,low,close\r\n{rows}\r\n");
    let (candles, _) = decode(csv(), text.as_bytes(), &[]).unwrap();
    let day = |day: i64| ms("1999-03-01") + (day - 1) * 86_400_000;
    assert_eq!(candles.time, [3, 1, 1, 2].map(day));
    assert_eq!(candles.close, [3.0, 1.0, 2.0, 2.0]);
}

#[test]
fn nothing_is_no_error() {
    assert_eq!(decode(csv(), &body("empty"), &[]).unwrap().0, Candles::default());
    assert_eq!(decode(json(), &body("v1_empty"), &[]).unwrap().0, Candles::default());
}

#[test]
fn an_error_inside_an_answer_is_seen_after_good_rows() {
    let DecodeError::Failed(reason) = decode(csv(), &body("error_in_band"), &[]).unwrap_err()
    else {
        panic!();
    };
    assert!(reason.contains("strconv.ParseInt") || reason.contains("invalid syntax"), "{reason}");
    let error = decode(json(), &body("v1_no_mapping"), &[]).unwrap_err();
    assert_eq!(error, DecodeError::Failed("database not found: market".to_owned()));
    let first = body("v1_chunked");
    let line = first.split_inclusive(|byte| *byte == b'\n').next().unwrap();
    let late = b"{\"results\":[{\"statement_id\":0,\"error\":\"query interrupted\"}]}\n";
    let error = decode(json(), &[line, late].concat(), &[]).unwrap_err();
    assert_eq!(error, DecodeError::Failed("query interrupted".to_owned()));
}

#[test]
fn text_in_a_price_is_named_with_its_candle_and_not_a_number_is_left_to_the_checks() {
    let text = |price: &str| {
        format!(
            ",result,table,_time,open,high,low,close\r\n,,0,1999-03-01T00:00:00Z,1,{price},3,4\r\n\r\n"
        )
    };
    let error = decode(csv(), text("abc").as_bytes(), &[]).unwrap_err();
    let (time_ms, found) = (ms("1999-03-01"), "abc".to_owned());
    assert_eq!(error, DecodeError::Field { time_ms, field: 1, found });
    assert!(decode(csv(), text("NaN").as_bytes(), &[]).unwrap().0.high[0].is_nan());
    for (price, value) in [("-1", -1.0), ("1e3", 1_000.0), ("+Inf", f64::INFINITY)] {
        assert_eq!(decode(csv(), text(price).as_bytes(), &[]).unwrap().0.high, [value]);
    }
    let json_text = String::from_utf8(body("v1_missing_field")).unwrap();
    for (price, found) in [("\"abc\"", "abc"), ("true", "true")] {
        let text = json_text.replace("[915408000000000000,1,2,", &format!("[0,1,{price},"));
        let error = decode(json(), text.as_bytes(), &[]).unwrap_err();
        assert_eq!(error, DecodeError::Field { time_ms: 0, field: 1, found: found.to_owned() });
    }
}

#[test]
fn an_answer_without_times_or_with_ragged_rows_is_unreadable() {
    for text in [
        &b",result,table,open,high,low,close\r\n,,0,1,2,3,4\r\n\r\n"[..],
        b",result,table,_time,open,high,low,close\r\n,,0,soon,1,2,3,4\r\n\r\n",
        b",result,table,_time,open,high,low,close\r\n,,0,1999-03-01T00:00:00Z,1\r\n\r\n",
        b"<html>\r\n<body>busy</body>\r\n\r\n",
    ] {
        let error = decode(csv(), text, &[]).unwrap_err();
        assert!(matches!(error, DecodeError::Unreadable(_)), "{error:?}");
    }
    let error = decode(json(), b"<html>\n", &[]).unwrap_err();
    assert!(matches!(error, DecodeError::Unreadable(_)), "{error:?}");
    let huge = [&b",result,table,"[..], &vec![b'x'; 3 << 20]].concat();
    assert!(matches!(decode(csv(), &huge, &[]).unwrap_err(), DecodeError::Unreadable(_)));
}

/// An answer with the first rows of each day of a month that begins with 0, and so much shorter.
fn few_rows(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let kept =
        |line: &&str| !line.contains("-01-1") && !line.contains("-01-2") && !line.contains("-02-");
    text.split_inclusive("\r\n").filter(kept).collect::<String>().into_bytes()
}

#[test]
fn wherever_an_answer_is_cut_it_is_never_taken_for_a_whole_one() {
    for name in ["pivoted", "pivoted_no_dialect", "missing_field", "odd_ticker", "empty"] {
        let body = few_rows(&body(name));
        for cut in 0..body.len() {
            let decoded = decode(csv(), &body[..cut], &[]);
            assert_eq!(decoded, Err(DecodeError::Cut), "{name} cut at {cut}");
        }
    }
    for name in ["v1_chunked", "v1_missing_field", "v1_empty"] {
        let body = body(name);
        // The last byte is the line's end.
        for cut in 0..body.len() {
            let decoded = decode(json(), &body[..cut], &[]);
            assert_eq!(decoded, Err(DecodeError::Cut), "{name} cut at {cut}");
        }
    }
    let two = few_rows(&body("two_series"));
    let between = two.windows(4).position(|window| window == b"\r\n\r\n");
    for cut in 0..two.len() {
        let decoded = decode(csv(), &two[..cut], &[]);
        // A blank line between two tables looks like the one at the end.
        assert!(decoded.is_err() || between == Some(cut - 4), "cut at {cut}");
    }
}

/// Recorded answers of both forms; all of them have been seen by both decoders.
const RECORDED: [&str; 14] = [
    "pivoted",
    "pivoted_no_dialect",
    "unpivoted",
    "two_series",
    "missing_field",
    "odd_ticker",
    "string_values",
    "empty",
    "error_in_band",
    "error_compile",
    "v1_chunked",
    "v1_missing_field",
    "v1_no_mapping",
    "v1_empty",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn pieces_change_nothing(
        recorded in prop::sample::select(&RECORDED[..]),
        borders in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let body = body(recorded);
        let mut borders: Vec<usize> =
            borders.iter().map(|index| index.index(body.len() + 1)).collect();
        borders.sort_unstable();
        prop_assert_eq!(decode(csv(), &body, &borders), decode(csv(), &body, &[]));
        prop_assert_eq!(decode(json(), &body, &borders), decode(json(), &body, &[]));
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(
        recorded in prop::sample::select(&RECORDED[..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[\\x00-\\x7f]{0,3}|[0-9,\"\r\n#]{1,3}"), 0..20),
        cut in any::<prop::sample::Index>(),
        noise in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut body = body(recorded);
        for (at, text) in changes {
            let at = at.index(body.len() + 1);
            let end = (at + text.len() / 2).min(body.len());
            body.splice(at..end, text.bytes());
        }
        body.truncate(cut.index(body.len() + 1).max(body.len() / 3));
        body.extend(noise);
        let borders = [body.len() / 2];
        for decoded in [decode(csv(), &body, &borders), decode(json(), &body, &borders)] {
            let Ok((candles, _)) = decoded else { continue };
            for column in [&candles.open, &candles.high, &candles.low, &candles.close] {
                prop_assert_eq!(column.len(), candles.len());
            }
        }
    }

    #[test]
    fn any_bytes_are_answered_with_an_error_or_with_candles(
        body in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        drop(decode(csv(), &body, &[body.len() / 3]));
        drop(decode(json(), &body, &[body.len() / 3]));
    }
}
