//! What is drawn on: lines, paragraphs that wrap, tints that only a terminal gets.

use anstyle::{AnsiColor, Style as Ansi};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::words::Word;
use crate::cli::screen::Style;

/// What a text is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tint {
    #[default]
    Plain,
    Head,
    Good,
    Warn,
    Bad,
    Dim,
}

impl Tint {
    fn ansi(self) -> Ansi {
        match self {
            Self::Plain => Ansi::new(),
            Self::Head => Ansi::new().bold(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warn => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Dim => Ansi::new().dimmed(),
        }
    }
}

/// Collects a drawing.
pub(super) struct Paper {
    style: Style,
    text: String,
}

impl Paper {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            text: String::new(),
        }
    }

    pub(super) fn done(self) -> String {
        self.text
    }

    /// Columns of the terminal; nothing where there is no edge.
    pub(super) fn width(&self) -> Option<usize> {
        self.style.width
    }

    /// A word in the reader's language.
    pub(super) fn word(&self, word: Word) -> &'static str {
        word.to(self.style.language)
    }

    /// A sentence in the reader's language, its `{0}`, `{1}`, ... filled.
    pub(super) fn fill(&self, word: Word, with: &[&dyn std::fmt::Display]) -> String {
        word.fill(self.style.language, with)
    }

    /// `zh` or `en`.
    pub(super) fn language(&self) -> &'static str {
        self.style.language
    }

    pub(super) fn tint(&self, tint: Tint, text: &str) -> String {
        if self.style.colours && tint != Tint::Plain && !text.is_empty() {
            let ansi = tint.ansi();
            format!("{ansi}{text}{ansi:#}")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// An empty line, unless the page is empty or ends with one.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A heading, set off from what is before it.
    pub(super) fn head(&mut self, text: &str) {
        self.gap();
        let text = self.tint(Tint::Head, text);
        self.line(&text);
    }

    /// A paragraph behind `lead` (`"  ✓ "`): it wraps, and its further lines stand under the first.
    pub(super) fn paragraph(&mut self, lead: &str, lead_tint: Tint, text: &str, tint: Tint) {
        let indent = lead.width();
        let room = self
            .style
            .width
            .map(|w| w.saturating_sub(indent).max(24))
            .unwrap_or(usize::MAX);
        let blank = " ".repeat(indent);
        for (i, piece) in text.lines().flat_map(|l| wrap(l.trim(), room)).enumerate() {
            let front = match i {
                0 => self.tint(lead_tint, lead),
                _ => blank.clone(),
            };
            let line = format!("{front}{}", self.tint(tint, &piece));
            self.line(&line);
        }
    }

    /// Named facts, one a line, the values under each other. Empty values are left out.
    pub(super) fn facts(&mut self, indent: usize, facts: &[(&str, String)]) {
        let widest = facts
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, _)| name.width())
            .max()
            .unwrap_or(0);
        for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
            let lead = format!("{}{}  ", " ".repeat(indent), pad(name, widest));
            self.paragraph(&lead, Tint::Dim, value, Tint::Plain);
        }
    }
}

/// Blanks behind a text up to a width.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// A text of at most `width` columns; what is cut off leaves an ellipsis.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if kept.width() + 1 > width {
            kept.pop();
            break;
        }
    }
    kept.push('…');
    kept
}

/// A text in lines of at most `width` columns, broken at blanks and between ideographs where that is possible.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    if text.width() <= width {
        return vec![text.to_owned()];
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    // Byte length of the line up to the last place where it may be broken.
    let mut at = None;
    let mut before = ' ';
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if c != ' ' && breaks_between(before, c) && !line.is_empty() {
            at = Some(line.len());
        }
        if used + wide > width && !line.is_empty() {
            let rest = match at.filter(|at| *at > 0) {
                Some(at) => line.split_off(at),
                None => String::new(),
            };
            lines.push(line.trim_end().to_owned());
            line = rest.trim_start().to_owned();
            used = line.width();
            at = None;
        }
        if !(line.is_empty() && c == ' ') {
            line.push(c);
            used += wide;
        }
        before = c;
    }
    if !line.trim().is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Chinese breaks anywhere but before closing and after opening punctuation.
fn breaks_between(before: char, after: char) -> bool {
    let wide = |c: char| c.width() == Some(2);
    before == ' '
        || ((wide(before) || wide(after))
            && !"，。；：、！？）」』】》…,.;:!?)".contains(after)
            && !"（「『【《(".contains(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ideographs_count_two_columns() {
        assert_eq!(cut("成员一二三", 7), "成员一…");
        assert_eq!(cut("成员一二三", 10), "成员一二三");
        assert_eq!(pad("成员", 6), "成员  ");
    }

    #[test]
    fn lines_break_where_a_reader_expects_it() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("一二三四，五六", 8), ["一二三", "四，五六"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        for width in 4..30 {
            for line in wrap("the key 密钥不存在 does not exist(已禁用)", width) {
                assert!(line.width() <= width, "{line:?} in {width}");
            }
        }
    }
}
