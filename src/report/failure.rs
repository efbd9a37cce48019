//! A failed cell: the instruction, its line in the template, and the output.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::alike::{Failed, alike};
use super::reason;
use crate::failure::Phase;
use crate::outcome::{Attempt, Failure, Outcome, Place};
use crate::text::{Paint, clean, duration, instruction, safe, width};

/// How many lines of a failed step's log are shown, and their maximum length.
pub(crate) const TAIL: usize = 20;
const LINE: usize = 400;
/// Maximum length of an instruction: a `RUN` of 30 lines is in the template.
const INSTRUCTION: usize = 240;

/// Number of cells that a failure names.
const NAMES: usize = 60;
/// Columns of the list of their names.
const COLUMNS: usize = 80;

/// The full failures. Cells with the same failure are reported once, with the log of the first
/// cell.
pub(crate) fn failures(outcomes: &[Outcome], paint: Paint) -> Vec<String> {
    alike(outcomes).iter().map(|group| render(group, paint)).collect()
}

fn render(group: &[Failed], paint: Paint) -> String {
    let (outcome, failure) = group[0];
    let title = title(&outcome.cell, failure, group.len() - 1);
    let what = what(failure);
    let mut notes = Vec::new();
    let mut log = "log".to_owned();
    if group.len() > 1 {
        notes.push(("cells", names(group)));
        log += &format!(" of {}", outcome.cell);
    }
    notes.extend(facts(failure));
    notes.extend(tail(failure).map(|tail| (log.as_str(), tail)));
    let mut group = Group::with_title(Level::ERROR.primary_title(title));
    let (file, text);
    match &failure.place {
        Some(place) => {
            file = clean(&place.file, LINE);
            text = clean(&place.text, LINE);
            let snippet = Snippet::source(text.as_str())
                .path(file.as_str())
                .line_start(place.line as usize)
                .annotation(AnnotationKind::Primary.span(keyword(&text)).label(what));
            group = group.element(snippet);
        }
        None => group = group.element(Level::NOTE.message(what)),
    }
    for (name, note) in notes {
        group = group.element(Level::NOTE.with_name(name).message(note));
    }
    if let Some(help) = &failure.help {
        group = group.element(Level::HELP.message(clean(help, LINE)));
    }
    let renderer = if paint.colour { Renderer::styled() } else { Renderer::plain() };
    safe(&renderer.term_width(100).render(&[group])).into_owned() + "\n"
}

/// The cells of a group, on lines of [`COLUMNS`]; with their platforms, if these differ.
fn names(group: &[Failed]) -> String {
    let differ = group.iter().any(|(_, failure)| failure.platform != group[0].1.platform);
    let name = |(outcome, failure): &Failed| match &failure.platform {
        Some(platform) if differ => format!("{} on {}", outcome.cell, platform.short()),
        _ => outcome.cell.to_string(),
    };
    let mut words: Vec<String> = group.iter().take(NAMES).map(name).collect();
    if group.len() > NAMES {
        words.push(format!("and {} more", group.len() - NAMES));
    }
    let mut lines = vec![String::new()];
    for word in words {
        let last = lines.last_mut().expect("there is a first line");
        if last.is_empty() {
            *last = word;
        } else if width(last) + 2 + width(&word) < COLUMNS {
            *last += &format!(", {word}");
        } else {
            last.push(',');
            lines.push(word);
        }
    }
    lines.join("\n")
}

fn title(cell: &str, failure: &Failure, more: usize) -> String {
    let its_test = if failure.phase == Phase::SmokeTest { " its test" } else { "" };
    let mut title = format!("{cell} failed{its_test}");
    if let Some(platform) = &failure.platform {
        title += &format!(" on {platform}");
    }
    if let Some(stage) = &failure.stage {
        title += &format!(" in stage `{}`", clean(stage, 80));
    }
    match more {
        0 => title,
        1 => title + ", and 1 more cell in the same way",
        _ => title + &format!(", and {more} more cells in the same way"),
    }
}

/// `exit code 3 after 41s`.
pub(crate) fn what(failure: &Failure) -> String {
    let message = clean(&failure.message, LINE);
    match failure.elapsed {
        Some(elapsed) => format!("{message} after {}", duration(elapsed)),
        None => message,
    }
}

/// The instruction, if the template's line doesn't show it, and what the engine said and did.
pub(crate) fn facts(failure: &Failure) -> Vec<(&'static str, String)> {
    let mut notes = Vec::new();
    let said = failure.instruction.as_deref().map(|i| instruction(i, INSTRUCTION));
    let shown = |place: &Place, i: &str| instruction(&place.text, INSTRUCTION) == i;
    if let Some(said) = said
        && !failure.place.as_ref().is_some_and(|place| shown(place, &said))
    {
        notes.push(("instruction", said));
    }
    if let Some(verbatim) = &failure.verbatim {
        notes.push(("engine", clean(verbatim, LINE)));
    }
    if !failure.earlier.is_empty() {
        notes.push(("attempts", attempts(failure)));
    }
    if !failure.pushed.is_empty() {
        let names: Vec<String> = failure.pushed.iter().map(ToString::to_string).collect();
        notes.push(("pushed already", clean(&names.join(", "), LINE)));
    }
    notes
}

/// `1. push failed: ghcr.io answered 503 Service Unavailable, after 12s`, one line for each attempt.
fn attempts(failure: &Failure) -> String {
    let line = |(number, attempt): (usize, &Attempt)| {
        let took = duration(attempt.took);
        format!("{}. {}, after {took}", number + 1, reason(&attempt.failure))
    };
    let lines: Vec<String> = failure.earlier.iter().enumerate().map(line).collect();
    format!("{}\n{}. as above", lines.join("\n"), lines.len() + 1)
}

fn tail(failure: &Failure) -> Option<String> {
    let tail = last_lines(failure, TAIL);
    (!tail.is_empty()).then(|| tail.join("\n"))
}

/// The last lines of the log of the failed step, at most `count`.
pub(crate) fn last_lines(failure: &Failure, count: usize) -> Vec<String> {
    let skipped = failure.log_tail.len().saturating_sub(count);
    failure.log_tail[skipped..].iter().map(|line| clean(line, LINE)).collect()
}

/// The byte range of the line's first word: the instruction's keyword.
fn keyword(line: &str) -> std::ops::Range<usize> {
    let start = line.len() - line.trim_start().len();
    let word = line[start..].split_whitespace().next().unwrap_or_default();
    start..start + word.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn rendered(failure: Failure) -> String {
        let outcome = samples::failed("dood-2.0.11-centos", failure);
        failures(&[outcome], Paint::default()).concat()
    }

    #[test]
    fn a_failed_instruction_is_shown_in_its_template() {
        insta::assert_snapshot!(rendered(samples::exit_code()));
    }

    #[test]
    fn a_failure_without_a_position_shows_the_rest() {
        insta::assert_snapshot!(rendered(samples::refused()));
    }

    #[test]
    fn escape_sequences_in_a_log_do_not_reach_the_terminal() {
        let failure = Failure {
            message: "exit\x1b[2J code 1".to_owned(),
            log_tail: vec!["\x1b]0;owned\x07 10%\r 99%".to_owned()],
            ..samples::exit_code()
        };
        let text = rendered(failure);
        assert!(!text.contains('\x1b') && !text.contains('\r') && !text.contains("owned"));
        assert!(text.contains("99%"), "{text}");
    }

    #[test]
    fn a_failure_cannot_contain_workflow_commands() {
        let foreign = || "::error::owned ##[error]owned".to_owned();
        let failure = Failure {
            message: foreign(),
            verbatim: Some(foreign()),
            help: Some(foreign()),
            stage: Some(foreign()),
            instruction: Some(foreign()),
            place: Some(Place { file: foreign(), line: 1, text: foreign() }),
            log_tail: vec![foreign(), format!("  {}", foreign())],
            ..samples::exit_code()
        };
        let without_place = Failure { place: None, ..failure.clone() };
        for failure in [failure, without_place] {
            let text = rendered(failure);
            let obeyed = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
            assert!(!text.lines().any(obeyed), "{text}");
            assert!(text.contains(": :error::owned ## [error]owned"), "{text}");
        }
    }

    #[test]
    fn cells_with_the_same_failure_are_reported_once() {
        let names = ["a", "b", "c"];
        let outcomes: Vec<_> =
            names.iter().map(|name| samples::failed(name, samples::refused())).collect();
        let shown = failures(&outcomes, Paint::default());
        assert_eq!(shown.len(), 1);
        assert!(
            shown[0].starts_with("error: a failed, and 2 more cells in the same way\n"),
            "{}",
            shown[0]
        );
    }

    #[test]
    fn one_line_and_one_exit_code_are_one_failure_with_all_names() {
        let at = |cell: &str, change: fn(&mut Failure)| {
            let mut failure = samples::exit_code();
            let place = failure.place.as_mut().unwrap();
            place.text = format!("RUN dnf -y install {cell}");
            failure.instruction = Some(place.text.clone());
            failure.log_tail = vec![format!("{cell} was not found")];
            change(&mut failure);
            samples::failed(cell, failure)
        };
        let amd: fn(&mut Failure) = |f| f.platform = Some("linux/amd64".parse().unwrap());
        let line: fn(&mut Failure) = |f| f.place.as_mut().unwrap().line = 20;
        let code: fn(&mut Failure) = |f| f.exit_code = Some(2);
        let test: fn(&mut Failure) = |f| f.phase = Phase::SmokeTest;
        for (change, others) in [(amd, 0), (line, 1), (code, 1), (test, 1)] {
            let outcomes = [at("a", |_| {}), at("b", change), at("c", |_| {})];
            assert_eq!(failures(&outcomes, Paint::default()).len(), 1 + others);
        }
        insta::assert_snapshot!(
            failures(&[at("a", |_| {}), at("b", amd), at("c", |_| {})], Paint::default()).concat()
        );
    }

    #[test]
    fn the_names_of_many_cells_fill_lines_and_end_with_a_number() {
        let outcomes: Vec<_> = (100..200)
            .map(|n| samples::failed(&format!("a-long-name-{n}"), samples::exit_code()))
            .collect();
        let shown = failures(&outcomes, Paint::default()).concat();
        let cells = shown.split_once("= cells: ").unwrap().1.split_once("= instruction").unwrap().0;
        assert_eq!(cells.matches("a-long-name").count(), NAMES);
        assert!(
            cells.contains("a-long-name-159,\n") || cells.contains("a-long-name-159, "),
            "{cells}"
        );
        assert!(cells.trim_end().ends_with("and 40 more"), "{cells}");
        assert!(cells.lines().all(|line| width(line.trim()) <= COLUMNS), "{cells}");
    }

    #[test]
    fn a_long_instruction_is_cut() {
        let failure = Failure {
            instruction: Some(format!("RUN {}", "x".repeat(2000))),
            ..samples::exit_code()
        };
        let shown = rendered(failure);
        let line = shown.lines().find(|line| line.contains("= instruction: ")).unwrap();
        assert!(width(line) < INSTRUCTION + 30 && line.ends_with('…'), "{line}");
    }
}
