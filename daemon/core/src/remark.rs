//! The mark in a sub-user's Remark: it resolves lost answers, and after a restore lists what could be adopted.
//!
//! AddUser has no client token, and Remark is the only free text that it sets atomically and that can be read
//! back (`cam-api.md` 6.2). The mark is unique to one creation, so reading it proves whose user it is.

/// Remark's length limit is unconfirmed; 128 characters are safe (`cam-api.md` 4.1).
const LONGEST: usize = 128;

/// The rule's own remark with the mark behind it, the remark cut so that both fit.
#[must_use]
pub fn with_mark(remark: &str, mark: &str) -> String {
    let tail = format!("[camsync:{mark}]");
    let room = LONGEST.saturating_sub(tail.chars().count() + 1);
    let own: String = remark
        .chars()
        .filter(|c| !c.is_control())
        .take(room)
        .collect();
    let own = own.trim_end();
    if own.is_empty() {
        tail
    } else {
        format!("{own} {tail}")
    }
}

/// Whether a remark that CAM shows carries this mark.
#[must_use]
pub fn carries(remark: &str, mark: &str) -> bool {
    remark.contains(&format!("[camsync:{mark}]"))
}

/// The mark that a remark carries, if it carries one.
#[must_use]
pub fn mark_of(remark: &str) -> Option<&str> {
    let (_, rest) = remark.rsplit_once("[camsync:")?;
    rest.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_always_fits() {
        let long = "张".repeat(300);
        let made = with_mark(&long, "k3v9");
        assert_eq!(made.chars().count(), LONGEST);
        assert!(carries(&made, "k3v9"));
        assert!(!carries(&made, "k3v"));
        assert_eq!(mark_of(&made), Some("k3v9"));
        assert_eq!(mark_of("somebody's own [camsync"), None);
        assert_eq!(with_mark("", "a"), "[camsync:a]");
        assert_eq!(with_mark("张三", "a"), "张三 [camsync:a]");
    }

    #[test]
    fn control_characters_do_not_get_into_a_remark() {
        assert_eq!(with_mark("a\u{7}b\n", "k"), "ab [camsync:k]");
    }
}
