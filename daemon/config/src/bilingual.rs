//! What the manual says, in both of its languages: one value holds both, so that neither can be forgotten.

use crate::keys::Tongue;

/// The same text in English and in Chinese.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bilingual<T = &'static str> {
    pub(crate) en: T,
    pub(crate) zh: T,
}

impl From<Bilingual> for Bilingual<String> {
    fn from(text: Bilingual) -> Self {
        Self {
            en: text.en.to_owned(),
            zh: text.zh.to_owned(),
        }
    }
}

impl<T: AsRef<str>> Bilingual<T> {
    /// The text for a reader.
    pub(crate) fn to(&self, reader: Tongue) -> &str {
        match reader {
            Tongue::English => self.en.as_ref(),
            Tongue::Chinese => self.zh.as_ref(),
        }
    }
}
