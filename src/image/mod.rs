//! Names of images and their parts (reference, tag, digest, platform), and the platforms of
//! programs. Pure.

mod digest;
mod name;
mod platform;
mod program;
mod reference;

pub use digest::Digest;
pub use platform::Platform;
pub use program::{Elf, Program};
pub use reference::{InvalidReference, Reference, Repository, Tag, short_name};
