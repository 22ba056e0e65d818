//! Which bundle a command is about: by its id, or by the beginning of it.

use anyhow::bail;
use uuid::Uuid;

use crate::store::Store;

/// That there is none, in words.
pub(super) fn no_bundle(given: &str) -> String {
    match Uuid::try_parse(given) {
        Ok(id) => format!("there is no bundle {id}"),
        Err(_) => format!("bundle: found {given:?}, which no bundle's id begins with"),
    }
}

/// The bundle whose id begins like this.
///
/// # Errors
/// None does, several do, or the database does not answer.
pub(super) async fn find_bundle(store: &Store, given: &str) -> anyhow::Result<Uuid> {
    let digits = given.replace('-', "");
    let is_one = (4..=32).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_hexdigit());
    if !is_one {
        bail!(
            "bundle: found {given:?}, allowed an id or its first 4 to 32 digits, 0 to 9 and a to f"
        );
    }
    let bound = |fill: char| -> anyhow::Result<Uuid> {
        let full: String = digits.chars().chain(std::iter::repeat(fill)).take(32).collect();
        Ok(Uuid::try_parse(&full)?)
    };
    match store.find_bundles(bound('0')?, bound('f')?).await?.as_slice() {
        [] => bail!(no_bundle(given)),
        [one] => Ok(*one),
        [first, second, ..] => {
            bail!(
                "bundle: found {given:?}, which {first} and {second} begin with; give more digits"
            )
        }
    }
}
