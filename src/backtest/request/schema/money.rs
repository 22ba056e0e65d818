//! Money managements.

use serde_json::Value;

use crate::backtest::request::money::{
    COOLDOWN_CANDLES, HOLD_CANDLES, KEYS, LEVERAGE, ON_OPPOSITE, SIZES, STOP_PCT, TAKE_PROFIT_PCT,
    money_management_to_json,
};
use crate::backtest::variant::MoneyManagement;

use super::Schema;
use super::parts::{object, one_of_keys, with_default, words};

impl Schema {
    pub(super) fn money_management(&mut self) -> Value {
        let sizes = SIZES.map(|(way, bounds)| (way, self.axis(&bounds)));
        let size = self.listed(&one_of_keys(&sizes));
        let values = [
            size,
            self.axis(&LEVERAGE),
            self.optional_axis(&STOP_PCT),
            self.optional_axis(&TAKE_PROFIT_PCT),
            self.optional_axis(&STOP_PCT),
            self.optional_axis(&HOLD_CANDLES),
            self.axis(&COOLDOWN_CANDLES),
            self.listed(&words(&ON_OPPOSITE)),
        ];
        let default = money_management_to_json(&MoneyManagement::default());
        let properties: Vec<(&str, Value)> = KEYS
            .into_iter()
            .zip(values)
            .map(|(key, value)| {
                (key, with_default(value, default.get(key).cloned().unwrap_or_default()))
            })
            .collect();
        object(&properties, &[])
    }
}
