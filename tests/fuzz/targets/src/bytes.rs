//! Values out of bytes: whatever is left is taken, and then there are zeros.

/// What is left.
pub(crate) struct Bytes<'d>(&'d [u8]);

impl<'d> Bytes<'d> {
    pub(crate) fn new(data: &'d [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn rest(&mut self) -> &'d [u8] {
        std::mem::take(&mut self.0)
    }

    /// Up to a line's end, or all that is left.
    pub(crate) fn line(&mut self) -> &'d [u8] {
        let at = self.0.iter().position(|byte| *byte == b'\n');
        let (line, rest) = self.0.split_at(at.unwrap_or(self.0.len()));
        self.0 = rest.get(1..).unwrap_or_default();
        line
    }

    /// A text of at most 250 bytes; five lengths beyond those are long ones.
    pub(crate) fn text(&mut self) -> String {
        let length = usize::from(self.byte());
        if let Some(times) = length.checked_sub(251) {
            return "长".repeat([85, 86, 1365, 1366, 30_000][times]);
        }
        let (text, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    /// At most seven.
    pub(crate) fn texts(&mut self) -> Vec<String> {
        let count = self.byte() % 8;
        (0..count).map(|_| self.text()).collect()
    }
}
