//! Lenient reading of CAM's JSON: numbers come quoted here and there, and much may be null (`cam-api.md 1.6`, `2`).

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What a place that should hold one value holds.
enum Scalar {
    Number(u64),
    Flag(bool),
    Text(String),
    Other,
}

/// Written by hand: an untagged enum would try each case in turn, with an error text for each that does not fit, and
/// a listing has a dozen such values a user.
impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyScalar)
    }
}

struct AnyScalar;

impl<'de> Visitor<'de> for AnyScalar {
    type Value = Scalar;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(text))
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

impl Scalar {
    fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Flag(flag) => Some(u64::from(flag)),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Other => None,
        }
    }
}

/// A number, plain or quoted; null, absent (with `default`) and nonsense are 0, which is no valid id.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(Option::<Scalar>::deserialize(deserializer)?
        .and_then(Scalar::number)
        .unwrap_or(0))
}

/// A 0/1 flag, plain, quoted or boolean; null and nonsense are "not told".
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let number = Option::<Scalar>::deserialize(deserializer)?.and_then(Scalar::number);
    Ok(number.map(|number| number != 0))
}

/// A number or text, as text; null is empty.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Option::<Scalar>::deserialize(deserializer)? {
        Some(Scalar::Text(text)) => text,
        Some(Scalar::Number(number)) => number.to_string(),
        _ => String::new(),
    })
}

/// A list of objects, that may be null.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let entries: Option<Vec<Object<T>>> = Option::deserialize(deserializer)?;
    let entries = entries.unwrap_or_default().into_iter();
    Ok(entries.map(|Object(entry)| entry).collect())
}

/// An object, and no list: what is derived takes the entries of one for fields in their order.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnyObject(PhantomData))
    }
}

struct AnyObject<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnyObject<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Eq)]
    struct Item {
        #[serde(default)]
        id: u8,
    }

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[serde(default, deserialize_with = "number")]
        uin: u64,
        #[serde(default, deserialize_with = "flag")]
        on: Option<bool>,
        #[serde(default, deserialize_with = "text")]
        kind: String,
        #[serde(default, deserialize_with = "list")]
        items: Vec<Item>,
    }

    #[test]
    fn reads_every_spelling_seen() {
        let cases = [
            (
                r#"{"uin":100000546533,"on":1,"kind":"2","items":[{"id":1}]}"#,
                100_000_546_533,
                Some(true),
                "2",
                1,
            ),
            (
                r#"{"uin":"700003000000","on":"0","kind":2,"items":null}"#,
                700_003_000_000,
                Some(false),
                "2",
                0,
            ),
            (r#"{"uin":null,"on":null,"kind":null}"#, 0, None, "", 0),
            (r#"{"uin":[],"on":true,"kind":{}}"#, 0, Some(true), "", 0),
            (r#"{}"#, 0, None, "", 0),
        ];
        for (json, uin, on, kind, items) in cases {
            let sample: Sample = serde_json::from_str(json).unwrap();
            assert_eq!(
                (
                    sample.uin,
                    sample.on,
                    sample.kind.as_str(),
                    sample.items.len()
                ),
                (uin, on, kind, items),
                "{json}"
            );
        }
    }

    #[test]
    fn what_is_no_value_is_none_and_a_flag_is_on_for_any_number_but_0() {
        let read = |json: &str| serde_json::from_str::<Sample>(json).unwrap();
        let sample = read(r#"{"uin":-5,"on":-1,"kind":1.5}"#);
        assert_eq!((sample.uin, sample.on, sample.kind.as_str()), (0, None, ""));
        let sample = read(r#"{"uin":" 7 ","on":"2","kind":true,"items":[{"id":1},{}]}"#);
        assert_eq!((sample.uin, sample.on), (7, Some(true)));
        assert_eq!(
            (sample.kind.as_str(), sample.items),
            ("", vec![Item { id: 1 }, Item { id: 0 }])
        );
        assert_eq!(read(r#"{"uin":{"a":[1]},"kind":[{}]}"#).uin, 0);
        assert_eq!(read(r#"{"uin":"x"}"#).uin, 0);
    }

    /// Entries that are lists would be read as nobody at all.
    #[test]
    fn entries_of_a_list_are_objects() {
        for items in ["[[]]", "[[1]]", "[1]", "[null]", "{}"] {
            let read = serde_json::from_str::<Sample>(&format!(r#"{{"items":{items}}}"#));
            assert!(read.is_err(), "{items}: {read:?}");
        }
    }
}
