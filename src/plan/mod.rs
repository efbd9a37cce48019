//! Cells to build: from a matrix, a selection and the templates to build requests. Pure.
//!
//! The core reads no files: [`Templates::needed`] says which ones it wants, the caller reads and
//! inserts them, and asks again, since a template may include others:
//!
//! ```
//! # use onebuild::{error::SourceFile, matrix::*, plan::*};
//! # let text = "image: me/app\ntag: <%os%>\nplatforms: linux/amd64\naxes: {os: [a]}";
//! # let matrix = Matrix::parse(SourceFile::new("matrix.yaml", text)).unwrap();
//! # let overrides = Overrides::default();
//! # let read = |_: &str| "FROM alpine\n";
//! let cells = matrix.select(&Selection::default(), &overrides)?.expand()?.cells;
//! let mut templates = Templates::default();
//! loop {
//!     let needed = templates.needed(&cells);
//!     if needed.is_empty() {
//!         break;
//!     }
//!     for file in needed {
//!         templates.insert(&file.path, SourceFile::new(&*file.path, read(&file.path)))?;
//!     }
//! }
//! let plan = plan(&matrix, &cells, &templates, "".as_ref(), &Default::default())?;
//! assert_eq!(plan.requests[0].dockerfile.text, "FROM alpine\n");
//! # Ok::<(), onebuild::error::Diagnostics>(())
//! ```

mod bases;
mod committed;
mod dockerfile;
mod make;
mod request;
mod show;
mod templates;
#[cfg(test)]
mod tests;

pub use crate::input::{
    Cache, MediaTypes, NamedContext, Network, SecretSource, SharedPlace, Test, TestCommand,
    TimeLimit, Volume, Wait, fields,
};
pub use bases::Base;
pub(crate) use bases::{bases, filled};
pub use committed::{Committed, committed};
pub(crate) use dockerfile::instructions;
pub use make::{Plan, plan};
pub use request::{BuildOptions, BuildRequest, FileOutput, Output, Pin};
pub(crate) use show::escaped;
pub use show::{Bake, Strategy, bake, github, json, table};
pub use templates::{Needed, Templates};
