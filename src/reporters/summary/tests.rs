//! Summaries as a parser of Markdown reads them.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::*;
use crate::record::event::samples::HOSTILE;
use crate::record::event::{Cell, CellFinished, CellResult, Event as RunEvent};
use crate::reporters::samples::{at, family, foreign};

fn whole(run: &Recorded) -> String {
    summary(run, MAX_SUMMARY)
}

/// The text of each code span and each block of code. Fails if anything has a meaning that is not ours: HTML,
/// links, images, headings and rows.
fn read(text: &str) -> Vec<String> {
    let mut code = Vec::new();
    let (mut columns, mut cells, mut details) = (0, 0, 0);
    let mut is_block = false;
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Html(html) => {
                let html = html.trim_end();
                match html {
                    "<details>" => details += 1,
                    "</details>" => details -= 1,
                    html => assert!(
                        html.starts_with("<summary>")
                            && html.ends_with(" with digests and references</summary>")
                            && html.matches('<').count() == 2,
                        "{html:?} in {text}"
                    ),
                }
            }
            Event::Code(text) => code.push(text.into_string()),
            Event::Text(text) if is_block => code.push(text.into_string()),
            Event::Text(text) => {
                let ours =
                    |c: char| c.is_alphanumeric() || " .,:×–✅❌⚠\u{fe0f}🚫⚪⏳()".contains(c);
                assert!(text.chars().all(ours), "{text:?} is not code");
            }
            Event::Start(tag) => match tag {
                Tag::Table(alignments) => columns = alignments.len(),
                Tag::TableHead | Tag::TableRow => cells = 0,
                Tag::TableCell => cells += 1,
                Tag::CodeBlock(_) => is_block = true,
                Tag::Paragraph
                | Tag::Heading { .. }
                | Tag::List(None)
                | Tag::Item
                | Tag::Strong
                | Tag::HtmlBlock => {}
                tag => panic!("{tag:?} in {text}"),
            },
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => {
                assert_eq!(cells, columns, "{text}")
            }
            Event::End(TagEnd::CodeBlock) => is_block = false,
            Event::End(_) | Event::SoftBreak | Event::HardBreak => {}
            event => panic!("{event:?} in {text}"),
        }
    }
    assert_eq!(details, 0, "{text}");
    code
}

#[test]
fn a_family_is_summed_up() {
    let text = whole(&family());
    read(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn foreign_text_is_nothing_but_code() {
    let shapes = |run: &Recorded| {
        let text = whole(run);
        let parts = |event: Event| match event {
            Event::Start(tag) => Some(format!("{tag:?}")),
            _ => None,
        };
        Parser::new_ext(&text, Options::all()).filter_map(parts).collect::<Vec<_>>()
    };
    let plain = shapes(&foreign("plain"));
    for text in HOSTILE {
        let run = foreign(text);
        let code = read(&whole(&run));
        // An empty text has no line in the list of facts.
        assert!(text.is_empty() || shapes(&run) == plain, "{text:?}: {:?}", shapes(&run));
        let shown = crate::text::clean(text, 400);
        assert!(code.iter().any(|code| *code == shown || shown.is_empty()), "{shown:?}: {code:?}");
    }
}

#[test]
fn foreign_values_of_axes_are_nothing_but_code() {
    for text in HOSTILE {
        let mut run = foreign("plain");
        for (number, cell) in run.cells.values_mut().enumerate() {
            cell.cell.axes.insert((*text).to_owned(), format!("{text}{number}"));
            cell.cell.axes.insert(format!("{text} "), format!("{}{text}", number % 2));
        }
        let code = read(&whole(&run));
        let shown = crate::text::clean(&format!("{text}1"), 400);
        assert!(code.contains(&shown), "{shown:?}: {code:?}");
    }
}

#[test]
fn a_summary_is_smaller_than_its_limit() {
    let mut large = family();
    let failures: Vec<CellFinished> =
        large.cells.values().filter_map(|cell| cell.finished.clone()).collect();
    for (number, mut finished) in failures.into_iter().enumerate() {
        if let CellResult::Failed { failure } = &mut finished.result {
            failure.message = format!("cause {number}");
            failure.output = vec!["a line of a log ".repeat(20); 40];
            large.add(at(number as u64), RunEvent::CellFinished(finished));
        }
    }
    for run in [&family(), &large] {
        let all = whole(run);
        let mut last = all.len();
        for limit in
            (0..).map(|step| all.len() + 300 - step * 2_503).take_while(|limit| *limit > 2_503)
        {
            let text = summary(run, limit);
            read(&text);
            assert!(text.len() < limit, "{limit}");
            assert!(text.len() <= last + 300, "{limit}");
            let is_cut = text.contains("Cut to less than");
            assert!(is_cut || text == all || text == headline::line(run), "{limit}: {text}");
            last = text.len();
        }
        for limit in [500, 5_000, 50_000] {
            assert!(summary(run, limit).len() < limit);
        }
        assert_eq!(summary(run, 40), "onebuild: 6 of 168 cells failed\n");
        assert_eq!(summary(run, 32), "");
        assert_eq!(summary(run, 0), "");
    }
    let text = summary(&large, 10_000);
    assert!(text.contains("lines of logs"), "{text}");
}

#[test]
fn axes_that_are_too_many_for_columns_go_into_rows() {
    let named = |axes: &[(&str, usize)]| {
        let mut run = foreign("plain");
        run.cells.clear();
        let count: usize = axes.iter().map(|(_, size)| size).product();
        for number in 0..count {
            let mut rest = number;
            let mut of_cell = Cell { cell: format!("c{number}"), ..Cell::default() };
            for (axis, size) in axes {
                of_cell.axes.insert((*axis).to_owned(), (rest % size).to_string());
                rest /= size;
            }
            run.add(at(0), RunEvent::Cell(of_cell));
        }
        let text = family::family(&run)?;
        read(&text);
        let header = text.lines().find(|line| line.starts_with('|'))?.to_owned();
        Some((text.lines().next()?.to_owned(), header.matches('|').count() - 1))
    };
    let heading = |text: &str, columns| Some((text.to_owned(), columns));
    for (axes, expected) in [
        (&[][..], None),
        (&[("a", 1)], None),
        (&[("a", 12)], heading("### Cells", 2)),
        (&[("a", 2), ("b", 1)], heading("### Cells", 2)),
        (
            &[("os", 3), ("version", 9), ("edition", 2)],
            heading("### Cells by `version` and `os` × `edition`", 7),
        ),
        (&[("a", 3), ("b", 5), ("c", 3)], heading("### Cells by `a` × `b` and `c`", 5)),
        (&[("a", 9), ("b", 9)], heading("### Cells", 3)),
    ] {
        assert_eq!(named(axes), expected, "{axes:?}");
    }
}
