//! The names of images and of what is in them: reference, tag, digest, platform; what platform a
//! program is made for. Pure.

mod digest;
mod name;
mod platform;
mod program;
mod reference;

pub use digest::{Digest, InvalidDigest};
pub use platform::{InvalidPlatform, Platform};
pub use program::{Elf, Program};
pub use reference::{InvalidReference, Reference, Repository, Tag, short_name};
