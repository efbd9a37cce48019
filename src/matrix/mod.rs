//! matrix.yaml: what it says, which cells come of it, and which of them are wanted. Pure.
//!
//! [`Matrix::parse`] reads the file and finds everything that is wrong with it alone;
//! [`Matrix::select`] checks the wishes of the command line against it; [`Selected::expand`] makes
//! the [`Cell`]s. Errors of the second kind are wrong usage, the others a wrong matrix.

mod axis;
mod cell;
mod check;
mod expand;
mod pattern;
mod range;
mod read;
mod reader;
mod rule;
mod selection;
#[cfg(test)]
mod tests;
mod yaml;

pub use axis::{Axis, AxisValue};
pub use cell::Cell;
pub use expand::Expansion;
pub use selection::{Overrides, Pick, Selected, Selection, Unnamed};

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::{Diagnostics, SourceFile, Span};
use crate::image::Platform;
use crate::template::{Condition, Template};
use rule::Rule;

/// A matrix.yaml without errors.
#[derive(Debug, Clone)]
pub struct Matrix {
    file: SourceFile,
    axes: Vec<Axis>,
    /// The key `axes` itself.
    axes_span: Span,
    /// For each axis the values that `build` takes when it is not named; empty for all.
    defaults: Vec<Vec<usize>>,
    images: Vec<Template>,
    tags: Vec<TagRule>,
    platforms: Arc<[Platform]>,
    context: Option<Template>,
    dockerfile: Option<Template>,
    vars: Vec<Var>,
    args: Vec<(String, Template)>,
    labels: Vec<(String, Template)>,
    target: Option<Template>,
    bases: Vec<(String, Template)>,
    exclude: Vec<Rule>,
    warnings: Diagnostics,
}

/// A tag, and when a cell carries it.
#[derive(Debug, Clone)]
struct TagRule {
    tag: Template,
    when: Option<Condition>,
}

/// A name for templates, made of other names.
#[derive(Debug, Clone)]
struct Var {
    name: Arc<str>,
    span: Span,
    value: VarValue,
}

#[derive(Debug, Clone)]
enum VarValue {
    Text(Template),
    List(Vec<Template>),
}

impl Matrix {
    /// Reads a matrix; all its errors at once.
    pub fn parse(file: SourceFile) -> Result<Self, Diagnostics> {
        read::read(file)
    }

    /// In the order of the file: the first one varies slowest.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The axis called `name`.
    pub fn axis(&self, name: &str) -> Option<&Axis> {
        self.axes.iter().find(|axis| *axis.name == *name)
    }

    pub fn file(&self) -> &SourceFile {
        &self.file
    }

    /// What is odd about the file but stops nothing.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// The names of the vars, which flags may override.
    pub fn vars(&self) -> impl Iterator<Item = &str> {
        self.vars.iter().map(|var| &*var.name)
    }

    /// Whether every value of every axis is in one of these cells.
    pub(crate) fn is_covered_by(&self, cells: &[Cell]) -> bool {
        self.axes.iter().enumerate().all(|(index, axis)| {
            let seen: HashSet<&str> =
                cells.iter().filter_map(|cell| Some(&*cell.axes.get(index)?.1)).collect();
            axis.values.iter().all(|value| seen.contains(&*value.text))
        })
    }
}
