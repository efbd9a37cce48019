//! Tests of the language beyond a plain product: rules, labels, inputs, several files.

mod axis_sources;
mod blame;
mod files;
mod include;
mod inputs;
mod labels;
mod latest;
mod limits;
mod lost_tags;
mod names;
mod origins;
mod rules;
mod selection;

use super::{Cell, Matrix, Overrides, Pick, Selection};
use crate::error::{Diagnostics, SourceFile};

/// Three systems, three versions, and `more`.
fn family(more: &str) -> String {
    let head = "image: me/app\ntag: <%os%>-<%version%>\nplatforms: linux/amd64\n";
    let axes = "axes:\n  os: [ubuntu, centos, alpine]\n  version: 2.0.0..2.0.2\n";
    format!("{head}{axes}{more}")
}

fn matrix(text: &str) -> Matrix {
    let file = SourceFile::new("matrix.yaml", text);
    Matrix::parse(file).unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

fn select(matrix: &Matrix, only: &[&str]) -> Result<Vec<Cell>, Diagnostics> {
    let only = only.iter().map(|text| Pick::parse(text).unwrap()).collect();
    let selection = Selection { only, ..Default::default() };
    Ok(matrix.select(&selection, &Overrides::default())?.expand()?.cells)
}

fn cells(text: &str) -> Vec<Cell> {
    select(&matrix(text), &[]).unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

fn names(cells: &[Cell]) -> String {
    cells.iter().map(|cell| &*cell.name).collect::<Vec<_>>().join(" ")
}

fn cell<'c>(cells: &'c [Cell], name: &str) -> &'c Cell {
    cells.iter().find(|cell| &*cell.name == name).unwrap_or_else(|| panic!("no cell {name}"))
}

/// All warnings about the file and its cells.
fn warnings(text: &str) -> String {
    let matrix = matrix(text);
    let overrides = Overrides::default();
    let expansion = matrix.select(&Selection::default(), &overrides).unwrap().expand().unwrap();
    let mut all = matrix.warnings().clone();
    all.extend(expansion.warnings);
    all.to_string()
}

fn wrong(text: &str) -> String {
    let found = Matrix::parse(SourceFile::new("matrix.yaml", text));
    let found = found.and_then(|matrix| select(&matrix, &[]));
    found.err().unwrap_or_else(|| panic!("no errors in\n{text}")).to_string()
}
