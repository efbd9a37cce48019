//! A plan as a table for people.

use crate::error::visible;
use crate::matrix::Cell;
use crate::text::{pad, width};

/// A table for people: cell, platforms, template, and what else each cell has of its own.
pub fn table(cells: &[Cell]) -> String {
    let mut rows = vec![["cell", "platforms", "dockerfile", "images"].map(str::to_owned)];
    for cell in cells {
        let platforms: Vec<String> = cell.platforms.iter().map(|p| p.short()).collect();
        let images: Vec<String> = cell.references.iter().map(|r| r.familiar()).collect();
        rows.push([
            cell.name.to_string(),
            platforms.join(" "),
            cell.dockerfile.to_string(),
            images.join(" "),
        ]);
    }
    let widest = |column: usize| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0);
    let widths: [usize; 3] = std::array::from_fn(widest);
    let mut text = String::new();
    for [name, platforms, dockerfile, images] in &rows {
        // The last column is as long as it is: a cell may have thousands of tags.
        let padded = [name, platforms, dockerfile].into_iter().zip(widths);
        padded.for_each(|(field, width)| text += &(pad(field, width) + "  "));
        text += images;
        text.push('\n');
    }
    visible(&text).into_owned()
}
