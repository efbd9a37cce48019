//! Names of images and their parts (reference, tag, digest, platform), and the platforms of
//! programs. Pure.

mod digest;
mod name;
mod named_platform;
mod platform;
mod platform_image;
mod program;
mod reference;

pub use digest::Digest;
pub(crate) use name::InvalidReference;
pub(crate) use named_platform::UnknownPlatform;
pub use platform::Platform;
pub(crate) use platform_image::PlatformImage;
pub(crate) use program::{Elf, Program};
pub use reference::Reference;
pub(crate) use reference::{Repository, Tag, short_name};
