//! A reader of JSON that knows where it is, so that every complaint names its place.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::bounds::Bounds;
use super::error::{FOUND_CHARS_MAX, InputError, quoted, shorten, unknown};

/// Longest list: more is never meant, and every item takes memory while it is read.
pub(super) const ITEMS_MAX: usize = 100_000;

/// A place in a user's JSON: its path and the value there, if there is one.
#[derive(Debug, Clone)]
pub(super) struct Node<'v> {
    value: Option<&'v Value>,
    path: String,
    single: bool,
}

impl<'v> Node<'v> {
    /// The top of a bundle's column, in which lists make variants.
    pub(super) fn column(name: &str, value: &'v Value) -> Self {
        Self { value: Some(value), path: name.to_owned(), single: false }
    }

    /// The top of a job's spec, in which every value is a single one.
    pub(super) fn spec(value: &'v Value) -> Self {
        Self { value: Some(value), path: "spec".to_owned(), single: true }
    }

    /// The value of a key of an object, absent where the object or the key is.
    pub(super) fn child(&self, key: &str) -> Self {
        let value = self.value.and_then(|value| value.get(key));
        Self { value, path: format!("{}.{key}", self.path), single: self.single }
    }

    /// The values of an object with these keys and no others; an absent object reads as an empty one.
    pub(super) fn fields<const N: usize>(&self, keys: [&str; N]) -> Result<[Self; N], InputError> {
        self.refuse_keys_besides("key", &keys)?;
        Ok(keys.map(|key| self.child(key)))
    }

    /// Refuses what is no object, and an object with a key that is not `known`.
    pub(super) fn refuse_keys_besides(&self, what: &str, known: &[&str]) -> Result<(), InputError> {
        let object = match self.value {
            None => return Ok(()),
            Some(Value::Object(object)) => object,
            Some(_) => return Err(self.found("an object")),
        };
        match object.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(self.child(&shorten(key, FOUND_CHARS_MAX)).unknown(what, key, known)),
        }
    }

    /// What `read` makes of the value; nothing where it is absent.
    pub(super) fn optional<T>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, InputError>,
    ) -> Result<Option<T>, InputError> {
        self.value.map(|_| read(self)).transpose()
    }

    /// What `read` makes of the value; the default where it is absent.
    pub(super) fn or<T>(
        &self,
        default: T,
        read: impl FnOnce(&Self) -> Result<T, InputError>,
    ) -> Result<T, InputError> {
        Ok(self.optional(read)?.unwrap_or(default))
    }

    /// What `read` makes of the value; nothing where it is absent or null.
    pub(super) fn nullable<T>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, InputError>,
    ) -> Result<Option<T>, InputError> {
        if self.is_null() { Ok(None) } else { self.optional(read) }
    }

    /// The keys of an object, sorted; none where there is no object.
    pub(super) fn keys(&self) -> Vec<&'v str> {
        let object = self.value.and_then(Value::as_object);
        object.map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// What the one key of an object means, and the place of its value; `what` says of which kind
    /// the `words` are.
    pub(super) fn only_key<T: Copy>(
        &self,
        what: &str,
        words: &[(&str, T)],
    ) -> Result<(T, Self), InputError> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        if self.is_object() {
            self.refuse_keys_besides(what, &names)?;
        }
        let keys = self.keys();
        let one = words.iter().find(|(name, _)| keys == [*name]);
        one.map(|(name, meaning)| (*meaning, self.child(name)))
            .ok_or_else(|| self.found(&format!("an object with one of {}", names.join(", "))))
    }

    /// The items of a list that has some, but not too many.
    pub(super) fn items(&self) -> Result<Vec<Self>, InputError> {
        self.items_up_to(ITEMS_MAX)
    }

    /// The items of a list of 1 to `count_max`.
    pub(super) fn items_up_to(&self, count_max: usize) -> Result<Vec<Self>, InputError> {
        self.list(&(1..=count_max))
            .ok_or_else(|| self.found(&format!("a list of 1 to {count_max}")))
    }

    /// The items of a list that has just so many; `allowed` says which.
    pub(super) fn exactly<const N: usize>(&self, allowed: &str) -> Result<[Self; N], InputError> {
        let items = self.list(&(N..=N)).and_then(|items| items.try_into().ok());
        items.ok_or_else(|| self.found(allowed))
    }

    fn list(&self, count: &RangeInclusive<usize>) -> Option<Vec<Self>> {
        let items = self.value?.as_array().filter(|items| count.contains(&items.len()))?;
        let at = |(index, value)| {
            let path = format!("{}[{index}]", self.path);
            Self { value: Some(value), path, single: self.single }
        };
        Some(items.iter().enumerate().map(at).collect())
    }

    /// The items of a list where one may stand, or the one value.
    pub(super) fn one_or_more(&self) -> Result<Vec<Self>, InputError> {
        if self.is_list() { self.items() } else { Ok(vec![self.clone()]) }
    }

    /// Whether this is a list, in a place where a list makes variants.
    pub(super) fn is_list(&self) -> bool {
        !self.single && self.is_array()
    }

    /// Whether this is an object, in a place where `{"from", "to", "step"}` makes variants.
    pub(super) fn is_stepped(&self) -> bool {
        !self.single && self.is_object()
    }

    /// Where this is.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn value(&self) -> Option<&'v Value> {
        self.value
    }

    pub(super) fn is_array(&self) -> bool {
        self.value.is_some_and(Value::is_array)
    }

    pub(super) fn is_object(&self) -> bool {
        self.value.is_some_and(Value::is_object)
    }

    pub(super) fn is_present(&self) -> bool {
        self.value.is_some()
    }

    pub(super) fn is_null(&self) -> bool {
        self.value.is_some_and(Value::is_null)
    }

    /// A text of one to `chars_max` characters.
    pub(super) fn text(&self, chars_max: usize) -> Result<&'v str, InputError> {
        self.as_text()
            .filter(|text| !text.is_empty() && text.chars().nth(chars_max).is_none())
            .ok_or_else(|| self.found(&format!("a text of 1 to {chars_max} characters")))
    }

    /// The text, where it is one.
    pub(super) fn as_text(&self) -> Option<&'v str> {
        self.value.and_then(Value::as_str)
    }

    /// A number within bounds.
    pub(super) fn number(&self, bounds: &Bounds) -> Result<f64, InputError> {
        let number = self.value.and_then(Value::as_f64).ok_or_else(|| match *bounds {
            Bounds::ANY => self.found("a number"),
            _ => self.found(&format!("a number, {bounds}")),
        })?;
        if !bounds.contain(number) {
            return Err(self.found(&bounds.to_string()));
        }
        if bounds.whole && number.fract() != 0.0 {
            return Err(self.found(&format!("a whole number, {bounds}")));
        }
        // Adding zero turns minus zero into zero: they must not count as two values.
        Ok(number + 0.0)
    }

    /// A whole number that is counted, not measured.
    pub(super) fn count<T: TryFrom<u64>>(
        &self,
        allowed: &RangeInclusive<u64>,
    ) -> Result<T, InputError> {
        let whole = |value: &Value| {
            // A whole float, such as 1.0, prints as an integer.
            value.as_u64().or_else(|| value.as_f64()?.to_string().parse().ok())
        };
        self.value
            .and_then(whole)
            .filter(|count| allowed.contains(count))
            .and_then(|count| T::try_from(count).ok())
            .ok_or_else(|| {
                let (least, most) = allowed.clone().into_inner();
                self.found(&format!("a whole number, {least} to {most}"))
            })
    }

    /// True or false.
    pub(super) fn bool(&self) -> Result<bool, InputError> {
        self.value.and_then(Value::as_bool).ok_or_else(|| self.found("true, false"))
    }

    /// One of a few words; `what` says of which kind they are.
    pub(super) fn choice<T: Copy>(&self, what: &str, words: &[(&str, T)]) -> Result<T, InputError> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let text = self.as_text().ok_or_else(|| self.found(&names.join(", ")))?;
        words
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| self.unknown(what, text, &names))
    }

    /// The complaint that the value here is not what is allowed.
    pub(super) fn found(&self, allowed: &str) -> InputError {
        self.error(&format!("found {}, allowed {allowed}", self.shown()))
    }

    /// A complaint about this place.
    pub(super) fn error(&self, what: &str) -> InputError {
        InputError::new(&self.path, what)
    }

    fn unknown(&self, what: &str, found: &str, known: &[&str]) -> InputError {
        self.error(&unknown(what, found, known))
    }

    /// The value as it may stand in a message. Lists and objects are not written out: a deep one
    /// would recurse as deep.
    pub(super) fn shown(&self) -> String {
        match self.value {
            None => "nothing".to_owned(),
            Some(Value::Array(items)) if items.is_empty() => "an empty list".to_owned(),
            Some(Value::Array(items)) => format!("a list of {}", items.len()),
            Some(Value::Object(_)) => "an object".to_owned(),
            Some(Value::String(text)) => quoted(text),
            Some(scalar) => shorten(&scalar.to_string(), FOUND_CHARS_MAX),
        }
    }
}

/// Reads a column's or spec's text as JSON.
///
/// # Errors
/// What is no JSON, has a number beyond `f64`, or is nested deeper than 127 levels.
pub fn read_json(name: &str, text: &str) -> Result<Value, InputError> {
    let unreadable =
        |error: serde_json::Error| InputError::new(name, &format!("read JSON: {error}"));
    serde_json::from_str(text).map_err(unreadable)
}
