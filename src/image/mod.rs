//! The names of images and of what is in them: reference, tag, digest, platform. Pure.

mod digest;
mod name;
mod platform;
mod reference;

pub use digest::{Digest, InvalidDigest};
pub use platform::{InvalidPlatform, Platform};
pub use reference::{InvalidReference, Reference, Repository, Tag, short_name};
