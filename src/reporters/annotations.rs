//! Annotations of GitHub at the lines of templates: why cells failed, and what BuildKit warned about.

use std::path::Path;

use super::causes::causes;
use super::warnings::{Warned, warnings};
use crate::record::Recorded;
use crate::report::{Failed, failed_line};
use crate::text::{Annotated, annotation, clean, counted, in_repository};

/// Number of annotations of one level that GitHub shows of a step:
/// <https://github.com/orgs/community/discussions/26680>
const SHOWN: usize = 10;

/// Number of cells that an annotation names.
const NAMES: usize = 8;

/// Maximum length of a line of a message.
const LINE: usize = 600;

/// Workflow commands, one a line: those about the most cells first, and no more than GitHub shows.
///
/// `directory` is the current directory of the run, relative to the repository. GitHub looks for files there.
pub(crate) fn annotations(run: &Recorded, directory: &Path) -> String {
    let outcomes = run.outcomes();
    let errors = causes(&outcomes).into_iter().map(|cells| error(&cells));
    let warnings = warnings(run).into_iter().map(|warned| warning(&warned));
    shown("error", errors.collect(), directory) + &shown("warning", warnings.collect(), directory)
}

struct Message {
    file: Option<(String, u32)>,
    title: String,
    lines: Vec<String>,
}

/// The lines of one level. The last one says how many are not shown.
fn shown(level: &str, mut messages: Vec<Message>, directory: &Path) -> String {
    let more = messages.len().saturating_sub(SHOWN);
    messages.truncate(SHOWN);
    if let Some(last) = messages.last_mut().filter(|_| more > 0) {
        let others = counted(more, &format!("more {level}"));
        last.lines.push(format!("{others}: the summary of this step has all of them"));
    }
    let line = |Message { file, title, lines }: Message| {
        let file = file.map(|(file, line)| (in_repository(directory, &file), line as usize));
        let place = file.as_ref().map(|(file, line)| Annotated { file, line: *line, column: None });
        annotation(level, place, &title, &lines.join("\n"))
    };
    messages.into_iter().map(line).collect()
}

fn error(cells: &[Failed]) -> Message {
    let (outcome, failure) = cells[0];
    let title = match cells.len() {
        1 => format!("{} failed", clean(&outcome.cell, LINE)),
        count => format!("{} failed", counted(count, "cell")),
    };
    let mut lines = vec![clean(&failed_line(failure), LINE)];
    if cells.len() > 1 {
        lines.push(named(cells.iter().map(|(outcome, _)| &*outcome.cell)));
    }
    lines.extend(failure.help.iter().map(|help| clean(help, LINE)));
    let place = failure.place.as_ref();
    Message { file: place.map(|place| (clean(&place.file, LINE), place.line)), title, lines }
}

fn warning(Warned { warning, cells }: &Warned) -> Message {
    let mut lines = vec![clean(&warning.message, LINE), named(cells.iter().copied())];
    lines.extend(warning.url.iter().map(|url| clean(url, LINE)));
    let file = warning.file.as_ref().zip(warning.line);
    let title = format!("BuildKit warns about {}", counted(cells.len(), "cell"));
    Message { file: file.map(|(file, line)| (clean(file, LINE), line)), title, lines }
}

/// `cells: a, b and 3 more`
fn named<'a>(mut cells: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = cells.len().saturating_sub(NAMES);
    let names: Vec<String> = cells.by_ref().take(NAMES).map(|name| clean(name, LINE)).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("cells: {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::event::samples::HOSTILE;
    use crate::record::event::{CellFinished, CellResult, Event};
    use crate::reporters::samples::{at, family, foreign};

    fn of(run: &Recorded) -> String {
        annotations(run, Path::new(""))
    }

    #[test]
    fn each_cause_is_an_annotation_of_its_line() {
        insta::assert_snapshot!(of(&family()));
    }

    #[test]
    fn no_foreign_text_is_a_command_or_a_property() {
        let names = |line: &str| {
            let (properties, _) = line[2..].split_once("::").expect("a command ends with `::`");
            let (command, properties) = properties.split_once(' ').expect("it has properties");
            let names = properties.split(',').map(|one| one.split_once('=').expect("a value").0);
            format!("{command} {}", names.collect::<Vec<_>>().join(" "))
        };
        for text in HOSTILE {
            let lines = of(&foreign(text));
            let found: Vec<String> = lines.split_terminator(['\n', '\r']).map(names).collect();
            assert_eq!(found, ["error file line title", "warning file line title"], "{lines}");
            assert!(!lines.contains("##["), "{lines}");
            assert!(lines.chars().all(|c| c == '\n' || !c.is_control()), "{lines:?}");
        }
    }

    #[test]
    fn what_github_would_not_show_is_counted() {
        let mut run = family();
        let template = run.cells.values().find_map(|cell| match &cell.finished {
            Some(CellFinished { result: CellResult::Failed { failure }, .. }) => {
                Some(failure.clone())
            }
            _ => None,
        });
        let names: Vec<String> = run.cells.keys().take(30).cloned().collect();
        for (number, cell) in names.into_iter().enumerate() {
            let mut failure = template.clone().expect("a cell failed");
            failure.message = format!("cause {number}");
            let result = CellResult::Failed { failure };
            let elapsed = std::time::Duration::ZERO;
            run.add(at(1), Event::CellFinished(CellFinished { cell, elapsed, result }));
        }
        let text = of(&run);
        let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("::error ")).collect();
        assert_eq!(errors.len(), SHOWN);
        // The largest cause is the first one, and all others are counted.
        assert!(errors[0].contains("title=4 cells failed"), "{text}");
        let last = "%0A21 more errors: the summary of this step has all of them";
        assert!(errors[SHOWN - 1].ends_with(last), "{text}");
    }
}
