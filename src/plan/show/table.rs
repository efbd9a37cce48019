//! A plan as a table.

use std::collections::HashSet;

use crate::error::visible;
use crate::image::{Platform, Reference};
use crate::matrix::Cell;
use crate::text::{Paint, counted, pad, width};

const GAP: usize = 2;
/// A cell's name is not truncated below this, nor an image.
const NARROWEST: usize = 16;

/// A table of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub text: String,
    /// Whether something was left out because of the width.
    pub is_shortened: bool,
}

/// A table with the name, platforms, template and images of each cell. With `columns`, the width of a
/// terminal, no row is longer: if it is too narrow, the template is omitted, then the platforms, and the
/// images that do not fit are counted. Without it, nothing is left out. `paint` has the symbols that
/// the terminal can show.
pub(crate) fn table(cells: &[Cell], columns: Option<usize>, paint: Paint) -> Table {
    let rows: Vec<Row> = cells.iter().map(Row::of).collect();
    let header = ["cell", "platforms", "dockerfile"];
    let widest = |field: usize| {
        let fields = rows.iter().map(|row| width(&row.fields[field]));
        fields.chain([width(header[field])]).max().unwrap_or(0)
    };
    let mut widths: [usize; 3] = std::array::from_fn(widest);
    let whole = Room { widths, images: usize::MAX };
    let room = match columns {
        Some(columns) if rows.iter().any(|row| whole.before_images() + row.images() > columns) => {
            // The shortest form of each row is its first image.
            let wanted = rows.iter().map(|row| width(&row.short())).max().unwrap_or(0);
            for field in [2, 1] {
                if (Room { widths, images: 0 }).before_images() + wanted > columns {
                    widths[field] = 0;
                }
            }
            let least = wanted.min(NARROWEST);
            let most = columns.saturating_sub(least + GAP).max(NARROWEST);
            widths[0] = widths[0].min(most);
            let before = Room { widths, images: 0 }.before_images();
            Room { widths, images: columns.saturating_sub(before) }
        }
        _ => whole,
    };
    let mut text = room.line(&header.map(str::to_owned), "images", paint);
    for row in &rows {
        text += &room.line(&row.fields, &row.images_in(room.images, paint), paint);
    }
    Table { text, is_shortened: room != whole }
}

/// `12 cells, 24 images, 2 platforms`.
pub(crate) fn counts(cells: &[Cell]) -> String {
    let images: HashSet<&Reference> = cells.iter().flat_map(|cell| &*cell.references).collect();
    let platforms: HashSet<&Platform> = cells.iter().flat_map(|cell| &*cell.platforms).collect();
    let counts = [(cells.len(), "cell"), (images.len(), "image"), (platforms.len(), "platform")];
    counts.map(|(number, one)| counted(number, one)).join(", ")
}

/// The widths of the columns; 0 for one that is omitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    widths: [usize; 3],
    images: usize,
}

impl Room {
    fn before_images(&self) -> usize {
        self.widths.iter().filter(|width| **width > 0).map(|width| width + GAP).sum()
    }

    /// The last column is not padded: a cell may have thousands of tags.
    fn line(&self, fields: &[String; 3], images: &str, paint: Paint) -> String {
        let mut line = String::new();
        for (field, columns) in fields.iter().zip(self.widths).filter(|(_, columns)| *columns > 0) {
            let field = if width(field) > columns {
                paint.fit(field, columns)
            } else {
                pad(field, columns)
            };
            line += &(field + &" ".repeat(GAP));
        }
        line + images + "\n"
    }
}

struct Row {
    /// The name, the platforms and the template.
    fields: [String; 3],
    images: Vec<String>,
}

impl Row {
    fn of(cell: &Cell) -> Self {
        let platforms: Vec<String> = cell.platforms.iter().map(|p| p.short()).collect();
        let fields = [cell.name.to_string(), platforms.join(" "), cell.dockerfile.to_string()];
        let line = |text: String| visible(&text).into_owned();
        let images = cell.references.iter().map(|r| line(r.familiar()));
        Self { images: images.collect(), fields: fields.map(line) }
    }

    /// The width of all images.
    fn images(&self) -> usize {
        self.images.iter().map(|image| width(image) + 1).sum::<usize>().saturating_sub(1)
    }

    /// The first image, and how many more there are.
    fn short(&self) -> String {
        self.first(1)
    }

    /// The first `number` images, and how many more there are: `me/app:1 +3`.
    fn first(&self, number: usize) -> String {
        let text = self.images[..number.min(self.images.len())].join(" ");
        match self.images.len().saturating_sub(number) {
            0 => text,
            more => format!("{text} +{more}"),
        }
    }

    /// As many images as fit into `columns`. If the first does not fit, its end is shown: the tag.
    fn images_in(&self, columns: usize, paint: Paint) -> String {
        if self.images() <= columns {
            return self.images.join(" ");
        }
        let fitting = (1..self.images.len()).rev().find(|number| {
            // A list is as wide as its images at least: most numbers need no string.
            *number * 2 <= columns && width(&self.first(*number)) <= columns
        });
        match fitting {
            Some(number) => self.first(number),
            None => end(&self.short(), columns, &paint.shown("…")),
        }
    }
}

/// The end of `text` that fits into `columns`, with `mark` before it.
fn end(text: &str, columns: usize, mark: &str) -> String {
    let mut kept = text;
    while width(kept) + width(mark) > columns.max(NARROWEST) {
        let mut chars = kept.chars();
        chars.next();
        kept = chars.as_str();
    }
    if kept.len() == text.len() { text.to_owned() } else { format!("{mark}{kept}") }
}
