//! The manual's page about the configuration, made from the declared keys, in both languages.

mod chinese;
mod english;
mod names;

use std::fmt::Write as _;

use camsync_core::facts::{MEMBER_NAMES, SOURCE_NAMES};
use serde_json::Value as Json;

use crate::keys::{File, Tongue};
use crate::kinds::one_line;
use crate::reader::{Inner, Key, Presence, Section};
use crate::reference::{header, join};

/// What a page says around the declared keys.
struct Page {
    introduction: &'static str,
    /// Under a table that must be there.
    required_table: &'static str,
    /// The head of a table of keys: key, value, what holds without it, meaning.
    head: &'static str,
    /// Before the header of a table further down.
    below: &'static str,
    /// For a key that must be there.
    required: &'static str,
    /// For a table without which the defaults of its keys hold.
    each_own: &'static str,
    /// For a list or table that is empty by default.
    none: &'static str,
    rules: &'static str,
    after_rules: &'static str,
}

/// `docs/configuration.md` and `docs/configuration.zh-CN.md`.
#[must_use]
pub fn manual(reader: Tongue) -> String {
    let words = match reader {
        Tongue::English => english::PAGE,
        Tongue::Chinese => chinese::PAGE,
    };
    let mut page = words.introduction.to_owned();
    let mut tables = Tables {
        page: &mut page,
        words: &words,
        reader,
    };
    for key in File::keys() {
        if let Some((inner, many)) = &key.shape.inner {
            let needed = matches!(key.presence, Presence::Required);
            tables.add(key.name, inner, *many, needed);
        }
    }
    page.push_str(words.rules);
    for (root, names) in [("member", MEMBER_NAMES), ("source", SOURCE_NAMES)] {
        for name in names {
            let meaning = names::meaning(root, name);
            let _ = writeln!(page, "| `{root}.{name}` | {} |", meaning.to(reader));
        }
    }
    page.push_str(words.after_rules);
    page
}

/// Writes tables of keys into a page.
struct Tables<'p> {
    page: &'p mut String,
    words: &'p Page,
    reader: Tongue,
}

impl Tables<'_> {
    fn add(&mut self, path: &str, inner: &Inner, many: bool, needed: bool) {
        let about = one_line(inner.doc.to(self.reader));
        let _ = write!(self.page, "\n## `{}`\n\n{about}\n", header(path, many));
        if needed {
            let _ = write!(self.page, "\n{}\n", self.words.required_table);
        }
        let _ = write!(
            self.page,
            "\n{}\n| --- | --- | --- | --- |\n",
            self.words.head
        );
        for key in &inner.keys {
            let value = match &key.shape.inner {
                Some((_, many)) => {
                    format!(
                        "{}`{}`",
                        self.words.below,
                        header(&join(path, key.name), *many)
                    )
                }
                None => key.shape.words.to(self.reader).to_owned(),
            };
            let _ = writeln!(
                self.page,
                "| `{}` | {} | {} | {} |",
                key.name,
                cell(&value),
                cell(&self.without(key)),
                cell(&one_line(key.doc.to(self.reader)))
            );
        }
        for key in &inner.keys {
            if let Some((inner, many)) = &key.shape.inner {
                self.add(&join(path, key.name), inner, *many, false);
            }
        }
    }

    fn without(&self, key: &Key) -> String {
        match &key.presence {
            Presence::Required => self.words.required.into(),
            Presence::Default(Json::Object(map)) if map.is_empty() && key.shape.inner.is_some() => {
                self.words.each_own.into()
            }
            Presence::Default(Json::Object(map)) if map.is_empty() => self.words.none.into(),
            Presence::Default(Json::Array(items)) if items.is_empty() => self.words.none.into(),
            Presence::Default(value) => format!("`{}`", toml_text(value)),
            Presence::Otherwise(words) => words.to(self.reader).into(),
        }
    }
}

/// A default as it would be written in the file.
fn toml_text(value: &Json) -> String {
    match value {
        Json::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key} = {}", toml_text(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(toml_text).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_chinese(text: &str) -> bool {
        text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
    }

    fn gather(path: &str, keys: &[Key], lacking: &mut Vec<String>) {
        for key in keys {
            let path = join(path, key.name);
            let mut says = vec![key.doc.zh];
            if let Presence::Otherwise(words) = &key.presence {
                says.push(words.zh);
            }
            match &key.shape.inner {
                Some((inner, _)) => {
                    says.push(inner.doc.zh);
                    gather(&path, &inner.keys, lacking);
                }
                None => says.push(&key.shape.words.zh),
            }
            lacking.extend(
                says.into_iter()
                    .filter(|text| !is_chinese(text))
                    .map(|text| format!("{path}: {text:?}")),
            );
        }
    }

    #[test]
    fn every_key_and_name_is_explained_in_chinese() {
        let mut lacking = Vec::new();
        gather("", &File::keys(), &mut lacking);
        for (root, names) in [("member", MEMBER_NAMES), ("source", SOURCE_NAMES)] {
            for name in names {
                let meaning = names::meaning(root, name);
                if !is_chinese(meaning.zh) || meaning.en.is_empty() {
                    lacking.push(format!("{root}.{name}: {meaning:?}"));
                }
            }
        }
        assert_eq!(lacking, Vec::<String>::new());
    }
}
