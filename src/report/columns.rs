//! One row per cell, for the final table and for a terminal display when a cell ends.

use std::time::Duration;

use super::summary::last_output;
use crate::failure::{Kind, Phase};
use crate::image::Platform;
use crate::outcome::{Built, CellResult, Failure, Outcome};
use crate::text::{Paint, clean, duration, pad, width};

/// Column widths, computed once, so that rows printed at different times are aligned.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    name: usize,
    platforms: usize,
    digest: usize,
    cached: usize,
    limit: Option<usize>,
    paint: Paint,
}

const MARK: usize = 3;
const TIME: usize = 6;
const GAP: usize = 2;
/// `sha256:` and twelve hexadecimal digits.
const DIGEST: usize = 19;
const SHORT_DIGEST: usize = 12;
/// `12 of 12`
const CACHED: usize = 8;
/// With less space, a failed cell has no reason: it would be a few letters.
const MIN_REASON: usize = 14;
/// Wide enough for `pushed`, the most common result; `cancelled` is longer.
const RESULT: usize = 6;

impl Columns {
    /// Columns for these cells within the `limit` of a terminal. If it is too narrow, the digest's
    /// algorithm is omitted first, then the cached steps, the platforms and the digest; at last the
    /// name is truncated.
    pub(crate) fn new<'a>(
        cells: impl Iterator<Item = (&'a str, &'a [Platform])>,
        limit: Option<usize>,
        paint: Paint,
    ) -> Self {
        let mut columns =
            Self { name: 4, platforms: 9, digest: DIGEST, cached: CACHED, limit, paint };
        for (name, platforms) in cells {
            columns.name = columns.name.max(width(name));
            columns.platforms = columns.platforms.max(width(&short_list(platforms)));
        }
        let Some(limit) = limit else { return columns };
        let steps: [fn(&mut Self); 4] =
            [|c| c.digest = SHORT_DIGEST, |c| c.cached = 0, |c| c.platforms = 0, |c| c.digest = 0];
        for narrow in steps {
            if columns.total() < limit {
                break;
            }
            narrow(&mut columns);
        }
        let excess = (columns.total() + 1).saturating_sub(limit);
        columns.name = columns.name.saturating_sub(excess).max(8);
        columns
    }

    /// The column headers.
    pub(crate) fn header(&self) -> String {
        let line =
            self.line("", "cell", "platforms", "time", &self.rest("digest", "cached", "result"));
        self.paint.quiet(line.trim_end())
    }

    /// The row of a cell.
    pub(crate) fn row(&self, outcome: &Outcome) -> String {
        let time = match outcome.elapsed {
            Duration::ZERO => String::new(),
            elapsed => duration(elapsed),
        };
        let (mark, time, rest) = match &outcome.result {
            CellResult::Built(built) => (self.paint.good("✓"), time, self.built(built)),
            CellResult::Failed(failure) => {
                (self.paint.bad("✗"), time, failed(failure, self.room_for_rest()))
            }
            CellResult::NotStarted(_) => ("-".to_owned(), time, "not started".to_owned()),
            CellResult::Cancelled => ("-".to_owned(), time, "cancelled".to_owned()),
        };
        let rest = match self.room_for_rest() {
            Some(room) if width(&rest) > room => self.paint.fit(&rest, room),
            _ => rest,
        };
        let platforms = short_list(&outcome.platforms);
        self.line(&mark, &outcome.cell, &platforms, &time, &rest).trim_end().to_owned()
    }

    fn line(&self, mark: &str, name: &str, platforms: &str, time: &str, rest: &str) -> String {
        // The mark may be coloured, so its width is known instead of measured.
        let mark = if mark.is_empty() { " " } else { mark };
        let mut line = format!(" {mark} {}", self.paint.fit(name, self.name));
        if self.platforms > 0 {
            line += &format!("  {}", pad(platforms, self.platforms));
        }
        line + &format!("  {time:>TIME$}  {rest}")
    }

    fn rest(&self, digest: &str, cached: &str, result: &str) -> String {
        let mut rest = String::new();
        for (text, columns) in [(digest, self.digest), (cached, self.cached)] {
            if columns > 0 {
                rest += &pad(text, columns);
                rest += "  ";
            }
        }
        rest + result
    }

    fn built(&self, built: &Built) -> String {
        let digest = built.digest.as_ref().map_or("", |d| d.short());
        let digest = match self.digest {
            SHORT_DIGEST => digest.trim_start_matches("sha256:"),
            _ => digest,
        };
        let cached = match built.total_steps {
            0 => String::new(),
            total => format!("{} of {total}", built.cached_steps),
        };
        let result = match &built.unverified {
            _ if built.pushed.is_empty() => "built",
            Some(_) => "pushed, not verified",
            None if built.unchanged => "unchanged",
            None => "pushed",
        };
        let mut rest = self.rest(digest, &cached, result);
        // A longer word may take the space before it.
        if let Some(room) = self.room_for_rest() {
            let start = rest.len() - result.len();
            let blank = start - rest[..start].trim_end().len();
            let excess = width(&rest).saturating_sub(room);
            if excess < blank {
                rest.replace_range(start - excess..start, "");
            }
        }
        rest
    }

    /// The space of the columns from the digest on; `None` if it is unlimited.
    fn room_for_rest(&self) -> Option<usize> {
        self.limit.map(|limit| limit.saturating_sub(self.before_rest() + 1))
    }

    fn before_rest(&self) -> usize {
        let platforms = if self.platforms > 0 { GAP + self.platforms } else { 0 };
        MARK + self.name + platforms + GAP + TIME + GAP
    }

    fn total(&self) -> usize {
        let column = |columns: usize| if columns > 0 { columns + GAP } else { 0 };
        self.before_rest() + column(self.digest) + column(self.cached) + RESULT
    }
}

/// `amd64 arm64`.
pub(crate) fn short_list(platforms: &[Platform]) -> String {
    platforms.iter().map(Platform::short).collect::<Vec<_>>().join(" ")
}

/// `failed on arm64: exit code 3: no such package`, or without the first words if they leave no
/// room for the others.
fn failed(failure: &Failure, room: Option<usize>) -> String {
    let message = clean(&failure.message, 200);
    let what = match failure.phase {
        Phase::SmokeTest => "test failed",
        // The message already begins with it.
        Phase::Push if message.starts_with("push failed") => return message,
        Phase::Pull | Phase::Build | Phase::Push | Phase::Verify => "failed",
    };
    let place = failure.platform.as_ref().map(|p| format!(" on {}", p.short()));
    let said = format!("{what}{}: {message}", place.unwrap_or_default());
    let output = last_output(failure).map(|output| format!(": {output}")).unwrap_or_default();
    let full = format!("{said}{output}");
    let is_command = matches!(failure.kind, Kind::Command { .. }) && !output.is_empty();
    match room {
        Some(room) if width(&full) > room && room < MIN_REASON => what.to_owned(),
        Some(room) if width(&full) > room && is_command => format!("{message}{output}"),
        _ => full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_failed_row_shows_as_much_of_the_last_output_as_fits() {
        let command = samples::exit_code();
        let test = Failure { phase: Phase::SmokeTest, kind: Kind::SmokeTest, ..command.clone() };
        let silent = Failure { log_tail: Vec::new(), ..command.clone() };
        let output = "Status code: 503 for http://127.0.0.1/repodata/repomd.xml";
        let full = format!("failed on arm64: exit code 1: {output}");
        for (failure, room, expected) in [
            (&command, None, full.clone()),
            (&command, Some(width(&full)), full.clone()),
            (&command, Some(width(&full) - 1), format!("exit code 1: {output}")),
            (&command, Some(11), "failed".to_owned()),
            (&test, None, format!("test {full}")),
            (&test, Some(40), format!("test {full}")),
            (&silent, Some(14), "failed on arm64: exit code 1".to_owned()),
            (&silent, Some(11), "failed".to_owned()),
        ] {
            assert_eq!(failed(failure, room), expected, "{room:?}");
        }
    }

    #[test]
    fn a_push_that_changed_nothing_is_unchanged() {
        let mut outcome = samples::built("dood-2.0.11-ubuntu-cn", 1_000, true);
        let CellResult::Built(built) = &mut outcome.result else { unreachable!() };
        built.unchanged = true;
        for (limit, expected) in [(None, "7 of 12   unchanged"), (Some(80), "7 of 12  unchanged")] {
            let cells = [(outcome.cell.as_ref(), outcome.platforms.as_slice())];
            let row = Columns::new(cells.into_iter(), limit, Paint::default()).row(&outcome);
            assert!(row.ends_with(expected), "{row}");
            assert!(limit.is_none_or(|limit| width(&row) < limit), "{row}");
        }
    }

    #[test]
    fn a_row_is_as_wide_as_the_terminal_in_ascii_too() {
        let outcome = samples::failed("a-long-name-of-a-cell", samples::exit_code());
        for limit in 20..120 {
            let paint = Paint { ascii: true, ..Paint::default() };
            let cells = [(outcome.cell.as_ref(), outcome.platforms.as_slice())];
            let row = Columns::new(cells.into_iter(), Some(limit), paint).row(&outcome);
            let row = paint.shown(&row);
            assert!(row.is_ascii() && width(&row) < limit.max(28), "{limit}: {row}");
        }
    }
}
