//! A plan as a table for people.

use crate::error::visible;
use crate::matrix::Cell;

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
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; 4] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in &rows {
        let padded = row.iter().zip(widths).map(|(field, width)| format!("{field:width$}"));
        text += padded.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    visible(&text).into_owned()
}
