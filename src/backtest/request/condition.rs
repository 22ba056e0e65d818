//! `where`: which combinations of a scenario's parameters make sense, such as `fast < slow`.

use super::error::{InputError, unknown};
use super::node::Node;
use super::tokens::{Operator, Token, read_tokens};

/// Longest text of a condition, in characters; it also limits how long a chain of operators gets.
pub(super) const TEXT_CHARS_MAX: usize = 500;

/// Deepest nesting of parentheses, `not` and signs: reading one recurses.
const DEPTH_MAX: usize = 32;

/// A true-or-false expression over the parameters of a scenario.
#[derive(Debug, PartialEq)]
pub(super) struct Condition(Expression);

#[derive(Debug, PartialEq)]
enum Expression {
    Number(f64),
    /// The parameter at this place.
    Param(usize),
    Negative(Box<Expression>),
    Not(Box<Expression>),
    Joined(Operator, Box<[Expression; 2]>),
}

impl Condition {
    /// Reads the text at `node`; `names` are those of the parameters with their places.
    pub(super) fn read(node: &Node<'_>, names: &[(&str, usize)]) -> Result<Self, InputError> {
        Self::parse(node.text(TEXT_CHARS_MAX)?, names).map_err(|what| node.error(&what))
    }

    fn parse(text: &str, names: &[(&str, usize)]) -> Result<Self, String> {
        let mut tokens = read_tokens(text)?;
        tokens.reverse();
        let mut parser = Parser { tokens, end: text.chars().count() + 1, names, depth: 0 };
        let expression = parser.expression(0)?;
        match parser.tokens.pop() {
            Some((at, token)) => Err(found(at, &token, "an operator or the end")),
            None if expression.is_condition() => Ok(Self(expression)),
            None => Err("found a number, allowed a comparison such as fast < slow".to_owned()),
        }
    }

    /// Whether the condition is true of these values of the parameters.
    pub(super) fn holds(&self, params: &[f64]) -> bool {
        self.0.value(params) != 0.0
    }
}

impl Expression {
    /// Whether this is true or false, rather than a number.
    fn is_condition(&self) -> bool {
        match self {
            Self::Number(_) | Self::Param(_) | Self::Negative(_) => false,
            Self::Not(_) => true,
            Self::Joined(operator, _) => operator.gives_condition(),
        }
    }

    /// The number, or one for true and zero for false.
    fn value(&self, params: &[f64]) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Param(place) => params.get(*place).copied().unwrap_or(f64::NAN),
            Self::Negative(operand) => -operand.value(params),
            Self::Not(operand) => f64::from(operand.value(params) == 0.0),
            Self::Joined(operator, operands) => {
                let [left, right] = operands.as_ref();
                operator.apply(left.value(params), right.value(params))
            }
        }
    }
}

/// Reads by precedence climbing: one function for all operators.
struct Parser<'t> {
    /// What is left to read, with the character each begins at, the next one last.
    tokens: Vec<(usize, Token<'t>)>,
    end: usize,
    names: &'t [(&'t str, usize)],
    depth: usize,
}

impl Parser<'_> {
    /// Reads operands and the operators between them that bind at least this strongly.
    fn expression(&mut self, strength_min: u8) -> Result<Expression, String> {
        let mut left = self.operand()?;
        while let Some((at, Token::Operator(operator))) = self.tokens.last() {
            let (at, operator) = (*at, *operator);
            if operator.strength() < strength_min {
                break;
            }
            self.tokens.pop();
            let right = self.expression(operator.strength() + 1)?;
            for operand in [&left, &right] {
                require(operator.takes_conditions(), operand, at)?;
            }
            left = Expression::Joined(operator, Box::new([left, right]));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, String> {
        let Some((at, token)) = self.tokens.pop() else {
            return Err(format!("found the end at character {}, allowed a value", self.end));
        };
        match token {
            Token::Number(number) => Ok(Expression::Number(number)),
            Token::Name(name) => {
                let known = self.names.iter().find(|(known, _)| *known == name);
                known.map(|(_, place)| Expression::Param(*place)).ok_or_else(|| {
                    let names: Vec<&str> = self.names.iter().map(|(name, _)| *name).collect();
                    format!("at character {at}: {}", unknown("parameter", name, &names))
                })
            }
            Token::Operator(Operator::Minus) => {
                let operand = self.nested(at, Operator::Times.strength() + 1)?;
                require(false, &operand, at)?;
                Ok(Expression::Negative(Box::new(operand)))
            }
            Token::Not => {
                let operand = self.nested(at, Operator::Less.strength())?;
                require(true, &operand, at)?;
                Ok(Expression::Not(Box::new(operand)))
            }
            Token::Open => {
                let inner = self.nested(at, 0)?;
                match self.tokens.pop() {
                    Some((_, Token::Close)) => Ok(inner),
                    Some((at, token)) => Err(found(at, &token, "an operator or )")),
                    None => Err(format!("found the end at character {}, allowed )", self.end)),
                }
            }
            Token::Close | Token::Operator(_) => Err(found(at, &token, "a value")),
        }
    }

    fn nested(&mut self, at: usize, strength_min: u8) -> Result<Expression, String> {
        if self.depth == DEPTH_MAX {
            return Err(format!(
                "found nesting {} deep at character {at}, allowed {DEPTH_MAX}",
                DEPTH_MAX + 1
            ));
        }
        self.depth += 1;
        let expression = self.expression(strength_min);
        self.depth -= 1;
        expression
    }
}

/// Refuses a number where a condition is needed, and the reverse, beside the operator at `at`.
fn require(condition: bool, operand: &Expression, at: usize) -> Result<(), String> {
    match (condition, operand.is_condition()) {
        (true, false) => Err(format!(
            "found a number beside the operator at character {at}, allowed a comparison"
        )),
        (false, true) => Err(format!(
            "found a comparison beside the operator at character {at}, allowed a number"
        )),
        _ => Ok(()),
    }
}

fn found(at: usize, token: &Token<'_>, allowed: &str) -> String {
    format!("found {token} at character {at}, allowed {allowed}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [(&str, usize); 3] = [("fast", 0), ("slow", 1), ("signal", 3)];

    fn holds(text: &str) -> bool {
        Condition::parse(text, &NAMES).unwrap().holds(&[10.0, 30.0, f64::NAN, 9.0])
    }

    fn complaint(text: &str) -> String {
        Condition::parse(text, &NAMES).unwrap_err()
    }

    #[test]
    fn a_condition_is_read_with_the_usual_precedence() {
        for text in [
            "fast < slow",
            "fast*3 <= slow",
            "slow - fast - signal == 11",
            "slow / fast / 3 == 1",
            "1 + 2 * 3 == 7 and (1 + 2) * 3 == 9",
            "-fast + 20 == 10",
            "-fast * -2 == 20",
            "fast > slow or fast == 10 and signal != 10",
            "not fast > slow and slow >= 30.0",
            "!(fast > slow) && (signal == .5 || signal == 9)",
            "not not fast < slow",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in ["fast >= slow", "not fast < slow", "not (fast > slow) and signal > 9"] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn nothing_compares_with_a_division_of_zero_by_zero() {
        assert!(!holds("0 / 0 == 0 / 0"));
        assert!(!holds("0 / 0 <= fast"));
    }

    #[test]
    fn a_wrong_condition_is_named_with_its_position() {
        for (text, expected) in [
            (
                "fats < slow",
                "at character 1: unknown parameter \"fats\", did you mean \"fast\"? \
                 allowed: fast, slow, signal",
            ),
            ("fast", "found a number, allowed a comparison such as fast < slow"),
            ("fast <", "found the end at character 7, allowed a value"),
            ("fast < < slow", "found < at character 8, allowed a value"),
            ("(fast < slow", "found the end at character 13, allowed )"),
            ("fast < slow)", "found ) at character 12, allowed an operator or the end"),
            ("fast < slow slow", "found slow at character 13, allowed an operator or the end"),
            (
                "5 < fast < slow",
                "found a comparison beside the operator at character 10, allowed a number",
            ),
            (
                "fast and slow",
                "found a number beside the operator at character 6, allowed a comparison",
            ),
            ("not fast", "found a number beside the operator at character 1, allowed a comparison"),
            (
                "fast = 3",
                "found \"=\" at character 6, allowed a parameter, a number or an operator",
            ),
            ("fast < 1e999", "found \"1e999\" at character 8, allowed a number"),
            ("fast < 1.2.3", "found \"1.2.3\" at character 8, allowed a number"),
        ] {
            assert_eq!(complaint(text), expected);
        }
    }

    #[test]
    fn nesting_is_limited() {
        let nested =
            |depth: usize| format!("{}fast{} < slow", "(".repeat(depth), ")".repeat(depth));
        assert!(holds(&nested(DEPTH_MAX)));
        assert_eq!(
            complaint(&nested(DEPTH_MAX + 1)),
            "found nesting 33 deep at character 33, allowed 32"
        );
        assert!(complaint(&"-".repeat(400)).starts_with("found nesting"));
        assert!(complaint(&"not ".repeat(100)).starts_with("found nesting"));
    }
}
