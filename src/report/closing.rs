//! The whole report.

use std::time::Duration;

use super::{Columns, failures, summary, unverified};
use crate::outcome::Outcome;
use crate::text::Paint;

/// The layout of the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Columns of the terminal; `None` for unlimited line length.
    pub width: Option<usize>,
    pub paint: Paint,
    /// Whether to include the table. A terminal display has already shown the same rows.
    pub table: bool,
}

/// Table, warnings, failures and summary of a run that took `elapsed`.
pub(crate) fn closing(outcomes: &[Outcome], elapsed: Duration, style: Style) -> String {
    let mut parts = Vec::new();
    if style.table {
        parts.push(table(outcomes, style));
    }
    parts.extend(unverified(outcomes, style.paint));
    parts.extend(failures(outcomes, style.paint));
    parts.push(summary(outcomes, elapsed, style.width, style.paint));
    parts.join("\n")
}

fn table(outcomes: &[Outcome], style: Style) -> String {
    let cells = outcomes.iter().map(|o| (o.cell.as_ref(), o.platforms.as_slice()));
    let columns = Columns::new(cells, style.width, style.paint);
    let mut text = columns.header() + "\n";
    for outcome in outcomes {
        text += &columns.row(outcome);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn report(width: Option<usize>, table: bool) -> String {
        let style = Style { width, paint: Paint::default(), table };
        closing(&samples::mixed(), Duration::from_secs(182), style)
    }

    #[test]
    fn the_report_ends_with_the_counts_and_the_failed_cells() {
        insta::assert_snapshot!(report(Some(80), true));
    }

    #[test]
    fn the_table_is_omitted_after_a_terminal_display() {
        let text = report(Some(80), false);
        assert!(text.starts_with("error: "), "{text}");
    }

    #[test]
    fn rows_fit_the_terminal_or_omit_the_least_important_columns() {
        for width in [40, 60, 80, 120] {
            let style = Style { width: Some(width), paint: Paint::default(), table: true };
            let table = table(&samples::mixed(), style);
            for line in table.lines() {
                assert!(crate::text::width(line) < width, "{width}: {line}");
            }
            insta::assert_snapshot!(format!("table_{width}"), table);
        }
    }
}
