//! Every cell with what it resulted in.

use super::headline::mark;
use super::markdown::{code, header, row, span};
use crate::image::Digest;
use crate::record::event::{Built, CellFinished, CellResult, Failure, PlatformImage};
use crate::record::{CellState, Recorded, RecordedCell};
use crate::text::{bytes, counted, duration};

/// `✅ pushed 41s`
pub(super) fn result(run: &Recorded, cell: &RecordedCell) -> String {
    let time = time(cell);
    let separator = if time.is_empty() { "" } else { " " };
    word(run, cell) + separator + &time
}

/// A table with a row for each cell.
pub(super) struct Rows {
    before: String,
    rows: Vec<String>,
    after: &'static str,
}

impl Rows {
    /// The table is folded unless it `is_open`.
    pub(super) fn new(run: &Recorded, is_open: bool) -> Self {
        let count = counted(run.cells.len(), "cell");
        let (mut before, after) = match is_open {
            true => ("### Cells\n\n".to_owned(), ""),
            false => (
                format!("<details>\n<summary>{count} with digests and references</summary>\n\n"),
                "\n</details>\n",
            ),
        };
        let names = ["cell", "result", "time", "cached steps", "size", "digest", "references"];
        before += &header(names.map(str::to_owned));
        Self { before, rows: run.cells.values().map(|cell| cell_row(run, cell)).collect(), after }
    }

    /// The table with the first rows that fit in `room` bytes, and the number of the others.
    pub(super) fn within(self, room: usize) -> (String, usize) {
        let mut text = self.before;
        let mut shown = 0;
        for row in &self.rows {
            if text.len() + row.len() + self.after.len() > room {
                break;
            }
            text += row;
            shown += 1;
        }
        let left_out = self.rows.len() - shown;
        if shown == 0 { (String::new(), left_out) } else { (text + self.after, left_out) }
    }
}

fn cell_row(run: &Recorded, cell: &RecordedCell) -> String {
    let (cached, size, digest, references) = match cell.finished.as_ref().map(|ended| &ended.result)
    {
        Some(CellResult::Built(built)) => {
            (cached(built), size(built), digest(built), &built.pushed[..])
        }
        Some(CellResult::Failed { failure }) => {
            let Failure { pushed, .. } = &**failure;
            (String::new(), String::new(), String::new(), &pushed[..])
        }
        _ => Default::default(),
    };
    let references = references.iter().map(|one| code(one)).collect::<Vec<_>>().join(" ");
    let (name, word, time) = (code(&cell.cell.cell), word(run, cell), time(cell));
    row([name, word, time, cached, size, digest, references])
}

fn word(run: &Recorded, cell: &RecordedCell) -> String {
    let state = run.cell_state(cell);
    match state {
        CellState::Failed => format!("{} **{}**", mark(state), state.word()),
        _ => format!("{} {}", mark(state), state.word()),
    }
}

fn time(cell: &RecordedCell) -> String {
    match &cell.finished {
        Some(CellFinished { elapsed, .. }) if !elapsed.is_zero() => duration(*elapsed),
        _ => String::new(),
    }
}

fn cached(built: &Built) -> String {
    match built.total_steps {
        0 => String::new(),
        total => format!("{} of {total}", built.cached_steps),
    }
}

/// `amd64 12 MB, arm64 11 MB`: what a pull of each platform transfers.
fn size(built: &Built) -> String {
    let one = |image: &PlatformImage| {
        let platform = image.platform.strip_prefix("linux/").unwrap_or(&image.platform);
        match built.images.len() {
            1 => code(&bytes(image.size)),
            _ => code(&format!("{platform} {}", bytes(image.size))),
        }
    };
    built.images.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn digest(built: &Built) -> String {
    let digest = built.digest.as_ref().and_then(|digest| digest.parse::<Digest>().ok());
    digest.map_or_else(String::new, |digest| span(digest.short()))
}
