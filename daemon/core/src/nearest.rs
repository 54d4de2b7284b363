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

#[cfg(test)]
mod tests {
    use super::nearest;

    fn to(name: &str, known: &[&'static str]) -> Option<&'static str> {
        nearest(name, known.iter().copied())
    }

    #[test]
    fn a_third_of_a_name_may_be_wrong_and_one_letter_in_any_case() {
        assert_eq!(to("abcdxy", &["abcdef"]), Some("abcdef"));
        assert_eq!(to("abcxyz", &["abcdef"]), None);
        assert_eq!(to("ax", &["ab"]), Some("ab"));
        assert_eq!(to("xy", &["ab"]), None);
    }

    #[test]
    fn the_nearest_counts_and_of_two_as_near_the_first_by_name() {
        assert_eq!(to("nmae", &["names", "name"]), Some("name"));
        assert_eq!(to("tagz", &["tagx", "tagb"]), Some("tagb"));
        assert_eq!(to("ab", &["abcd"]), None);
    }
}
