//! Tables that fit: what can be shortened is, what can be wrapped wraps, ids and names of things stay whole.

use unicode_width::UnicodeWidthStr as _;

use super::paper::{Paper, Tint, cut, pad, wrap};
use super::safe;

/// What happens to a column where there is too little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// Nothing: it would be of no use otherwise.
    Whole,
    /// Whole, and to the right: a number.
    Number,
    /// Cut, with an ellipsis.
    Cut,
    /// Wrapped below itself.
    Wrap,
    /// Wrapped, but no longer than two lines: `show` has all of it.
    Brief,
}

/// The least that a column is shortened to.
const LEAST: usize = 8;
/// Blanks between columns.
const BETWEEN: usize = 2;

/// A cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    text: String,
    tint: Tint,
}

impl Cell {
    pub(super) fn tinted(tint: Tint, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tint,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::tinted(Tint::Plain, text)
    }
}

/// Rows under headings.
pub(super) struct Table {
    columns: Vec<(String, Fit)>,
    rows: Vec<Vec<Cell>>,
    indent: usize,
}

impl Table {
    /// A table with headings; where all are empty, none are drawn.
    pub(super) fn new(columns: &[(&str, Fit)]) -> Self {
        Self {
            columns: columns
                .iter()
                .map(|(head, fit)| ((*head).to_owned(), *fit))
                .collect(),
            rows: Vec::new(),
            indent: 0,
        }
    }

    pub(super) fn indented(mut self, indent: usize) -> Self {
        self.indent = indent;
        self
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        let cells = cells
            .into_iter()
            .zip(&self.columns)
            .map(|(cell, (_, fit))| match fit {
                Fit::Wrap | Fit::Brief => cell,
                _ => Cell::tinted(cell.tint, safe::line(&cell.text)),
            })
            .collect();
        self.rows.push(cells);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Draws it. Columns without any content are left out.
    pub(super) fn draw(self, paper: &mut Paper) {
        let widths = self.widths(paper.width());
        if self.columns.iter().any(|(head, _)| !head.is_empty()) {
            let heads: Vec<Cell> = self
                .columns
                .iter()
                .map(|(head, _)| Cell::tinted(Tint::Dim, head))
                .collect();
            self.draw_row(&heads, &widths, paper);
        }
        for row in &self.rows {
            self.draw_row(row, &widths, paper);
        }
    }

    /// The widths of the columns; 0 for those that are left out.
    fn widths(&self, room: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|i| {
                let widest = |cell: &Cell| cell.text.lines().map(str::width).max().unwrap_or(0);
                match self.rows.iter().filter_map(|r| r.get(i)).map(widest).max() {
                    None | Some(0) => 0,
                    Some(widest) => widest.max(self.columns[i].0.width()),
                }
            })
            .collect();
        let Some(room) = room else { return widths };
        let shown = widths.iter().filter(|w| **w > 0).count();
        let frame = self.indent + shown.saturating_sub(1) * BETWEEN;
        let mut excess = (widths.iter().sum::<usize>() + frame).saturating_sub(room);
        while excess > 0 {
            let widest = self
                .columns
                .iter()
                .enumerate()
                .filter(|(_, (_, fit))| !matches!(fit, Fit::Whole | Fit::Number))
                .map(|(i, _)| i)
                .filter(|i| widths[*i] > LEAST)
                .max_by_key(|i| widths[*i]);
            let Some(widest) = widest else { break };
            widths[widest] -= 1;
            excess -= 1;
        }
        widths
    }

    fn draw_row(&self, row: &[Cell], widths: &[usize], paper: &mut Paper) {
        let pieces: Vec<Vec<String>> = row
            .iter()
            .zip(widths)
            .zip(&self.columns)
            .map(|((cell, width), (_, fit))| match fit {
                _ if *width == 0 => Vec::new(),
                Fit::Wrap => cell.text.lines().flat_map(|l| wrap(l, *width)).collect(),
                Fit::Brief => brief(&cell.text, *width),
                Fit::Cut => vec![cut(&cell.text, *width)],
                Fit::Whole | Fit::Number => vec![cell.text.clone()],
            })
            .collect();
        let height = pieces.iter().map(Vec::len).max().unwrap_or(0);
        for i in 0..height {
            let mut line = " ".repeat(self.indent);
            let mut gap = 0;
            for (column, lines) in pieces.iter().enumerate() {
                let width = widths[column];
                if width == 0 {
                    continue;
                }
                let text = lines.get(i).map_or("", String::as_str);
                let blank = width.saturating_sub(text.width());
                let (before, after) = match self.columns[column].1 {
                    Fit::Number => (blank, 0),
                    _ => (0, blank),
                };
                line.push_str(&pad("", gap + before));
                line.push_str(&paper.tint(row[column].tint, text));
                gap = BETWEEN + after;
            }
            paper.line(&line);
        }
    }
}

/// At most two lines; the second ends with an ellipsis when there would be more.
fn brief(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().flat_map(|l| wrap(l, width)).collect();
    if lines.len() > 2 {
        lines.truncate(2);
        if let Some(last) = lines.last_mut() {
            *last = cut(&format!("{last}…"), width);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::Style;

    fn drawn(width: Option<usize>) -> String {
        let style = Style {
            colours: false,
            language: "en",
            width,
        };
        let mut paper = Paper::new(style);
        let mut table = Table::new(&[
            ("ID", Fit::Number),
            ("NAME", Fit::Cut),
            ("EMPTY", Fit::Cut),
            ("WHY", Fit::Wrap),
        ]);
        table.row(vec![
            "7".into(),
            "成员的名字很长很长很长".into(),
            "".into(),
            "because of this and that and more".into(),
        ]);
        table.row(vec!["12".into(), "x\ny".into(), "".into(), "short".into()]);
        table.draw(&mut paper);
        paper.done()
    }

    #[test]
    fn a_table_fits_its_terminal() {
        for width in [32, 40, 60] {
            for line in drawn(Some(width)).lines() {
                assert!(line.width() <= width, "{line:?} is wider than {width}");
            }
        }
        assert_eq!(
            drawn(Some(40)),
            "ID  NAME               WHY\n \
             7  成员的名字很长很…  because of this\n                       and that and more\n\
             12  x⏎y                short\n"
        );
    }

    #[test]
    fn without_an_edge_nothing_is_cut_and_empty_columns_are_left_out() {
        let all = drawn(None);
        assert!(
            all.contains("成员的名字很长很长很长  because of this and that and more"),
            "{all}"
        );
        assert!(!all.contains("EMPTY"));
    }
}
