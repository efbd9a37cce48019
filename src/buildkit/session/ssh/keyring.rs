//! A built-in SSH agent with keys from files. It supports only listing and signing.

use std::path::{Path, PathBuf};

use super::error::KeyError;
use super::key::Key;
use super::message::{FAILURE, REQUEST_IDENTITIES, SIGN_REQUEST, string};

const IDENTITIES_ANSWER: u8 = 12;
const SIGN_RESPONSE: u8 = 14;

/// Private keys in memory, wiped when this is dropped.
pub(crate) struct Keyring {
    keys: Vec<Key>,
}

/// A file without a usable key.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub(crate) struct KeyFileError {
    pub path: PathBuf,
    pub error: KeyError,
}

impl Keyring {
    /// Reads one key from each of `files`.
    pub(crate) fn read<P: AsRef<Path>>(files: &[P]) -> Result<Self, KeyFileError> {
        let read = |path: &P| {
            let path = path.as_ref();
            Key::read(path).map_err(|error| KeyFileError { path: path.to_owned(), error })
        };
        Ok(Self { keys: files.iter().map(read).collect::<Result<_, _>>()? })
    }

    /// The agent's answer to a message. Both include their length prefix.
    pub(super) fn answer(&self, message: &[u8]) -> Vec<u8> {
        match message.get(4..) {
            Some([REQUEST_IDENTITIES]) => self.list(),
            Some([SIGN_REQUEST, rest @ ..]) => self.sign(rest).unwrap_or_else(|| FAILURE.to_vec()),
            _ => FAILURE.to_vec(),
        }
    }

    fn list(&self) -> Vec<u8> {
        let count = u32::try_from(self.keys.len()).expect("the user names each key");
        let mut answer = vec![IDENTITIES_ANSWER];
        answer.extend(count.to_be_bytes());
        for key in &self.keys {
            answer.extend(string(&key.public));
            // The comment in the file may name a user or a machine.
            answer.extend(string(b""));
        }
        string(&answer)
    }

    fn sign(&self, request: &[u8]) -> Option<Vec<u8>> {
        let (public, rest) = take(request)?;
        let (data, flags) = take(rest)?;
        let flags = u32::from_be_bytes(flags.try_into().ok()?);
        let key = self.keys.iter().find(|key| key.public == public)?;
        Some(string(&[&[SIGN_RESPONSE][..], &string(&key.sign(data, flags)?)].concat()))
    }
}

/// A string of the protocol, and the remaining bytes.
fn take(from: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = from.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}
