//! The file format of a ledger. Pure.
//!
//! The file has a line with the format, the nonce, the sorted records, and a digest of everything. A
//! path is written as the length of its common prefix with the previous path, and the rest. Numbers are
//! little-endian.

use sha2::{Digest as _, Sha256};

use super::records::{Look, Records, Version};

/// The saved state of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Part of the key.
    pub(crate) nonce: [u8; 16],
    pub(crate) records: Records,
}

/// Changes with the format. Files of other versions are ignored.
const MAGIC: &[u8] = b"onebuild contexts 1\n";
const DIGEST: usize = 32;

/// Bounds the file. A directory with more records is sent completely in every run; past states of its
/// files count too.
const MAX_RECORDS: usize = 1_000_000;

impl Kept {
    /// The content of the file, or `None` if it would be too large.
    pub(crate) fn write(&self) -> Option<Vec<u8>> {
        if self.records.len() > MAX_RECORDS {
            return None;
        }
        let mut out = Vec::with_capacity(64 * self.records.len() + 128);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.nonce);
        let mut last = "";
        for ((path, look), version) in &self.records.0 {
            let shared = shared(last, path);
            let rest = &path.as_bytes()[shared..];
            out.extend_from_slice(&u16::try_from(shared).ok()?.to_le_bytes());
            out.extend_from_slice(&u16::try_from(rest.len()).ok()?.to_le_bytes());
            out.extend_from_slice(rest);
            out.extend_from_slice(&look.size.to_le_bytes());
            out.extend_from_slice(&look.modified.to_le_bytes());
            out.extend_from_slice(&look.permissions.to_le_bytes());
            out.extend_from_slice(&version.changed.to_le_bytes());
            out.extend_from_slice(&version.inode.to_le_bytes());
            last = path;
        }
        let digest = Sha256::digest(&out);
        out.extend_from_slice(&digest);
        Some(out)
    }

    /// Parses `content`. `None` if it is incomplete or has another format.
    pub(crate) fn read(content: &[u8]) -> Option<Self> {
        let (body, digest) = content.split_last_chunk::<DIGEST>()?;
        let mut rest = Reader(body.strip_prefix(MAGIC)?);
        if Sha256::digest(body)[..] != digest[..] {
            return None;
        }
        let nonce = rest.array()?;
        let mut records = Vec::new();
        let mut path: Vec<u8> = Vec::new();
        while !rest.0.is_empty() {
            let shared = usize::from(u16::from_le_bytes(rest.array()?));
            let length = usize::from(u16::from_le_bytes(rest.array()?));
            if shared > path.len() || records.len() == MAX_RECORDS {
                return None;
            }
            path.truncate(shared);
            path.extend_from_slice(rest.take(length)?);
            let look = Look {
                size: u64::from_le_bytes(rest.array()?),
                modified: i64::from_le_bytes(rest.array()?),
                permissions: u32::from_le_bytes(rest.array()?),
            };
            let version = Version {
                changed: i64::from_le_bytes(rest.array()?),
                inode: u64::from_le_bytes(rest.array()?),
            };
            records.push(((std::str::from_utf8(&path).ok()?.into(), look), version));
        }
        Some(Self { nonce, records: Records(records.into_iter().collect()) })
    }
}

/// The length of the common prefix of two paths, in bytes.
fn shared(one: &str, other: &str) -> usize {
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    same.min(usize::from(u16::MAX))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        let look = |size| Look { size, modified: -5, permissions: 0o4755 };
        let version = Version { changed: i64::MAX, inode: u64::MAX };
        let records = [
            (("a".into(), look(1)), version),
            (("a".into(), look(2)), Version::UNKNOWN),
            (("a/é".into(), look(u64::MAX)), version),
            (("a/è".into(), look(0)), version),
            (("b".into(), look(0)), version),
        ];
        Kept { nonce: [7; 16], records: Records(records.into_iter().collect()) }
    }

    #[test]
    fn written_state_can_be_read() {
        let kept = kept();
        assert_eq!(Kept::read(&kept.write().unwrap()), Some(kept));
        let none = Kept { nonce: [0; 16], records: Records::default() };
        assert_eq!(Kept::read(&none.write().unwrap()), Some(none));
    }

    #[test]
    fn damaged_state_is_rejected() {
        let content = kept().write().unwrap();
        for length in 0..content.len() {
            assert_eq!(Kept::read(&content[..length]), None, "{length} bytes");
        }
        for at in 0..content.len() {
            let mut other = content.clone();
            other[at] ^= 1;
            assert_eq!(Kept::read(&other), None, "byte {at}");
        }
        assert_eq!(Kept::read(&[&content[..], b"x"].concat()), None);
    }
}
