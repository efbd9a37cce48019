//! A failed cell: the instruction, its line in the template, and the output.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::failure::Phase;
use crate::outcome::{CellResult, Failure, Outcome, Place};
use crate::text::{Paint, clean, duration, inert};

/// How many lines of a failed step's log are shown, and their maximum length.
const TAIL: usize = 20;
const LINE: usize = 400;

/// The full failures. Cells with the same failure are reported once, with the log of the first
/// cell.
pub(crate) fn failures(outcomes: &[Outcome], paint: Paint) -> Vec<String> {
    let mut alike: Vec<Vec<(&Outcome, &Failure)>> = Vec::new();
    for outcome in outcomes {
        let CellResult::Failed(failure) = &outcome.result else { continue };
        match alike.iter_mut().find(|group| same(group[0].1, failure)) {
            Some(group) => group.push((outcome, failure)),
            None => alike.push(vec![(outcome, failure)]),
        }
    }
    alike.iter().map(|group| render(group[0], group.len() - 1, paint)).collect()
}

/// Whether the same line of the same template failed in the same way.
fn same(one: &Failure, other: &Failure) -> bool {
    one.message == other.message
        && one.phase == other.phase
        && one.place == other.place
        && one.platform == other.platform
}

fn render((outcome, failure): (&Outcome, &Failure), more: usize, paint: Paint) -> String {
    let title = title(&outcome.cell, failure, more);
    let what = what(failure);
    let notes = notes(failure);
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
    inert(&renderer.term_width(100).render(&[group])).into_owned() + "\n"
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

fn what(failure: &Failure) -> String {
    let message = clean(&failure.message, LINE);
    match failure.elapsed {
        Some(elapsed) => format!("{message} after {}", duration(elapsed)),
        None => message,
    }
}

/// The instruction, if the template's line doesn't show it, then the log.
fn notes(failure: &Failure) -> Vec<(&'static str, String)> {
    let mut notes = Vec::new();
    let instruction = failure.instruction.as_deref().map(|i| clean(i, LINE));
    let shown = |place: &Place, i: &str| clean(&place.text, LINE).trim() == i;
    if let Some(instruction) = instruction
        && !failure.place.as_ref().is_some_and(|place| shown(place, &instruction))
    {
        notes.push(("instruction", instruction));
    }
    if let Some(verbatim) = &failure.verbatim {
        notes.push(("engine", clean(verbatim, LINE)));
    }
    if !failure.pushed.is_empty() {
        let names: Vec<String> = failure.pushed.iter().map(ToString::to_string).collect();
        notes.push(("pushed already", clean(&names.join(", "), LINE)));
    }
    let skipped = failure.log_tail.len().saturating_sub(TAIL);
    let tail: Vec<_> = failure.log_tail[skipped..].iter().map(|l| clean(l, LINE)).collect();
    if !tail.is_empty() {
        notes.push(("log", tail.join("\n")));
    }
    notes
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
}
