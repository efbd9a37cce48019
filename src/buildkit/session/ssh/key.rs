//! A private key from a file: parses it, and signs with it.

use std::io::Read as _;
use std::path::Path;

use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair,
};
use zeroize::Zeroizing;

use super::error::KeyError;
use super::file::{self, Fields};
use super::message::string;
use crate::regular;

/// A 16384-bit RSA key file has 13 KB.
const MAX_FILE: usize = 64 << 10;

/// Signature flags for RSA. Without either, the signature would use SHA-1, which OpenSSH has
/// disabled.
///
/// Source: <https://datatracker.ietf.org/doc/html/draft-ietf-sshm-ssh-agent#section-5.3>
const RSA_SHA2_256: u32 = 2;
const RSA_SHA2_512: u32 = 4;

/// A private key, which is wiped from memory when it is dropped.
pub(super) struct Key {
    /// In the format of agents.
    pub(super) public: Vec<u8>,
    pair: Pair,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    /// With its type.
    Ecdsa(EcdsaKeyPair, String),
    Rsa(RsaKeyPair),
}

impl Key {
    pub(super) fn read(path: &Path) -> Result<Self, KeyError> {
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE + 1));
        regular::open(path)?.take(MAX_FILE as u64 + 1).read_to_end(&mut text)?;
        Self::parse(&text)
    }

    pub(super) fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let decoded = file::decoded(text)?;
        let mut fields = file::key(&decoded)?;
        let kind = fields.string()?;
        match kind {
            b"ssh-ed25519" => ed25519(&mut fields),
            b"ssh-rsa" => rsa(&mut fields),
            b"ecdsa-sha2-nistp256" => {
                ecdsa(&mut fields, kind, &ECDSA_P256_SHA256_FIXED_SIGNING, 32)
            }
            b"ecdsa-sha2-nistp384" => {
                ecdsa(&mut fields, kind, &ECDSA_P384_SHA384_FIXED_SIGNING, 48)
            }
            b"ecdsa-sha2-nistp521" => {
                ecdsa(&mut fields, kind, &ECDSA_P521_SHA512_FIXED_SIGNING, 66)
            }
            other => Err(KeyError::Kind(other.escape_ascii().to_string())),
        }
    }

    /// Signs `data`; returns the signature in the format of agents, or `None` if the key does not
    /// support `flags`.
    pub(super) fn sign(&self, data: &[u8], flags: u32) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        let (algorithm, signature) = match &self.pair {
            Pair::Ed25519(pair) => ("ssh-ed25519".to_owned(), pair.sign(data).as_ref().to_vec()),
            Pair::Ecdsa(pair, kind) => {
                let both = pair.sign(&random, data).ok()?;
                let (r, s) = both.as_ref().split_at(both.as_ref().len() / 2);
                (kind.clone(), [number(r), number(s)].concat())
            }
            Pair::Rsa(pair) => {
                let (name, padding) = match flags {
                    _ if flags & RSA_SHA2_512 != 0 => ("rsa-sha2-512", &RSA_PKCS1_SHA512),
                    _ if flags & RSA_SHA2_256 != 0 => ("rsa-sha2-256", &RSA_PKCS1_SHA256),
                    _ => return None,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, data, &mut signature).ok()?;
                (name.to_owned(), signature)
            }
        };
        Some([string(algorithm.as_bytes()), string(&signature)].concat())
    }
}

fn ed25519(fields: &mut Fields<'_>) -> Result<Key, KeyError> {
    let (public, both) = (fields.string()?, fields.string()?);
    let seed = both.get(..32).ok_or(KeyError::NoKey)?;
    let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public).map_err(rejected)?;
    let public = [string(b"ssh-ed25519"), string(public)].concat();
    Ok(Key { public, pair: Pair::Ed25519(pair) })
}

/// `size` is the length of the curve's numbers in bytes.
fn ecdsa(
    fields: &mut Fields<'_>,
    kind: &[u8],
    algorithm: &'static EcdsaSigningAlgorithm,
    size: usize,
) -> Result<Key, KeyError> {
    let (curve, public, number) = (fields.string()?, fields.string()?, fields.large_number()?);
    let zeros = size.checked_sub(number.len()).ok_or(KeyError::NoKey)?;
    let mut private = Zeroizing::new(vec![0; size]);
    private[zeros..].copy_from_slice(number);
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &private, public);
    let public = [string(kind), string(curve), string(public)].concat();
    Ok(Key { public, pair: Pair::Ecdsa(pair.map_err(rejected)?, kind.escape_ascii().to_string()) })
}

fn rsa(fields: &mut Fields<'_>) -> Result<Key, KeyError> {
    let mut next = || fields.large_number();
    let (n, e, d, q_inverse, p, q) = (next()?, next()?, next()?, next()?, next()?, next()?);
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n, e },
        d,
        p,
        q,
        // OpenSSH's files do not contain these two.
        dP: &modulo_predecessor(d, p)?,
        dQ: &modulo_predecessor(d, q)?,
        qInv: q_inverse,
    };
    let pair = RsaKeyPair::from_components(&components).map_err(rejected)?;
    let public = [string(b"ssh-rsa"), number(e), number(n)].concat();
    Ok(Key { public, pair: Pair::Rsa(pair) })
}

fn rejected(_: KeyRejected) -> KeyError {
    KeyError::NoKey
}

/// `number` modulo `prime - 1`, for an odd `prime`, big-endian. It works bit by bit: it runs twice
/// per key, and none of our libraries provides it.
fn modulo_predecessor(number: &[u8], prime: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut modulus = Zeroizing::new(prime.to_vec());
    match modulus.last_mut() {
        Some(last) if *last & 1 == 1 => *last -= 1,
        _ => return Err(KeyError::NoKey),
    }
    // One byte longer than the modulus, for the doubled value before reduction.
    let mut rest = Zeroizing::new(vec![0_u8; modulus.len() + 1]);
    for bit in number.iter().flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1)) {
        let mut carry = bit;
        for byte in rest.iter_mut().rev() {
            let high = *byte >> 7;
            *byte = *byte << 1 | carry;
            carry = high;
        }
        if rest[0] > 0 || rest[1..] >= modulus[..] {
            let mut borrowed = false;
            for (byte, less) in rest.iter_mut().rev().zip(modulus.iter().rev().chain([&0])) {
                let (once, first) = byte.overflowing_sub(*less);
                let (twice, second) = once.overflowing_sub(borrowed.into());
                (*byte, borrowed) = (twice, first || second);
            }
        }
    }
    Ok(rest)
}

/// A non-negative number in the SSH protocol.
fn number(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros..];
    let sign: &[u8] = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    string(&[sign, bytes].concat())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsBigEndian as _;
    use aws_lc_rs::signature::KeyPair as _;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// The content of a file with one key.
    fn armored(fields: &[Vec<u8>]) -> String {
        let inner = [&[7_u8; 8][..], &fields.concat(), &string(b"comment")].concat();
        let head = [string(b"none"), string(b"none"), string(b"")].concat();
        let one = 1_u32.to_be_bytes();
        let all = [b"openssh-key-v1\0", &head[..], &one, &string(b""), &string(&inner)].concat();
        let text = STANDARD.encode(all);
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n")
    }

    #[test]
    fn a_number_with_leading_zeros_is_valid_for_its_curve() {
        // The first byte of a P-521 key is 0 or 1, so half of the keys begin with a zero.
        let pair = loop {
            let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
            if pair.private_key().as_be_bytes().unwrap().as_ref()[0] == 0 {
                break pair;
            }
        };
        let private = pair.private_key().as_be_bytes().unwrap();
        let public = pair.public_key().as_ref();
        let kind = b"ecdsa-sha2-nistp521";
        let fields = [string(kind), string(b"nistp521"), string(public), number(private.as_ref())];
        let key = Key::parse(armored(&fields).as_bytes()).unwrap();
        assert_eq!(key.public, fields[..3].concat());
        assert!(key.sign(b"data", 0).unwrap().starts_with(&string(kind)));

        // Every truncation is an error, never a panic.
        let whole = armored(&fields);
        for end in 0..whole.len() - 1 {
            assert!(Key::parse(&whole.as_bytes()[..end]).is_err());
        }
        for end in 0..4 {
            assert!(Key::parse(armored(&fields[..end]).as_bytes()).is_err());
        }
    }

    #[test]
    fn numbers_are_reduced() {
        for (number, prime, rest) in
            [(0, 3, 0), (5, 7, 5), (6, 7, 0), (65537, 251, 37), (1000, 257, 232)]
        {
            let bytes = |number: u32| number.to_be_bytes().to_vec();
            let reduced = modulo_predecessor(&bytes(number), &bytes(prime)).unwrap();
            assert_eq!(number % (prime - 1), rest);
            assert_eq!(reduced[1..], bytes(rest), "{number} {prime}");
        }
        assert!(modulo_predecessor(&[1], &[4]).is_err());
        assert!(modulo_predecessor(&[1], &[]).is_err());
    }

    #[test]
    fn numbers_are_not_negative() {
        assert_eq!(number(&[0, 0, 1, 2]), [0, 0, 0, 2, 1, 2]);
        assert_eq!(number(&[0x80]), [0, 0, 0, 2, 0, 0x80]);
        assert_eq!(number(&[0]), [0, 0, 0, 0]);
    }

    #[test]
    fn files_that_are_not_openssh_private_keys_are_described() {
        for (text, word) in [
            ("ssh-ed25519 AAAA me", "public key"),
            ("-----BEGIN PUBLIC KEY-----\n", "public key"),
            ("-----BEGIN RSA PRIVATE KEY-----\nAAAA", "older form"),
            ("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", "passphrase"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "passphrase"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "not contain an OpenSSH private key"),
            ("hunter2", "not contain an OpenSSH private key"),
            ("", "not contain an OpenSSH private key"),
        ] {
            let error = Key::parse(text.as_bytes()).err().unwrap().to_string();
            assert!(error.contains(word) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
