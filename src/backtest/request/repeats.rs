//! Values that must differ.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Debug;

use super::error::InputError;
use super::node::Node;

/// Reads several places whose values must differ.
pub(super) fn read_distinct<T: Debug>(
    places: &[Node<'_>],
    read: impl Fn(&Node<'_>) -> Result<T, InputError>,
) -> Result<Vec<T>, InputError> {
    let values = places.iter().map(read).collect::<Result<Vec<T>, _>>()?;
    refuse_repeats(places.iter().zip(&values))?;
    Ok(values)
}

/// Refuses a value that an earlier place has already; values are the same when they print the same.
pub(super) fn refuse_repeats<'n, 'v: 'n, T: Debug + 'n>(
    read: impl IntoIterator<Item = (&'n Node<'v>, T)>,
) -> Result<(), InputError> {
    let mut seen = HashMap::new();
    for (node, value) in read {
        match seen.entry(format!("{value:?}")) {
            Entry::Vacant(entry) => {
                entry.insert(node);
            }
            Entry::Occupied(entry) => {
                let first: &Node<'_> = entry.get();
                return Err(node.error(&format!(
                    "found {}, the same as {}",
                    node.shown(),
                    first.path()
                )));
            }
        }
    }
    Ok(())
}
