//! The flat XML of callbacks: the elements below the root, by name.
//!
//! Values come bare or as CDATA, as WeCom likes (`wecom-api.md` 3.6). A DTD is refused, and with it every entity
//! but the five that XML itself knows: nothing here may grow or reach out.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;

/// WeCom nests three deep at most (ExtAttr).
const DEPTH_MAX: usize = 16;

/// Reads the elements below the root. Text of deeper elements is left out.
///
/// # Errors
/// One sentence that says what is wrong.
pub(super) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, String>, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the XML is not UTF-8")?;
    let mut reader = Reader::from_str(text);
    let mut elements = Elements::default();
    let mut rooted = false;
    loop {
        let event = reader.read_event().map_err(|_| "the XML is malformed")?;
        match event {
            Event::Start(start) => {
                if elements.open.len() >= DEPTH_MAX || (elements.open.is_empty() && rooted) {
                    return Err("the XML is not that of a callback");
                }
                rooted = true;
                elements.begin(start.name().as_ref());
            }
            Event::Empty(start) => {
                rooted = true;
                elements.begin(start.name().as_ref());
                elements.end();
            }
            Event::End(_) => elements.end(),
            Event::Text(text) => elements.text(&text.into_inner()),
            Event::CData(data) => elements.text(&data.into_inner()),
            Event::GeneralRef(reference) => {
                let known = match &*reference.clone().into_inner() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().ok().flatten(),
                };
                let known = known.ok_or("the XML names an entity that is not known")?;
                elements.text(known.encode_utf8(&mut [0; 4]));
            }
            Event::DocType(_) => return Err("the XML has a DTD"),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof if elements.open.is_empty() && rooted => return Ok(elements.values),
            Event::Eof => return Err("the XML is cut off"),
        }
    }
}

/// The elements below the root.
#[derive(Default)]
struct Elements {
    /// Names of the open elements, the root first.
    open: Vec<String>,
    /// The one below the root whose text is being read.
    current: Option<String>,
    values: BTreeMap<String, String>,
}

impl Elements {
    /// Of two elements with one name the first counts.
    fn begin(&mut self, name: &str) {
        self.open.push(name.to_owned());
        if self.open.len() == 2 && !self.values.contains_key(name) {
            self.values.insert(name.to_owned(), String::new());
            self.current = Some(name.to_owned());
        }
    }

    fn end(&mut self) {
        if self.open.len() == 2 {
            self.current = None;
        }
        self.open.pop();
    }

    fn text(&mut self, text: &str) {
        if self.open.len() == 2
            && let Some(value) = self
                .current
                .as_ref()
                .and_then(|name| self.values.get_mut(name))
        {
            value.push_str(text);
        }
    }
}
