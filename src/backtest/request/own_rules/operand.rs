//! An operand as users write it: a column, an indicator, a number, or one of these some candles ago.

use crate::backtest::request::bounds::Bounds;
use crate::backtest::request::error::InputError;
use crate::backtest::request::node::Node;
use crate::backtest::rules::Operand;

use super::Make;
use super::rule::{AGO, RuleReader};

impl RuleReader<'_, '_> {
    pub(super) fn operand(&mut self, node: &Node<'_>) -> Result<Make<Operand>, InputError> {
        self.nested(node, |reader, node| {
            if let Some(text) = node.as_text() {
                let operand = reader.indicators.resolve(text, node)?;
                return Ok(Box::new(move |_: &[f64]| operand.clone()) as Make<Operand>);
            }
            if node.child("shift").is_present() {
                return reader.shift(node);
            }
            if !node.is_object() && node.number(&Bounds::ANY).is_err() {
                return Err(node.found("a column, an indicator, a number, shift or param"));
            }
            let number = reader.declared.number(node, Bounds::ANY)?;
            Ok(Box::new(move |params: &[f64]| Operand::Number(number(params))) as Make<Operand>)
        })
    }

    fn shift(&mut self, node: &Node<'_>) -> Result<Make<Operand>, InputError> {
        let [shift] = node.fields(["shift"])?;
        let [value, bars] = shift.exactly("a list of an operand and a number of candles")?;
        if bars.number(&Bounds::ANY).is_ok_and(|number| number < 0.0) {
            return Err(bars.found(&format!("{AGO}: rules cannot look ahead")));
        }
        let (value, bars) = (self.operand(&value)?, self.bars(&bars, AGO)?);
        Ok(Box::new(move |params| Operand::Shift(Box::new(value(params)), bars(params))))
    }
}
