//! Names of images and their parts (reference, tag, digest, platform), and the platforms of
//! programs. Pure.

mod digest;
mod name;
mod platform;
mod program;
mod reference;

pub use digest::Digest;
pub use name::InvalidReference;
pub use platform::Platform;
pub use program::{Elf, Program};
pub use reference::{Reference, Repository, Tag, short_name};
