//! Tickers, timeframes and ranges.

use serde_json::{Value, json};

use crate::backtest::request::market::TICKER_CHARS_MAX;
use crate::domain::candles::Timeframe;

use super::Schema;
use super::parts::{any_of, described, object};

impl Schema {
    /// What is traded, in a bundle.
    pub(super) fn ticker(&mut self) -> Value {
        let name = self.ticker_name();
        let timeframe = self.timeframes();
        let object = object(&[("ticker", name.clone()), ("timeframe", timeframe)], &["ticker"]);
        any_of(&[name, object])
    }

    pub(super) fn ticker_name(&mut self) -> Value {
        self.define("ticker", |_| {
            // Parts between slashes, none of which is empty or begins with a dot.
            let (first, rest) = ("[A-Za-z0-9_:=^@+&-]", "[A-Za-z0-9._:=^@+&-]*");
            json!({
                "type": "string",
                "pattern": format!("^{first}{rest}(/{first}{rest})*$"),
                "maxLength": TICKER_CHARS_MAX
            })
        })
    }

    pub(super) fn timeframe(&mut self) -> Value {
        let names: Vec<&str> = Timeframe::names().collect();
        self.define("timeframe", |_| json!({"enum": names}))
    }

    /// A timeframe, or several where they make variants.
    pub(super) fn timeframes(&mut self) -> Value {
        let timeframe = self.timeframe();
        self.listed(&timeframe)
    }

    pub(super) fn range(&mut self) -> Value {
        let (instant, span) = (self.instant(), self.span());
        any_of(&[
            object(&[("from", instant.clone()), ("until", instant)], &["from", "until"]),
            object(&[("last", span)], &["last"]),
        ])
    }

    pub(super) fn instant(&mut self) -> Value {
        self.define("instant", |_| {
            let schema =
                json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].+)?$"});
            described(schema, "A date, or a time in RFC 3339, in the years 1700 to 2200")
        })
    }

    pub(super) fn span(&mut self) -> Value {
        self.define("span", |_| {
            let schema = json!({"type": "string", "pattern": "^0*[1-9][0-9]*[mhdw]$"});
            described(schema, "Minutes, hours, days or weeks, such as 365d; at most a century")
        })
    }
}
