//! The words and signs of a `where`.

use std::fmt;

use super::error::shorten;

/// One word or sign.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'t> {
    Number(f64),
    Name(&'t str),
    Operator(Operator),
    Not,
    Open,
    Close,
}

/// What stands between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Unequal,
    Plus,
    Minus,
    Times,
    Over,
}

/// Signs, a longer one before its own beginning.
const SIGNS: [(&str, Token<'static>); 15] = [
    ("<=", Token::Operator(Operator::AtMost)),
    (">=", Token::Operator(Operator::AtLeast)),
    ("==", Token::Operator(Operator::Equal)),
    ("!=", Token::Operator(Operator::Unequal)),
    ("&&", Token::Operator(Operator::And)),
    ("||", Token::Operator(Operator::Or)),
    ("<", Token::Operator(Operator::Less)),
    (">", Token::Operator(Operator::More)),
    ("+", Token::Operator(Operator::Plus)),
    ("-", Token::Operator(Operator::Minus)),
    ("*", Token::Operator(Operator::Times)),
    ("/", Token::Operator(Operator::Over)),
    ("!", Token::Not),
    ("(", Token::Open),
    (")", Token::Close),
];

impl Operator {
    /// How strongly it binds; operators of equal strength are read from the left.
    pub(super) fn strength(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Less
            | Self::AtMost
            | Self::More
            | Self::AtLeast
            | Self::Equal
            | Self::Unequal => 3,
            Self::Plus | Self::Minus => 4,
            Self::Times | Self::Over => 5,
        }
    }

    /// Whether its operands are true or false, rather than numbers.
    pub(super) fn takes_conditions(self) -> bool {
        matches!(self, Self::Or | Self::And)
    }

    /// Whether what it gives is true or false, rather than a number.
    pub(super) fn gives_condition(self) -> bool {
        self.strength() <= Self::Less.strength()
    }

    /// The number it gives, or one for true and zero for false.
    #[expect(clippy::float_cmp, reason = "the user asked whether two numbers are the same")]
    pub(super) fn apply(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Or => f64::from(left != 0.0 || right != 0.0),
            Self::And => f64::from(left != 0.0 && right != 0.0),
            Self::Less => f64::from(left < right),
            Self::AtMost => f64::from(left <= right),
            Self::More => f64::from(left > right),
            Self::AtLeast => f64::from(left >= right),
            Self::Equal => f64::from(left == right),
            Self::Unequal => f64::from(left != right),
            Self::Plus => left + right,
            Self::Minus => left - right,
            Self::Times => left * right,
            Self::Over => left / right,
        }
    }
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
            sign => {
                let written = SIGNS.iter().find(|(_, token)| token == sign);
                f.write_str(written.map_or("", |(text, _)| text))
            }
        }
    }
}

/// Takes a text apart; each token comes with the number of the character it begins at, from one.
pub(super) fn read_tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let at = text.chars().count() - rest.chars().count() + 1;
        let (token, after) = next_token(rest).map_err(|(wrong, allowed)| {
            format!("found {:?} at character {at}, allowed {allowed}", shorten(wrong, 20))
        })?;
        tokens.push((at, token));
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// The first token and what comes after it, or what is wrong and what is allowed there.
fn next_token(text: &str) -> Result<(Token<'_>, &str), (&str, &'static str)> {
    let sign = |(sign, token): &(&str, Token<'static>)| Some((*token, text.strip_prefix(sign)?));
    if let Some(found) = SIGNS.iter().find_map(sign) {
        return Ok(found);
    }
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let word_bytes = text.find(|c| !in_word(c)).unwrap_or(text.len());
    let (word, after) = text.split_at(word_bytes);
    let token = match word {
        "" => {
            let wrong = text.chars().next().map_or("", |c| text.split_at(c.len_utf8()).0);
            return Err((wrong, "a parameter, a number or an operator"));
        }
        "and" => Token::Operator(Operator::And),
        "or" => Token::Operator(Operator::Or),
        "not" => Token::Not,
        word if word.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            let number = word.parse().ok().filter(|number: &f64| number.is_finite());
            Token::Number(number.ok_or((word, "a number"))?)
        }
        name => Token::Name(name),
    };
    Ok((token, after))
}
