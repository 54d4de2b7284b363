//! The nearest known name to a misspelt one.

/// The known name that is nearest to `name`, if one is near enough to have been meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|k| (strsim::damerau_levenshtein(name, k), k))
        .filter(|(distance, k)| *distance <= 1.max(k.len().max(name.len()) / 3))
        .min()
        .map(|(_, k)| k)
}
