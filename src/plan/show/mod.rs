//! A plan as text, one module for each format.

mod bake;
mod github;
mod json;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::input::TextMap;
use crate::text::redact;

pub(crate) use bake::bake;
pub(crate) use github::github;
pub(crate) use json::{Beyond, write_json};
pub(crate) use table::{Table, counts, table};

fn texts_of(map: &TextMap) -> Value {
    map.iter().map(|(name, text)| (&**name, &**text)).collect()
}

/// `value` without the secrets in the URLs of its texts.
pub(crate) fn redacted(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redact(&text).into_owned()),
        Value::Array(list) => list.into_iter().map(redacted).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, redacted(value))).collect(),
        other => other,
    }
}

/// Writes indented JSON, [`escaped`], and a newline.
fn write_pretty(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(Escaped(&mut *out), value)?;
    out.write_all(b"\n")
}

/// Escapes everything that is written through it. serde_json writes whole characters, and does not split
/// sequences that are escaped together.
struct Escaped<W>(W);

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_all(escaped(text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// JSON without control characters for terminals or commands for CI runners: characters that JSON itself
/// does not require to be escaped are escaped too.
pub(crate) fn escaped(json: &str) -> Cow<'_, str> {
    let acts = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if json.bytes().all(|byte| matches!(byte, b' '..=b'"' | b'$'..=b'~' | b'\n')) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if acts(c) {
            // Only strings contain such characters, and all of them are below U+10000.
            text += &format!("\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    // Only strings contain a `#`.
    Cow::Owned(text.replace("##[", r"#\u0023["))
}
