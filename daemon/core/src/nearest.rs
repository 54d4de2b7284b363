//! The nearest known name to a misspelt one.

/// The known name that is nearest to `name`, if one is near enough to have been meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    known
        .map(|known| (1.max(known.chars().count().max(length) / 3), known))
        // Names differ by their lengths at least: the costly comparison is for names that can be near.
        .filter(|(most, known)| known.chars().count().abs_diff(length) <= *most)
        .map(|(most, known)| (strsim::damerau_levenshtein(name, known), most, known))
        .filter(|(distance, most, _)| distance <= most)
        .min()
        .map(|(.., known)| known)
}
