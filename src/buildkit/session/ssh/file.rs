//! Private key files in OpenSSH's format.
//!
//! Source: <https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::error::KeyError;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// The decoded content between the first and last line of the file.
pub(super) fn decoded(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // Other formats are not parsed further than necessary to name them.
    let text = std::str::from_utf8(text).map_err(|_| KeyError::NoKey)?;
    let Some((_, rest)) = text.split_once(BEGIN) else { return Err(other(text)) };
    let (inner, _) = rest.split_once(END).ok_or(KeyError::NoKey)?;
    let inner: Zeroizing<Vec<u8>> =
        Zeroizing::new(inner.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
    STANDARD.decode(&inner).map(Zeroizing::new).map_err(|_| KeyError::NoKey)
}

/// Which kind of file it is, if it is not in OpenSSH's format.
fn other(text: &str) -> KeyError {
    let is_private = text.contains("PRIVATE KEY-----");
    let is_public = text.contains("PUBLIC KEY-----")
        || ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| text.starts_with(kind));
    match () {
        () if is_private && text.contains("ENCRYPTED") => KeyError::Encrypted,
        () if is_private => KeyError::OlderForm,
        () if is_public => KeyError::Public,
        () => KeyError::NoKey,
    }
}

/// The fields of the only key in `decoded`, beginning with its type.
pub(super) fn key(decoded: &[u8]) -> Result<Fields<'_>, KeyError> {
    let mut outer = Fields { rest: decoded.strip_prefix(MAGIC).ok_or(KeyError::NoKey)? };
    let (cipher, _kdf, _options) = (outer.string()?, outer.string()?, outer.string()?);
    if cipher != b"none" {
        return Err(KeyError::Encrypted);
    }
    let (count, _public) = (outer.number()?, outer.string()?);
    let mut key = Fields { rest: outer.string()? };
    // Two numbers that are equal if the file was decrypted correctly.
    if count != 1 || key.number()? != key.number()? {
        return Err(KeyError::NoKey);
    }
    Ok(key)
}

/// Reads fields of the SSH protocol in order.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn number(&mut self) -> Result<u32, KeyError> {
        let (number, rest) = self.rest.split_first_chunk().ok_or(KeyError::NoKey)?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*number))
    }

    pub(super) fn string(&mut self) -> Result<&'a [u8], KeyError> {
        let length = self.number()? as usize;
        let (string, rest) = self.rest.split_at_checked(length).ok_or(KeyError::NoKey)?;
        self.rest = rest;
        Ok(string)
    }

    /// A big-endian integer of arbitrary length, without leading zeros.
    pub(super) fn large_number(&mut self) -> Result<&'a [u8], KeyError> {
        let bytes = self.string()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Ok(&bytes[zeros..])
    }
}
