//! Bytes that are not UTF-8, kept in a string.
//!
//! BuildKit reads a Dockerfile as bytes. A comment in Latin-1 is no error there, so it is none here.
//! Each byte that is not a part of a UTF-8 character becomes a private character, which
//! [`unescaped`] replaces by the byte again wherever the text leaves this program.

use std::borrow::Cow;

/// The character of the byte 0. Private characters have no meaning in any other text.
const FIRST: u32 = 0x10_fe00;

/// The content of a file as a string.
pub(crate) fn escaped(bytes: Vec<u8>) -> String {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) if !text.contains(is_escape) => return text,
        Ok(text) => text.into_bytes(),
        Err(error) => error.into_bytes(),
    };
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            // The file itself may contain such a character.
            match is_escape(c) {
                true => text.extend(c.encode_utf8(&mut [0; 4]).bytes().map(escape)),
                false => text.push(c),
            }
        }
        text.extend(chunk.invalid().iter().copied().map(escape));
    }
    text
}

/// The bytes of the file that `text` comes from.
pub(crate) fn unescaped(text: &str) -> Cow<'_, [u8]> {
    if !has_escapes(text) {
        return text.as_bytes().into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes.into()
}

/// Whether a byte of the file is not UTF-8.
pub(crate) fn has_escapes(text: &str) -> bool {
    text.contains(is_escape)
}

/// The text for people and for JSON, with U+FFFD for each such byte.
pub(crate) fn replaced(text: &str) -> Cow<'_, str> {
    match has_escapes(text) {
        true => text.replace(is_escape, "\u{fffd}").into(),
        false => text.into(),
    }
}

pub(crate) fn is_escape(c: char) -> bool {
    byte(c).is_some()
}

fn escape(byte: u8) -> char {
    char::from_u32(FIRST + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// An ASCII byte is always UTF-8.
fn byte(c: char) -> Option<u8> {
    let byte = u8::try_from(u32::from(c).checked_sub(FIRST)?).ok()?;
    (!byte.is_ascii()).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_keeps_its_bytes() {
        let private = escape(0xe9).to_string();
        let files: [&[u8]; 7] = [
            b"",
            b"FROM scratch\n",
            "größe".as_bytes(),
            b"caf\xe9 \xff\xfe\x80",
            b"cut \xe2\x82",
            private.as_bytes(),
            "\u{10fdff}\u{10fe00}\u{10ff00}".as_bytes(),
        ];
        for file in files {
            let text = escaped(file.to_vec());
            assert_eq!(*unescaped(&text), *file, "{text:?}");
        }
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(*unescaped(&escaped(all.clone())), *all);
    }

    #[test]
    fn a_byte_is_shown_as_one_character() {
        let text = escaped(b"caf\xe9 gr\xc3\xb6n".to_vec());
        assert_eq!((text.chars().count(), &*replaced(&text)), (9, "caf\u{fffd} grön"));
        assert!(matches!(replaced("grün"), Cow::Borrowed(_)));
        assert!(matches!(unescaped("grün"), Cow::Borrowed(_)));
    }
}
