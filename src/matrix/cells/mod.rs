//! From a selection to its cells.

mod asked;
mod cell;
pub(super) mod expand;
mod file_rule;
mod known;
mod labels;
mod lost_tags;
mod made;
mod make;
mod missing;
mod mistaken;
mod name;
mod named;
mod origin;
mod pool;
mod smoke;

pub(crate) use asked::{Asked, AskedFor, AskedVariable};
pub(crate) use cell::Cell;
pub(crate) use origin::{Origin, Source};

use std::collections::HashSet;

use super::model::Matrix;

impl Matrix {
    /// Whether every value of every axis occurs in these cells.
    pub(crate) fn is_covered_by(&self, cells: &[Cell]) -> bool {
        self.axes.iter().enumerate().all(|(index, axis)| {
            let seen: HashSet<&str> =
                cells.iter().filter_map(|cell| Some(&*cell.axes.get(index)?.1)).collect();
            axis.values.iter().all(|value| seen.contains(&*value.text))
        })
    }
}
