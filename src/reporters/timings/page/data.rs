//! The data of the page: what its script needs to show steps and to search.

use std::collections::HashMap;

use serde::Serialize;

use super::rows;
use crate::reporters::timings::model::{CellTimes, StepEnd, StepTimes, Timings};
use crate::text::duration;

/// All data. Each text is in it once, since most cells have the same steps.
#[derive(Serialize)]
struct Data {
    /// The end of the run, in milliseconds; all times are from its start.
    end: u64,
    texts: Vec<String>,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<usize>,
    /// Start and end.
    #[serde(skip_serializing_if = "Option::is_none")]
    ran: Option<(u64, u64)>,
    /// Those that were followed by another attempt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retried: Vec<Retried>,
    /// How long the attempt after them took.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<usize>,
    steps: Vec<Step>,
}

/// Start and duration of an attempt that failed, how long it took as text, why it failed; start and duration
/// of the wait after it, and this as text.
#[derive(Serialize)]
struct Retried(u64, u64, usize, usize, u64, u64, usize);

/// Start, duration, the same as text; label, platform, state, whether it is emulated (0 or 1), the attempt.
#[derive(Serialize)]
struct Step(u64, u64, usize, usize, usize, usize, u8, usize);

/// The data as JSON that can be in a `script` of HTML.
pub(super) fn data(timings: &Timings<'_>) -> String {
    let mut texts = Texts::default();
    let cells = timings.cells.iter().map(|cell| of(cell, &mut texts)).collect();
    let data = Data { end: timings.end, texts: texts.texts, cells };
    let json = serde_json::to_string(&data).expect("it has neither maps nor values that can fail");
    in_script(&json)
}

fn of(cell: &CellTimes<'_>, texts: &mut Texts) -> Cell {
    let retried = cell.known.retries.iter().zip(cell.attempts.iter().zip(&cell.waits));
    let retried = retried.map(|(retry, (attempt, wait))| {
        Retried(
            attempt.from,
            attempt.until - attempt.from,
            texts.number(&duration(attempt.took())),
            texts.number(&rows::message(&retry.failure)),
            wait.from,
            wait.until - wait.from,
            texts.number(&duration(wait.took())),
        )
    });
    let retried: Vec<Retried> = retried.collect();
    let last = cell.attempts.get(retried.len()).filter(|_| !retried.is_empty());
    let last = last.map(|last| texts.number(&duration(last.took())));
    let steps = cell.steps.iter().map(|step: &StepTimes| {
        Step(
            step.ran.from,
            step.ran.until - step.ran.from,
            texts.number(&match step.state {
                StepEnd::Cached => String::new(),
                _ => duration(step.ran.took()),
            }),
            texts.number(&step.label),
            texts.number(step.platform.as_deref().unwrap_or_default()),
            texts.number(step.state.word()),
            step.is_emulated.into(),
            step.attempt,
        )
    });
    let steps = steps.collect();
    Cell {
        failure: rows::failure(cell).map(|message| texts.number(&message)),
        ran: cell.ran.map(|ran| (ran.from, ran.until)),
        retried,
        last,
        steps,
    }
}

/// JSON in which no character has a meaning for HTML or for older JavaScript. All of these characters are
/// within strings.
fn in_script(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\u{7f}'..='\u{9f}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => text.push(c),
        }
    }
    text
}

#[derive(Default)]
struct Texts {
    texts: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Texts {
    fn number(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len();
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::event::samples::HOSTILE;

    #[test]
    fn any_text_is_read_back_and_none_is_markup() {
        for text in HOSTILE.iter().chain(&["</ScRiPt>", "<!--<script>", "\u{2028}\u{2029}&lt;"]) {
            let json = in_script(&serde_json::to_string(text).unwrap());
            assert!(!json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), *text);
        }
    }
}
