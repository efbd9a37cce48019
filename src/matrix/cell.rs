//! One image of the matrix.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::error::Span;
use crate::event::CellName;
use crate::image::{Platform, Reference};
use crate::template::Scope;

/// A combination of one value of each axis, with all that the matrix says of it.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Its first tag, or the first reference where several repositories share their tags.
    pub name: CellName,
    /// Axis and value, in the order of the file.
    pub axes: Vec<(Arc<str>, Arc<str>)>,
    /// Everything that its template may use.
    pub scope: Scope,
    /// Every name the image gets; at least one.
    pub references: Vec<Reference>,
    pub platforms: Arc<[Platform]>,
    /// The context folder, counted from the folder of matrix.yaml.
    pub context: Arc<str>,
    /// The template, counted from the context folder.
    pub dockerfile: Arc<str>,
    /// Where the matrix names the template.
    pub dockerfile_span: Span,
    pub args: IndexMap<String, String>,
    pub labels: IndexMap<String, String>,
    pub target: Option<String>,
    /// What stands in for an image that the Dockerfile names.
    pub bases: IndexMap<String, Reference>,
}

impl Cell {
    /// `os=ubuntu version=2.0.11 type=pro`
    pub fn describe(&self) -> String {
        let pairs: Vec<String> =
            self.axes.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
        pairs.join(" ")
    }
}
