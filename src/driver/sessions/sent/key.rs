//! The key under which BuildKit stores its copy of a directory. Pure except for [`machine`].

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::context::Identity;
use crate::regular;

/// The key of `directory` on `machine`: unique to the directory, and the same in every run with this
/// nonce.
///
/// Each part is needed. Engines serve several machines. Two paths of one directory may have different
/// content below them (mounts). Device and inode distinguish directories at the same path in two
/// containers, and a directory that was removed and created again. A new nonce makes BuildKit ignore its
/// copy.
pub(crate) fn shared_key(machine: &[u8], directory: &Identity, nonce: &[u8; 16]) -> String {
    let mut hash = Sha256::new();
    let path = directory.path.as_os_str().as_encoded_bytes();
    let (device, inode) = (directory.device.to_le_bytes(), directory.inode.to_le_bytes());
    for part in [machine, path, &device, &inode, nonce] {
        // With its length, so that different lists of parts have different input.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What identifies this machine.
pub(crate) fn machine() -> Vec<u8> {
    let id = regular::read(Path::new("/etc/machine-id"), 4096).ok().flatten().unwrap_or_default();
    match id.trim_ascii() {
        // Containers have none, but a unique host name.
        [] => rustix::system::uname().nodename().to_bytes().to_vec(),
        id => id.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_distinguishes_two_directories_is_in_the_key() {
        let directory = |path: &str, device, inode| Identity { path: path.into(), device, inode };
        let app = directory("/src/app", 1, 2);
        let key = shared_key(b"m", &app, &[0; 16]);
        assert_eq!(key, shared_key(b"m", &app, &[0; 16]));
        assert_eq!(key.len(), 64);
        for (what, other) in [
            ("machine", shared_key(b"n", &app, &[0; 16])),
            ("path", shared_key(b"m", &directory("/src/other", 1, 2), &[0; 16])),
            ("device", shared_key(b"m", &directory("/src/app", 9, 2), &[0; 16])),
            ("inode", shared_key(b"m", &directory("/src/app", 1, 9), &[0; 16])),
            ("nonce", shared_key(b"m", &app, &[1; 16])),
            ("border", shared_key(b"m/src", &directory("/app", 1, 2), &[0; 16])),
        ] {
            assert_ne!(key, other, "{what}");
        }
    }
}
