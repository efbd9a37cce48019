//! From cells and the files that they name to build requests. Pure.
//!
//! This code reads no files. [`PlanFiles::needed`] lists the files to read, the caller reads and inserts
//! them, and then asks again, because a template may include others:
//!
//! ```
//! # use onebuild::parts::{Matrix, Overrides, PlanFiles, Root, Selection, SourceFile, plan};
//! # let text = "image: me/app\ntag: <%os%>\nplatforms: linux/amd64\naxes: {os: [a]}";
//! # let matrix = Matrix::parse(SourceFile::new("matrix.yaml", text)).unwrap();
//! # let overrides = Overrides::default();
//! # let read = |path: &str| {
//! #     (path == "Dockerfile").then(|| SourceFile::new(path, "FROM alpine\n"))
//! # };
//! let cells = matrix.select(&Selection::default(), &overrides)?.expand()?.cells;
//! let mut files = PlanFiles::default();
//! loop {
//!     let needed = files.needed(&cells);
//!     if needed.is_empty() {
//!         break;
//!     }
//!     for file in needed {
//!         files.insert(&file, read(&file.path))?;
//!     }
//! }
//! let plan = plan(&matrix, &cells, &files, &Root::default(), &Default::default())?;
//! assert_eq!(plan.requests[0].recipe.dockerfile.text(), "FROM alpine\n");
//! # Ok::<(), onebuild::parts::Diagnostics>(())
//! ```

mod base_labels;
mod bases;
mod files;
mod make;
mod output;
mod privileges;
mod rendered_files;
mod request;
mod show;
mod sources;
mod steps;
#[cfg(test)]
mod tests;

pub(crate) use base_labels::{inherited_label, label_sources};
pub(crate) use bases::bases;
pub(crate) use bases::{Base, NeededImage, OtherPlatform, final_platform, needed_images};
pub use files::PlanFiles;
pub(crate) use files::{FileKind, Needed};
pub use make::plan;
pub(crate) use output::FileOutput;
pub use output::Output;
pub(crate) use privileges::Privileges;
pub(crate) use rendered_files::{RenderedFile, committed};
pub use request::{BuildOptions, BuildRequest};
pub(crate) use request::{Delivery, Pin, Policy, Recipe};
pub(crate) use show::{Beyond, Table, bake, counts, github, table, write_json};
pub(crate) use show::{escaped, redacted};
pub(crate) use sources::Sources;
pub(crate) use steps::RunsOn;
