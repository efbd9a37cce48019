//! JSON as Docker's client reads it, with Go's `encoding/json`.
//!
//! Keys match in any case of letters, unknown keys are ignored, the last of equal keys wins, and
//! `null` leaves a field unset. Bytes that are not UTF-8 are replaced. A byte order mark is skipped.
//! Errors have a place and never quote the content, which may be a password.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Where JSON is invalid, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InvalidJson {
    pub line: usize,
    pub column: usize,
    pub problem: &'static str,
}

/// The fields of a JSON object.
pub(super) trait Fields: Default {
    /// Reads the value of `key`, which is in lower case; returns false if there is no such field.
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, object: &mut A)
    -> Result<bool, A::Error>;
}

/// A JSON object that is read field by field.
#[derive(Debug, Clone, Default)]
pub(super) struct Object<T>(pub T);

/// The first value of a stream of JSON; `T::default()` if there is none.
pub(super) fn first<T: Fields>(text: &[u8]) -> Result<T, InvalidJson> {
    let text = decoded(text);
    match text.trim_matches(|c: char| " \t\r\n".contains(c)).is_empty() {
        true => Ok(T::default()),
        false => parse(&text, |_| Ok(())),
    }
}

/// A whole document.
pub(super) fn whole<T: Fields>(text: &[u8]) -> Result<T, InvalidJson> {
    parse(&decoded(text), |parser| parser.end())
}

fn decoded(text: &[u8]) -> String {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    String::from_utf8_lossy(text).into_owned()
}

type Parser<'t> = serde_json::Deserializer<serde_json::de::StrRead<'t>>;

fn parse<T: Fields>(
    text: &str,
    end: impl FnOnce(&mut Parser<'_>) -> serde_json::Result<()>,
) -> Result<T, InvalidJson> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let read = Object::deserialize(&mut parser).and_then(|found| end(&mut parser).map(|()| found));
    read.map(|Object(found)| found).map_err(|error| InvalidJson {
        line: error.line(),
        // A document that ends with a line break ends in column 0.
        column: error.column().max(1),
        problem: match error.classify() {
            serde_json::error::Category::Data => "a value has the wrong type",
            serde_json::error::Category::Eof => "the JSON is incomplete",
            _ => "invalid JSON",
        },
    })
}

/// The fields of a struct, each an `Option`, with their keys in lower case.
macro_rules! fields {
    ($type:ty { $($key:literal => $field:ident),+ $(,)? }) => {
        impl $crate::docker::json::Fields for $type {
            fn read<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                key: &str,
                object: &mut A,
            ) -> Result<bool, A::Error> {
                match key {
                    $($key => $crate::docker::json::set(&mut self.$field, object),)+
                    _ => Ok(false),
                }
            }
        }
    };
}
pub(super) use fields;

/// Sets a field, unless its value is `null`.
pub(super) fn set<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    field: &mut Option<T>,
    object: &mut A,
) -> Result<bool, A::Error> {
    if let Some(value) = object.next_value::<Option<T>>()? {
        *field = Some(value);
    }
    Ok(true)
}

impl<'de, T: Fields> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Fields> Visitor<'de> for Reader<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Object(T::default()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut found = T::default();
        while let Some(key) = object.next_key::<String>()? {
            if !found.read(&key.to_ascii_lowercase(), &mut object)? {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Object(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Pair {
        name: Option<String>,
        size: Option<u8>,
    }

    fields!(Pair { "name" => name, "size" => size });

    fn pair(name: &str, size: u8) -> Pair {
        Pair { name: Some(name.to_owned()), size: Some(size) }
    }

    #[test]
    fn json_is_read_as_go_reads_it() {
        for text in [
            r#"{"name": "a", "size": 1}"#,
            r#"{"NAME": "a", "Size": 1}"#,
            r#"{"name": "b", "name": "a", "size": 2, "SIZE": 1}"#,
            r#"{"name": "a", "size": 1, "name": null, "more": {"name": ["x"]}}"#,
            "\u{feff}\r\n\t {\"name\": \"a\", \"size\": 1}\r\n",
        ] {
            assert_eq!(first::<Pair>(text.as_bytes()), Ok(pair("a", 1)), "{text}");
            assert_eq!(whole::<Pair>(text.as_bytes()), Ok(pair("a", 1)), "{text}");
        }
        let lossy = first::<Pair>(b"{\"name\": \"\xff\", \"size\": 1}");
        assert_eq!(lossy, Ok(pair("\u{fffd}", 1)));
        for text in ["null", "{}", r#"{"other": 1}"#] {
            assert_eq!(first::<Pair>(text.as_bytes()), Ok(Pair::default()), "{text}");
        }
    }

    #[test]
    fn only_a_whole_document_must_not_be_empty_or_continue() {
        for text in ["", " \r\n\t", "\u{feff}", "{} trailing", "{}}"] {
            assert_eq!(first::<Pair>(text.as_bytes()), Ok(Pair::default()), "{text}");
            assert!(whole::<Pair>(text.as_bytes()).is_err(), "{text}");
        }
        for text in ["[]", "7", "{", "\0", "trailing"] {
            assert!(first::<Pair>(text.as_bytes()).is_err(), "{text}");
        }
    }
}
