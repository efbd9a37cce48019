//! The metadata of a DiffCopy call: the directory, and which part of it.

use tonic::Status;
use tonic::metadata::MetadataMap;

use super::source::Filter;

/// The request of one call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The name under which the directory was offered.
    pub(super) dir: String,
    pub(super) filter: Filter,
}

impl Wanted {
    pub(super) fn parse(metadata: &MetadataMap) -> Result<Self, Status> {
        let filter = Filter {
            include: values(metadata, "include-patterns")?,
            exclude: values(metadata, "exclude-patterns")?,
            follow: values(metadata, "followpaths")?,
        };
        let dir = values(metadata, "dir-name")?.into_iter().next().unwrap_or_default();
        Ok(Self { dir, filter })
    }
}

/// Every value of `key`, with U+FFFD for bytes that are not UTF-8, as in the names of files that it is
/// compared with. They are decoded if `<key>-encoded` says that BuildKit escaped them.
fn values(metadata: &MetadataMap, key: &str) -> Result<Vec<String>, Status> {
    let escaped = metadata
        .get(format!("{key}-encoded"))
        .is_some_and(|flag| matches!(flag.as_encoded_bytes(), b"1" | b"t" | b"T" | b"true"));
    let decode = |value: &[u8]| match escaped {
        true => query_unescape(value).ok_or_else(|| {
            Status::invalid_argument(format!("a value of {key} has an invalid escape"))
        }),
        false => Ok(value.to_vec()),
    };
    let all = metadata.get_all(key).iter();
    all.map(|value| Ok(String::from_utf8_lossy(&decode(value.as_encoded_bytes())?).into_owned()))
        .collect()
}

/// Decodes Go's `url.QueryEscape`; `None` if an escape is incomplete or not hexadecimal.
fn query_unescape(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.iter();
    while let Some(&byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            other => other,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_are_returned_unchanged() {
        let mut metadata = MetadataMap::new();
        metadata.insert("dir-name", "context".parse().unwrap());
        metadata.append("exclude-patterns", "a+b%20c".parse().unwrap());
        metadata.append("exclude-patterns", "!d".parse().unwrap());
        let wanted = Wanted::parse(&metadata).unwrap();
        assert_eq!(wanted.dir, "context");
        assert_eq!(wanted.filter.exclude, ["a+b%20c", "!d"]);
        assert!(wanted.filter.include.is_empty() && wanted.filter.follow.is_empty());
    }

    #[test]
    fn escaped_values_are_unescaped() {
        let mut metadata = MetadataMap::new();
        metadata.insert("followpaths", "%2Fgr%C3%BCn+1%2B1".parse().unwrap());
        metadata.insert("followpaths-encoded", "1".parse().unwrap());
        assert_eq!(Wanted::parse(&metadata).unwrap().filter.follow, ["/grün 1+1"]);
    }

    #[test]
    fn a_pattern_can_have_bytes_that_are_not_utf8() {
        let mut metadata = MetadataMap::new();
        metadata.insert("exclude-patterns", "caf%E9".parse().unwrap());
        metadata.insert("exclude-patterns-encoded", "1".parse().unwrap());
        assert_eq!(Wanted::parse(&metadata).unwrap().filter.exclude, ["caf\u{fffd}"]);
    }

    #[test]
    fn broken_escapes_are_refused() {
        for broken in ["%", "%2", "%zz"] {
            let mut metadata = MetadataMap::new();
            metadata.insert("followpaths", broken.parse().unwrap());
            metadata.insert("followpaths-encoded", "1".parse().unwrap());
            assert!(Wanted::parse(&metadata).is_err(), "{broken}");
        }
    }
}
