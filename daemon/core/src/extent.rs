//! How long and how deep a rule may be.

use crate::expression::ParseError;

/// The longest rule in bytes, the most punctuation in it, and how deep brackets nest: the language's compiler
/// recurses along a rule, and would exhaust the stack.
const LONGEST_RULE: usize = 4096;
const MOST_PUNCTUATION: usize = 1000;
const DEEPEST_NESTING: usize = 32;

/// Refuses a rule that is too long or too deep to be compiled safely.
pub(crate) fn check(source: &str) -> Result<(), ParseError> {
    let refuse = |offset, message| Err(ParseError { offset, message });
    if source.len() > LONGEST_RULE {
        let message = format!("is {} bytes long; {LONGEST_RULE} at the most", source.len());
        return refuse(None, message);
    }
    let (mut punctuation, mut depth) = (0, 0_usize);
    for (offset, byte) in source.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST_NESTING {
            let message = format!("nests brackets more than {DEEPEST_NESTING} deep");
            return refuse(Some(offset), message);
        }
        punctuation +=
            usize::from(byte.is_ascii_punctuation() && !matches!(byte, b'\'' | b'"' | b',' | b'_'));
        if punctuation > MOST_PUNCTUATION {
            return refuse(Some(offset), "is too long a chain of operators".into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Condition, Text};

    #[test]
    fn no_rule_exhausts_the_stack() {
        for part in [
            "1+",
            "x.y + ",
            "not ",
            "-",
            "(",
            "[",
            "{1:",
            "a|f",
            "a.b",
            "a if b else ",
            "a and ",
            "\"",
            "a(",
            "()",
            "|f",
            ".b",
            "[0]",
            "1~",
            "2**",
            "{{",
            "{% if 1 %}",
        ] {
            for length in [LONGEST_RULE - 8, 1 << 20] {
                let chain = part.repeat(length / part.len());
                for source in [chain.clone(), format!("{chain}1"), format!("{{{{ {chain}")] {
                    drop(Condition::parse(&source));
                    drop(Text::parse(&source));
                }
            }
        }
    }

    #[test]
    fn a_rule_is_refused_one_byte_one_bracket_or_one_operator_too_far() {
        let offset = |source: String| check(&source).map_err(|e| e.offset);
        assert_eq!(offset("a".repeat(4096)), Ok(()));
        assert_eq!(offset("a".repeat(4097)), Err(None));
        for open in ["(", "[", "{"] {
            assert_eq!(offset(open.repeat(32)), Ok(()));
            assert_eq!(offset(open.repeat(33)), Err(Some(32)));
        }
        assert_eq!(offset("+".repeat(1000)), Ok(()));
        assert_eq!(offset("+".repeat(1001)), Err(Some(1000)));
    }

    #[test]
    fn what_is_closed_does_not_nest_and_what_quotes_does_not_chain() {
        assert_eq!(check(&"()[]{}".repeat(100)), Ok(()));
        assert_eq!(check(&format!("){}", "(".repeat(32))), Ok(()));
        assert_eq!(check(&"'\",_a".repeat(500)), Ok(()));
    }
}
