//! A plan as a table.

use crate::error::visible;
use crate::matrix::Cell;
use crate::text::{pad, width};

/// A table with the name, platforms, template and images of each cell.
pub(crate) fn table(cells: &[Cell]) -> String {
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
        // The last column is not padded: a cell may have thousands of tags.
        let padded = [name, platforms, dockerfile].into_iter().zip(widths);
        padded.for_each(|(field, width)| text += &(pad(field, width) + "  "));
        text += images;
        text.push('\n');
    }
    visible(&text).into_owned()
}
