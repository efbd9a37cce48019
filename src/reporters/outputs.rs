//! The outputs of a step of GitHub Actions.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>, and for their size
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>

use indexmap::IndexMap;
use serde::Serialize;

use crate::record::event::{Built, CellFinished, CellResult};
use crate::record::{CellState, Recorded};

/// Largest size of the outputs of a job. GitHub measures them in UTF-16.
const MAX_SIZE: usize = 1_000_000;

/// The outputs of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outputs {
    /// The lines for the file that GitHub names in `GITHUB_OUTPUT`.
    pub(crate) lines: String,
    /// The names of outputs that are not set, because all of them would be too large. A part of a list could be
    /// taken for all of it.
    pub(crate) left_out: Vec<&'static str>,
}

/// The outputs of `run`. Values are JSON in one line, so `delimiter` must only be no JSON.
pub(crate) fn outputs(run: &Recorded, delimiter: &str) -> Outputs {
    within(run, delimiter, MAX_SIZE)
}

fn within(run: &Recorded, delimiter: &str, mut room: usize) -> Outputs {
    let mut digests = IndexMap::new();
    for built in run.cells.values().filter_map(|cell| built(cell.finished.as_ref()?)) {
        digests.extend(built.pushed.iter().map(|reference| (reference, &built.digest)));
    }
    let images: Vec<&String> = digests.keys().copied().collect();
    let is_failed = |name: &&String| run.cell_state(&run.cells[*name]) == CellState::Failed;
    let failed: Vec<&String> = run.cells.keys().filter(is_failed).collect();
    // The smallest ones first, so that the largest ones are left out.
    let values =
        [("failed", json(&failed)), ("images", json(&images)), ("digests", json(&digests))];
    let mut outputs = Outputs { lines: String::new(), left_out: Vec::new() };
    for (name, value) in values {
        match room.checked_sub(2 * value.encode_utf16().count()) {
            Some(left) => {
                room = left;
                outputs.lines += &format!("{name}<<{delimiter}\n{value}\n{delimiter}\n");
            }
            None => outputs.left_out.push(name),
        }
    }
    outputs
}

fn built(finished: &CellFinished) -> Option<&Built> {
    match &finished.result {
        CellResult::Built(built) => Some(built),
        _ => None,
    }
}

/// JSON in one line. Only printable characters of ASCII: readers differ in what ends a line.
fn json(value: &impl Serialize) -> String {
    let text =
        serde_json::to_string(value).expect("lists and maps with string keys always serialize");
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => shown.push(c),
            // Only strings contain others.
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    shown += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::record::event::samples::HOSTILE;
    use crate::record::event::{Cell, Event};
    use crate::reporters::samples::{at, family, foreign};

    const DELIMITER: &str = "0123456789abcdef";

    /// What a runner reads of such a file: lines NAME=VALUE and NAME<<DELIMITER.
    fn read(file: &str) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        let mut lines = file.split_terminator('\n');
        while let Some(line) = lines.next() {
            let (name, delimiter) = line.split_once("<<").expect("no output is NAME=VALUE");
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            found.push((name.to_owned(), serde_json::from_str(&value.join("\n")).unwrap()));
        }
        found
    }

    #[test]
    fn the_outputs_are_the_pushed_images_their_digests_and_the_failed_cells() {
        let outputs = outputs(&family(), DELIMITER);
        assert!(outputs.left_out.is_empty());
        let [(failed, cells), (images, references), (digests, of)] = &read(&outputs.lines)[..]
        else {
            panic!("{outputs:?}")
        };
        assert_eq!((&**failed, &**images, &**digests), ("failed", "images", "digests"));
        assert_eq!(cells.as_array().unwrap().len(), 6);
        assert_eq!(cells[0], "dood-2.0.3-ubuntu");
        assert_eq!(references.as_array().unwrap().len(), 160);
        assert_eq!(references[1], "docker.io/me/panel:dood-2.0.0-ubuntu-cn");
        assert_eq!(of[references[1].as_str().unwrap()], format!("sha256:{:064x}", 1));
    }

    #[test]
    fn no_value_can_forge_an_output() {
        for text in HOSTILE {
            let mut run = foreign(text);
            let cell = |name: &str| Cell { cell: name.to_owned(), ..Cell::default() };
            let names = [format!("{text}-failed"), format!("{text}-pushed")];
            let built = Built {
                digest: Some((*text).to_owned()),
                pushed: vec![(*text).to_owned()],
                ..Built::default()
            };
            let failed = CellResult::Failed { failure: Box::default() };
            for (name, result) in names.iter().zip([failed, CellResult::Built(built)]) {
                run.add(at(1), Event::Cell(cell(name)));
                let (cell, elapsed) = (name.clone(), Duration::ZERO);
                run.add(at(1), Event::CellFinished(CellFinished { cell, elapsed, result }));
            }
            let lines = outputs(&run, DELIMITER).lines;
            assert_eq!(lines.lines().count(), 9, "{lines}");
            assert!(lines.chars().all(|c| matches!(c, '\n' | ' '..='~')), "{lines}");
            let found = read(&lines);
            let names_of: Vec<&str> = found.iter().map(|(name, _)| &**name).collect();
            assert_eq!(names_of, ["failed", "images", "digests"]);
            assert_eq!(found[0].1[1], names[0]);
            assert_eq!(found[1].1[1], *text);
            assert_eq!(found[2].1[*text], *text);
        }
    }

    #[test]
    fn what_is_too_large_is_left_out_as_a_whole() {
        let run = family();
        let sizes = [(1, 3), (4_000, 2), (40_000, 1), (MAX_SIZE, 0)];
        for (room, count) in sizes {
            let outputs = within(&run, DELIMITER, room);
            assert_eq!(outputs.left_out.len(), count, "{room}");
            assert_eq!(read(&outputs.lines).len(), 3 - count, "{room}");
        }
    }
}
