//! Numbers, shares, durations and sizes.

use std::time::Duration;

use bytesize::ByteSize;
use serde_json::{Value as Json, json};

use super::text;
use crate::bilingual::Bilingual;
use crate::document::{Node, Value};
use crate::reader::{Kind, Reader, Shape};

/// A whole number from `MIN` to `MAX`.
pub(crate) struct Whole<const MIN: u32, const MAX: u32>;

impl<const MIN: u32, const MAX: u32> Kind for Whole<MIN, MAX> {
    type Out = u32;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<u32> {
        let number = match &node.value {
            Value::Integer(number) => u32::try_from(*number).ok(),
            Value::Huge(_) => None,
            _ => {
                reader.wrong_type(node, "a whole number");
                return None;
            }
        };
        let number = number.filter(|n| (MIN..=MAX).contains(n));
        if number.is_none() {
            let message = format!("`{}` is out of range", reader.path());
            reader.refuse(
                &node.span,
                message,
                format!("a whole number from {MIN} to {MAX}"),
            );
        }
        number
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: format!("a whole number from {MIN} to {MAX}"),
                zh: format!("{MIN} 到 {MAX} 的整数"),
            },
            json!({ "type": "integer", "minimum": MIN, "maximum": MAX }),
        )
    }

    fn show(value: &u32) -> Json {
        json!(value)
    }
}

/// A share from 0 to 1.
pub(crate) struct Ratio;

impl Kind for Ratio {
    type Out = f64;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<f64> {
        let share = match node.value {
            Value::Float(share) => share,
            // Only 0 and 1 pass below, and those are exact.
            Value::Integer(0) => 0.0,
            Value::Integer(1) => 1.0,
            Value::Integer(_) | Value::Huge(_) => f64::NAN,
            _ => {
                reader.wrong_type(node, "a share from 0 to 1");
                return None;
            }
        };
        if !(0.0..=1.0).contains(&share) {
            let message = format!("`{}` is out of range", reader.path());
            reader.refuse(
                &node.span,
                message,
                "a share from 0 to 1; 0.05 is five in a hundred",
            );
            return None;
        }
        Some(share)
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a share from 0 to 1",
                zh: "0 到 1 之间的比例",
            },
            json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        )
    }

    fn show(value: &f64) -> Json {
        json!(value)
    }
}

/// The longest duration: a hundred years. More is a slip, and would overflow dates.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

fn duration(node: &Node, reader: &mut Reader<'_>, least: Duration) -> Option<Duration> {
    let wanted = "a duration such as \"30s\", \"10m\", \"1h30m\" or \"30d\"";
    let written = text(node, reader, wanted)?;
    let Ok(read) = humantime::parse_duration(written) else {
        let message = format!("`{}` is not a duration: {written:?}", reader.path());
        reader.refuse(&node.span, message, wanted);
        return None;
    };
    if read < least || read > LONGEST || read.subsec_nanos() % 1_000_000 != 0 {
        let message = format!("`{}` is out of range", reader.path());
        let least = humantime::format_duration(least);
        reader.refuse(
            &node.span,
            message,
            format!("from {least} to 100 years, in whole milliseconds"),
        );
        return None;
    }
    Some(read)
}

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const DURATION_SCHEMA: &str = r"^\s*([0-9]+\s*[A-Za-zµ]+\s*)+$";

fn show_duration(value: Duration) -> Json {
    json!(humantime::format_duration(value).to_string())
}

/// A duration of at least a second.
pub(crate) struct Period;

impl Kind for Period {
    type Out = Duration;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Duration> {
        duration(node, reader, SECOND)
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a duration such as `\"30s\"`, `\"1h30m\"` or `\"30d\"`, at least a second",
                zh: "时长，如 `\"30s\"`、`\"1h30m\"`、`\"30d\"`，至少一秒",
            },
            json!({ "type": "string", "pattern": DURATION_SCHEMA }),
        )
    }

    fn show(value: &Duration) -> Json {
        show_duration(*value)
    }
}

/// A duration in whole milliseconds.
pub(crate) struct Pause;

impl Kind for Pause {
    type Out = Duration;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Duration> {
        duration(node, reader, MILLISECOND)
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a duration such as `\"500ms\"`, `\"1s\"` or `\"5m\"`",
                zh: "时长，如 `\"500ms\"`、`\"1s\"`、`\"5m\"`",
            },
            json!({ "type": "string", "pattern": DURATION_SCHEMA }),
        )
    }

    fn show(value: &Duration) -> Json {
        show_duration(*value)
    }
}

/// A duration that may be nought, or `"never"`.
pub(crate) struct PeriodOrNever;

impl Kind for PeriodOrNever {
    type Out = Option<Duration>;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Option<Duration>> {
        match &node.value {
            Value::Text(word) if word == "never" => Some(None),
            _ => duration(node, reader, Duration::ZERO).map(Some),
        }
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a duration such as `\"1h30m\"` or `\"30d\"`, or `\"never\"`",
                zh: "时长，如 `\"1h30m\"`、`\"30d\"`；或 `\"never\"`（永不）",
            },
            json!({ "anyOf": [{ "const": "never" }, { "type": "string", "pattern": DURATION_SCHEMA }] }),
        )
    }

    fn show(value: &Option<Duration>) -> Json {
        value.map_or_else(|| json!("never"), show_duration)
    }
}

/// A number of bytes, at least a mebibyte and at most 4 GiB: the most that a 32-bit component can address.
pub(crate) struct Size;

const SMALLEST: u64 = 1 << 20;
const LARGEST: u64 = 1 << 32;

impl Kind for Size {
    type Out = u64;

    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<u64> {
        let wanted = "a size such as \"32MiB\" or \"1GiB\"";
        let written = text(node, reader, wanted)?;
        let Ok(size) = written.parse::<ByteSize>() else {
            let message = format!("`{}` is not a size: {written:?}", reader.path());
            reader.refuse(&node.span, message, wanted);
            return None;
        };
        if !(SMALLEST..=LARGEST).contains(&size.as_u64()) {
            let message = format!("`{}` is out of range", reader.path());
            reader.refuse(&node.span, message, "from \"1MiB\" to \"4GiB\"");
            return None;
        }
        Some(size.as_u64())
    }

    fn shape() -> Shape {
        Shape::plain(
            Bilingual {
                en: "a size such as `\"32MiB\"`, from 1 MiB to 4 GiB",
                zh: "大小，如 `\"32MiB\"`，从 1 MiB 到 4 GiB",
            },
            json!({ "type": "string", "pattern": r"^[0-9.]+\s*[A-Za-z]*$" }),
        )
    }

    fn show(value: &u64) -> Json {
        let mebibytes = value / SMALLEST;
        if mebibytes * SMALLEST == *value {
            json!(format!("{mebibytes}MiB"))
        } else {
            json!(format!("{value}B"))
        }
    }
}
