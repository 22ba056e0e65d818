//! `params` of a user's own rules: declared once, used wherever a number may stand.

use crate::backtest::request::axis::Axis;
use crate::backtest::request::bounds::Bounds;
use crate::backtest::request::error::{InputError, quoted, unknown};
use crate::backtest::request::node::Node;

use super::Make;

/// Most parameters of one scenario.
pub(in crate::backtest::request) const PARAMS_MAX: usize = 32;

/// Longest name of a parameter or an indicator, in characters.
const NAME_CHARS_MAX: usize = 40;

/// What nothing may be called: words that mean something in a `where`.
pub(in crate::backtest::request) const RESERVED: [&str; 3] = ["and", "or", "not"];

/// The parameters, sorted by name.
pub(super) struct Declared<'v>(Vec<Param<'v>>);

struct Param<'v> {
    name: &'v str,
    node: Node<'v>,
    axis: Axis<f64>,
    /// The bounds of the places that use it, each once.
    held_to: Vec<Bounds>,
}

impl<'v> Declared<'v> {
    pub(super) fn read(node: &Node<'v>) -> Result<Self, InputError> {
        let names = read_names(node, PARAMS_MAX)?;
        let read = |name: &'v str| {
            let node = node.child(name);
            let axis = Axis::read(&node, &Bounds::ANY, |node| node.number(&Bounds::ANY))?;
            Ok(Param { name, node, axis, held_to: Vec::new() })
        };
        names.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|param| param.name)
    }

    /// Reads a number, or a parameter of which every value is within the same bounds.
    pub(super) fn number(
        &mut self,
        node: &Node<'_>,
        bounds: Bounds,
    ) -> Result<Make<f64>, InputError> {
        if !node.is_object() {
            let number = node.number(&bounds)?;
            return Ok(Box::new(move |_| number));
        }
        let [name] = node.fields(["param"])?;
        let wanted = name.as_text().unwrap_or_default();
        let Some(place) = self.names().position(|known| known == wanted) else {
            let known: Vec<&str> = self.names().collect();
            let text = name.as_text().ok_or_else(|| name.found("the name of a parameter"))?;
            return Err(name.error(&unknown("parameter", text, &known)));
        };
        if let Some(param) = self.0.get_mut(place) {
            param.hold_to(bounds, node)?;
        }
        Ok(Box::new(move |params| params.get(place).copied().unwrap_or(f64::NAN)))
    }

    /// What the parameters vary over; each must have been used.
    pub(super) fn into_axes(self) -> Result<Vec<Axis<f64>>, InputError> {
        match self.0.iter().find(|param| param.held_to.is_empty()) {
            Some(unused) => Err(unused.node.error("is not used by any indicator or rule")),
            None => Ok(self.0.into_iter().map(|param| param.axis).collect()),
        }
    }
}

impl Param<'_> {
    /// Refuses a value that is not allowed where the parameter is used.
    fn hold_to(&mut self, bounds: Bounds, used_at: &Node<'_>) -> Result<(), InputError> {
        if self.held_to.contains(&bounds) {
            return Ok(());
        }
        self.held_to.push(bounds);
        let Some((index, value)) = self.axis.first_outside(&bounds) else { return Ok(()) };
        let whole = if bounds.whole { "a whole number, " } else { "" };
        let what = format!("found {value}, allowed {whole}{bounds} at {}", used_at.path());
        Err(self.value_node(index).error(&what))
    }

    /// Where the value with this number is written.
    fn value_node(&self, index: usize) -> Node<'_> {
        let items = if self.node.is_list() { self.node.items().ok() } else { None };
        items.and_then(|items| items.into_iter().nth(index)).unwrap_or_else(|| self.node.clone())
    }
}

/// The keys of an object of things that a user gives names to.
pub(super) fn read_names<'v>(
    node: &Node<'v>,
    count_max: usize,
) -> Result<Vec<&'v str>, InputError> {
    if node.is_present() && !node.is_object() {
        return Err(node.found("an object"));
    }
    let names = node.keys();
    if names.len() > count_max {
        return Err(
            node.error(&format!("found {} names, allowed at most {count_max}", names.len()))
        );
    }
    let plain = |name: &&str| {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.len() <= NAME_CHARS_MAX
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(letters)
            && !RESERVED.contains(name)
    };
    match names.iter().find(|name| !plain(name)) {
        None => Ok(names),
        Some(name) => Err(node.error(&format!(
            "found the name {}, allowed 1 to {NAME_CHARS_MAX} letters, digits and _, a letter \
             first, not {}",
            quoted(name),
            RESERVED.join(", ")
        ))),
    }
}
