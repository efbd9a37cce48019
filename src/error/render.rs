//! The renderer of errors.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Diagnostics, Label, Severity};
use super::source::SourceFile;
use crate::text::{
    hidden_logins, hide_words, inert, is_escape, redact_login, redact_login_in_place, replaced,
    safe,
};

impl Diagnostics {
    /// Renders each finding with file, line, column, the line itself and carets; empty if there are
    /// none. Of each severity, the first ones are shown and the others are counted.
    pub fn render(&self, color: bool) -> String {
        // More are not useful, and each one costs a pass over its file.
        const MAX_SHOWN: usize = 50;
        let (shown, counts) = self.shown();
        let mut drawn = Vec::new();
        let mut of_severity = [(Severity::Error, 0), (Severity::Warning, 0), (Severity::Note, 0)];
        for (diagnostic, more) in shown.iter().zip(counts) {
            let own = of_severity.iter_mut().find(|(severity, _)| *severity == diagnostic.severity);
            let number = own.map_or(0, |(_, number)| {
                *number += 1;
                *number
            });
            if number > MAX_SHOWN {
                continue;
            }
            let diagnostic = &without_logins(diagnostic);
            let mut group = group(diagnostic);
            if more > 0 {
                group = group.element(Level::NOTE.message(format!("and {more} more like this")));
            }
            let group = helped(group, diagnostic.help.as_deref());
            drawn.push(draw(group, color));
        }
        for (severity, number) in of_severity {
            let what = match (severity, number.saturating_sub(MAX_SHOWN)) {
                (_, 0) => continue,
                (Severity::Error, 1) => "1 more error".to_owned(),
                (Severity::Error, more) => format!("{more} more errors"),
                (Severity::Warning, 1) => "1 more warning".to_owned(),
                (Severity::Warning, more) => format!("{more} more warnings"),
                (Severity::Note, 1) => "1 more note".to_owned(),
                (Severity::Note, more) => format!("{more} more notes"),
            };
            drawn.push(draw(Group::with_title(level(severity).primary_title(what)), color));
        }
        drawn.join("\n")
    }

    /// The findings to show, each with the number of findings that are left out after it: a third
    /// finding at the same place, from another cell, adds nothing.
    fn shown(&self) -> (Vec<&Diagnostic>, Vec<usize>) {
        const MAX_PER_PLACE: usize = 2;
        let mut shown: Vec<&Diagnostic> = Vec::new();
        let mut counts: Vec<usize> = Vec::new();
        let mut places: HashMap<_, Vec<usize>> = HashMap::new();
        for diagnostic in self.iter() {
            if let Some(Label { span, .. }) = diagnostic.labels.first() {
                let place = (
                    (span.file.name(), span.start, span.end),
                    (&diagnostic.help, diagnostic.rule, diagnostic.notes.last()),
                );
                let before = places.entry(place).or_default();
                if let (MAX_PER_PLACE, Some(last)) = (before.len(), before.last()) {
                    counts[*last] += 1;
                    continue;
                }
                before.push(shown.len());
            }
            shown.push(diagnostic);
            counts.push(0);
        }
        (shown, counts)
    }
}

/// A finding about a part of a login: its text does not show what is hidden in the lines that it points at.
fn without_logins(diagnostic: &Diagnostic) -> Cow<'_, Diagnostic> {
    let lines = diagnostic.labels.iter().filter_map(|Label { span, .. }| {
        let range = span.file.line_range(span.file.line_of(span.start))?;
        let start = range.start.max(span.start.saturating_sub(LONGEST_LOGIN));
        let near = span.file.span(start..range.end.min(span.end.saturating_add(LONGEST_LOGIN)));
        Some(&span.file.text()[near.start..near.end])
    });
    let secrets: Vec<&str> = lines.flat_map(hidden_logins).collect();
    if secrets.is_empty() {
        return Cow::Borrowed(diagnostic);
    }
    let mut shown = diagnostic.clone();
    let Diagnostic { message, labels, notes, help, .. } = &mut shown;
    let texts = [message].into_iter().chain(labels.iter_mut().map(|label| &mut label.text));
    texts.chain(notes).chain(help).for_each(|text| *text = hide_words(text, &secrets));
    Cow::Owned(shown)
}

/// How many bytes of a line are shown after the last mark.
const MAX_REST: usize = 500;

/// How many bytes after that are searched for the end of a login.
const LONGEST_LOGIN: usize = 4096;

/// A message without a place.
pub(super) fn plain(message: &str, notes: &[String], help: Option<&str>, color: bool) -> String {
    let group = Group::with_title(Level::ERROR.primary_title(visible(message)));
    draw(helped(noted(group, notes), help), color)
}

/// Messages may have several lines.
fn draw(group: Group<'_>, color: bool) -> String {
    let drawn = renderer(color).render(&[group]);
    // The renderer's marker for a second file looks like a workflow command, too.
    let line = |line: &str| match line.trim_start().strip_prefix(":::") {
        Some(rest) => format!("{}-->{rest}\n", &line[..line.len() - line.trim_start().len()]),
        None => format!("{line}\n"),
    };
    let drawn: String = drawn.lines().map(line).collect();
    // A line of a file can have bytes that are not UTF-8. Replaced earlier, they would move the columns.
    replaced(&safe(&drawn)).into_owned()
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

/// A finding without its help, which comes last.
fn group<'a>(diagnostic: &Diagnostic) -> Group<'a> {
    let mut title = level(diagnostic.severity).primary_title(visible(&diagnostic.message));
    if let Some(rule) = diagnostic.rule {
        title = title.id(rule);
    }
    let mut group = Group::with_title(title);
    let mut seen: Vec<&SourceFile> = Vec::new();
    for label in &diagnostic.labels {
        if seen.contains(&&label.span.file) {
            continue;
        }
        seen.push(&label.span.file);
        group = group.element(snippet(diagnostic, &label.span.file));
    }
    noted(group, &diagnostic.notes)
}

fn renderer(color: bool) -> Renderer {
    if color { Renderer::styled() } else { Renderer::plain() }.term_width(100)
}

fn noted<'a>(mut group: Group<'a>, notes: &[String]) -> Group<'a> {
    for note in notes {
        group = group.element(Level::NOTE.message(visible(note)));
    }
    group
}

fn helped<'a>(group: Group<'a>, help: Option<&str>) -> Group<'a> {
    match help {
        Some(help) => group.element(Level::HELP.message(visible(help))),
        None => group,
    }
}

/// All labels in one file as one snippet with only the lines they need.
///
/// The renderer gets only those lines, so that a long file costs nothing and line endings of any
/// kind do not change the columns.
fn snippet<'a>(diagnostic: &Diagnostic, file: &SourceFile) -> Snippet<'a, Annotation<'a>> {
    let labels: Vec<(usize, &Label)> = diagnostic
        .labels
        .iter()
        .enumerate()
        .filter(|(_, label)| label.span.file == *file)
        .collect();
    let lines: BTreeSet<usize> =
        labels.iter().map(|(_, label)| file.line_of(label.span.start)).collect();
    let first = lines.first().copied().unwrap_or(1);
    let last = lines.last().copied().unwrap_or(1);

    let mut text = String::new();
    let mut annotations = Vec::new();
    for number in first..=last {
        // The lines between two labels are folded, except for short gaps.
        const FOLDED: usize = 4;
        let near = number.saturating_sub(FOLDED)..=number + FOLDED;
        if lines.range(near).next().is_none() {
            text.push('\n');
            continue;
        }
        let range = file.line_range(number).unwrap_or(0..0);
        let mut marked_end = 0;
        for (index, label) in &labels {
            if file.line_of(label.span.start) != number {
                continue;
            }
            // A span may start on the line end itself and may run over several lines.
            let start = label.span.start.min(range.end) - range.start;
            let end = label.span.end.clamp(range.start + start, range.end) - range.start;
            marked_end = marked_end.max(label.span.end.min(range.end));
            let kind = if *index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let word = (!label.text.is_empty()).then(|| visible(&label.text).into_owned());
            annotations.push(kind.span(text.len() + start..text.len() + end).label(word));
        }
        // The renderer cuts long lines itself, but reads all of them first.
        let marked_end = marked_end.max(range.start);
        let end = range.end.min(file.span(0..marked_end + MAX_REST).end);
        // The renderer escapes control characters, but not these, which some terminals obey as
        // well. The replacement has as many bytes, so that the columns stay the same.
        let searched = range.end.min(file.span(0..end + LONGEST_LOGIN).end);
        let line = redact_login_in_place(&file.text()[range.start..searched]);
        let line = line[..end - range.start].chars();
        text.extend(line.map(|c| if matches!(c, '\u{80}'..='\u{9f}') { '·' } else { c }));
        text.push('\n');
    }
    text.pop();
    Snippet::source(text)
        .path(visible(file.name()).into_owned())
        .line_start(first)
        .annotations(annotations)
}

/// `text` with control characters and bidirectional formatting characters escaped, without
/// workflow commands and without the secrets in logins and URLs.
pub(crate) fn visible(text: &str) -> Cow<'static, str> {
    let shown = spelled_out(text);
    match inert(&shown) {
        Cow::Owned(inert) => inert.into(),
        Cow::Borrowed(_) => shown.into(),
    }
}

/// The same, but workflow commands stay, for text that is escaped further.
pub(crate) fn spelled_out(text: &str) -> String {
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let text = redact_login(text);
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_escape(c) {
            shown.push(char::REPLACEMENT_CHARACTER);
        } else if hidden(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, start: usize, end: usize) -> String {
        let file = SourceFile::new("matrix.yaml", text);
        Diagnostics::from(Diagnostic::error("wrong").at(&file.span(start..end), "here"))
            .render(false)
    }

    #[test]
    fn a_finding_shows_file_line_column_and_carets() {
        let file = SourceFile::new("matrix.yaml", "a: 1\nversion: \"2.0.99\"\n");
        let finding = Diagnostic::error("axis `version` has no value matching `2.0.99`")
            .at(&file.span(14..22), "known: 2.0.0 to 2.0.15")
            .help("add it under `axes.version`");
        assert_eq!(
            Diagnostics::from(finding).render(false),
            "\
error: axis `version` has no value matching `2.0.99`
 --> matrix.yaml:2:10
  |
2 | version: \"2.0.99\"
  |          ^^^^^^^^ known: 2.0.0 to 2.0.15
  |
  = help: add it under `axes.version`
"
        );
    }

    #[test]
    fn no_output_contains_a_workflow_command() {
        let foreign = "::error::owned ##[error]x\n  ::error::owned\n##[group]\n::: x";
        let file = SourceFile::new("##[a]::b", foreign);
        let other = SourceFile::new("other", foreign);
        let finding = Diagnostic::error(foreign)
            .at(&file.span(0..3), foreign)
            .at(&file.span(30..33), foreign)
            .at(&other.span(0..3), foreign)
            .note(foreign)
            .help(foreign);
        for color in [false, true] {
            let finding = Diagnostics::from(finding.clone()).render(color);
            let plain = super::plain(foreign, &[foreign.to_owned()], Some(foreign), color);
            for line in finding.lines().chain(plain.lines()) {
                assert!(!line.trim_start().starts_with("::"), "{line}");
                assert!(!line.contains("##["), "{line}");
            }
            assert!(finding.contains("## [error]x") && finding.contains(": :error::owned"));
        }
    }

    #[test]
    fn columns_are_right_after_multi_byte_text_and_with_windows_line_ends() {
        assert!(drawn("größe: x\r\nb: y\r\n", 9, 10).contains("matrix.yaml:1:8\n"));
        assert!(drawn("größe: x\r\nb: y\r\n", 15, 16).contains("matrix.yaml:2:4\n"));
    }

    #[test]
    fn the_end_of_a_file_can_be_pointed_at() {
        for text in ["a: 1", "a: 1\n", "", "\r\n"] {
            assert!(drawn(text, text.len(), text.len()).contains("here"), "{text:?}");
        }
    }

    #[test]
    fn findings_of_many_cells_at_one_place_are_shown_twice_and_counted() {
        let file = SourceFile::new("f", "tag: a b\nimage: x\n");
        let mut found = Diagnostics::default();
        for cell in 0..40 {
            let finding = Diagnostic::error(format!("wrong in cell {cell}"));
            found.push(finding.at(&file.span(5..8), "").help("fix it"));
        }
        found.push(Diagnostic::error("another error").at(&file.span(16..17), ""));
        let shown = found.render(false);
        assert_eq!(shown.matches("error:").count(), 3, "{shown}");
        assert!(shown.contains("= note: and 38 more like this\n  = help: fix it"), "{shown}");
    }

    #[test]
    fn of_each_severity_the_first_findings_are_shown_and_the_others_are_counted() {
        let file = SourceFile::new("f", "x\n".repeat(200));
        let mut found = Diagnostics::default();
        for line in 0..60 {
            let place = file.span(2 * line..2 * line + 1);
            found.push(Diagnostic::warning(format!("odd {line}")).at(&place, ""));
            found.push(Diagnostic::error(format!("wrong {line}")).at(&place, ""));
        }
        for line in 60..111 {
            let place = file.span(2 * line..2 * line + 1);
            found.push(Diagnostic::remark(format!("seen {line}")).at(&place, ""));
        }
        let shown = found.render(false);
        let count = |of: &str| shown.matches(of).count();
        assert_eq!(
            (count("warning: odd"), count("error: wrong"), count("note: seen")),
            (50, 50, 50)
        );
        let last = "\nerror: 10 more errors\n\nwarning: 10 more warnings\n\nnote: 1 more note\n";
        assert!(shown.ends_with(last), "{shown}");
    }

    #[test]
    fn findings_of_different_rules_at_one_place_are_all_shown() {
        let file = SourceFile::new("f", "x\n");
        let rules = ["a", "b", "c", "d"];
        let of_rule = |rule| Diagnostic::warning(rule).rule(rule).at(&file.span(0..1), "");
        let mut found = Diagnostics::default();
        rules.map(of_rule).into_iter().for_each(|finding| found.push(finding));
        assert_eq!(found.render(false).matches("warning[").count(), 4);
    }

    #[test]
    fn a_line_between_two_places_is_not_shown_as_empty() {
        let file = SourceFile::new("f", "one\nbetween\ntwo\n");
        let found = Diagnostic::error("same").at(&file.span(12..15), "").at(&file.span(0..3), "");
        let shown = Diagnostics::from(found).render(false);
        assert!(shown.contains("2 | between\n"), "{shown}");
    }

    #[test]
    fn no_part_of_a_login_is_shown() {
        for line in ["image: \"me:canary@h/x\"", "FROM me:canary@h/x", "h: [https://me:canary@h]"] {
            let file = SourceFile::new("f", line);
            let text = format!("wrong: `{line}`, with `canary@h`, `canary`");
            let finding =
                Diagnostic::error(&text).at(&file.span(3..9), &text).note(&text).help(&text);
            let shown = Diagnostics::from(finding).render(false);
            assert!(!shown.contains("canary") && shown.contains("******@h"), "{shown}");
        }
        let shown = plain("me:canary@h", &["me:canary@h".to_owned()], Some("me:canary@h"), false);
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let text = "a: \u{1b}[2J\u{7}\u{9b}2J\u{202e}x";
        let file = SourceFile::new("m\u{1b}.yaml", text);
        let shown = Diagnostics::from(
            Diagnostic::error(text).at(&file.span(3..4), text).note(text).help(text),
        )
        .render(false);
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
        assert!(!shown.contains('\u{202e}'), "{shown:?}");
    }

    #[test]
    fn two_places_far_apart_are_shown_without_the_lines_between() {
        let text = "one\n".to_owned() + &"between\n".repeat(50) + "two\n";
        let file = SourceFile::new("f", text.clone());
        let two = text.len() - 4;
        let shown = Diagnostics::from(
            Diagnostic::error("same")
                .at(&file.span(two..two + 3), "again")
                .at(&file.span(0..3), "first"),
        )
        .render(false);
        assert!(shown.contains("52 | two") && shown.contains(" 1 | one"), "{shown}");
        assert!(!shown.contains("between") && shown.lines().count() < 12, "{shown}");
    }
}
