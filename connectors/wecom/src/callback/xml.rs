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
    let mut open: Vec<String> = Vec::new();
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let mut rooted = false;
    loop {
        let event = reader.read_event().map_err(|_| "the XML is malformed")?;
        match event {
            Event::Start(start) => {
                if open.len() >= DEPTH_MAX || (open.is_empty() && rooted) {
                    return Err("the XML is not that of a callback");
                }
                rooted = true;
                open.push(start.name().as_ref().to_owned());
                begin(&open, &mut values);
            }
            Event::Empty(start) => {
                rooted = true;
                open.push(start.name().as_ref().to_owned());
                begin(&open, &mut values);
                open.pop();
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(text) => append(&open, &mut values, &text.into_inner()),
            Event::CData(data) => append(&open, &mut values, &data.into_inner()),
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
                append(&open, &mut values, known.encode_utf8(&mut [0; 4]));
            }
            Event::DocType(_) => return Err("the XML has a DTD"),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof if open.is_empty() && rooted => return Ok(values),
            Event::Eof => return Err("the XML is cut off"),
        }
    }
}

/// An element below the root begins. Of two with one name the first counts.
fn begin(open: &[String], values: &mut BTreeMap<String, String>) {
    if let [_, name] = open
        && !values.contains_key(name)
    {
        values.insert(name.clone(), String::new());
    }
}

fn append(open: &[String], values: &mut BTreeMap<String, String>, text: &str) {
    if let [_, name] = open
        && let Some(value) = values.get_mut(name)
    {
        value.push_str(text);
    }
}
