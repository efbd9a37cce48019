//! The summary of a run in Markdown, for GitHub's page of a run.
//!
//! What has to be done comes first: failures by cause, then the family by its axes, then warnings, and at the end every
//! cell. Text of others is shown as code alone. There Markdown has no syntax, and GitHub makes no links, mentions
//! or references.

mod cells;
mod failures;
mod family;
mod headline;
mod markdown;
mod notes;
#[cfg(test)]
mod tests;

use self::cells::Rows;
use super::causes::causes;
use crate::outcome::Outcome;
use crate::record::Recorded;
use crate::report::{Failed, TAIL};
use crate::text::{bytes, counted};

/// GitHub shows at most 1 MiB of a step: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>
pub(crate) const MAX_SUMMARY: usize = 1 << 20;

/// The summary of `run`, in less than `limit` bytes.
///
/// If it would be larger, the last rows of the table of all cells are left out first, then lines of logs, then failures
/// and notes after the first ones, and the table by axes. The text says so. If nothing fits, it is one line or empty.
pub(crate) fn summary(run: &Recorded, limit: usize) -> String {
    let outcomes = run.outcomes();
    let causes = causes(&outcomes);
    let fits = |cut: &Cut| cut.summary(run, &outcomes, &causes, limit);
    CUTS.iter().find_map(fits).unwrap_or_else(|| {
        let line = headline::line(run);
        if line.len() < limit { line } else { String::new() }
    })
}

/// How much of a run is in its summary.
struct Cut {
    log_lines: usize,
    causes: usize,
    notes: usize,
    has_family: bool,
}

/// Each one has less than the one before.
const CUTS: [Cut; 7] = [
    Cut { log_lines: TAIL, causes: usize::MAX, notes: usize::MAX, has_family: true },
    Cut { log_lines: 5, causes: usize::MAX, notes: usize::MAX, has_family: true },
    Cut { log_lines: 0, causes: usize::MAX, notes: usize::MAX, has_family: true },
    Cut { log_lines: 0, causes: 20, notes: 20, has_family: true },
    Cut { log_lines: 0, causes: 20, notes: 20, has_family: false },
    Cut { log_lines: 0, causes: 5, notes: 0, has_family: false },
    Cut { log_lines: 0, causes: 0, notes: 0, has_family: false },
];

/// Longest sentence about what was left out.
const SENTENCE: usize = 240;

impl Cut {
    /// The summary, with as many rows of cells as there is room for. None if the rest is too long.
    fn summary(
        &self,
        run: &Recorded,
        outcomes: &[Outcome],
        causes: &[Vec<Failed>],
        limit: usize,
    ) -> Option<String> {
        let head = headline::headline(run);
        let shown = &causes[..causes.len().min(self.causes)];
        let family = family::family(run);
        let notes = notes::notes(run, outcomes);
        let mut body = failures::failures(shown, self.log_lines);
        body.extend(family.clone().filter(|_| self.has_family));
        body.extend(notes.iter().take(self.notes).cloned());
        let body = body.concat();
        let rows = Rows::new(run, family.is_none());
        let room = limit.checked_sub(head.len() + body.len() + SENTENCE)?;
        let (cells, rows) = rows.within(room);

        let log = causes.iter().map(|cells| cells[0].1.log_tail.len()).max().unwrap_or(0);
        let mut missing = Vec::new();
        let mut left_out = |count: usize, what: &str| {
            if count > 0 {
                missing.push(counted(count, what));
            }
        };
        left_out(causes.len() - shown.len(), "cause");
        left_out(notes.len().saturating_sub(self.notes), "note");
        left_out(usize::from(family.is_some() && !self.has_family), "table");
        left_out(rows, "cell");
        if log.min(TAIL) > self.log_lines {
            missing.push("lines of logs".to_owned());
        }
        let sentence = match missing.is_empty() {
            true => String::new(),
            false => format!(
                "Cut to less than {}. Left out here, and not in the log: {}.\n\n",
                bytes(limit as u64),
                missing.join(", ")
            ),
        };
        let text = [head, sentence, body, cells].concat();
        (text.len() < limit).then_some(text)
    }
}
