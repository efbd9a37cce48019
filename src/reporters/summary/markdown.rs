//! Markdown as GitHub reads it: <https://github.github.com/gfm/>

use crate::text::clean;

/// Maximum length of a name or a message.
pub(super) const TEXT: usize = 400;

/// Foreign text on one line, as code.
pub(super) fn code(text: &str) -> String {
    span(&clean(text, TEXT))
}

/// Clean text on one line, as code. The code of an empty text is `""`.
pub(super) fn span(text: &str) -> String {
    if text.is_empty() {
        return "`\"\"`".to_owned();
    }
    let fence = "`".repeat(longest_run(text) + 1);
    // One space on each side is no part of the code.
    match text.starts_with('`') || text.ends_with('`') {
        true => format!("{fence} {text} {fence}"),
        false => format!("{fence}{text}{fence}"),
    }
}

/// Clean lines as a block of code.
pub(super) fn block(lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}\n{}\n{fence}\n\n", lines.join("\n"))
}

/// A row of a table. A `|` does not end a cell, also in code.
pub(super) fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells = cells.into_iter().map(|cell| format!(" {} |", cell.replace('|', "\\|")));
    format!("|{}\n", cells.collect::<String>())
}

/// The two lines above the rows of a table.
pub(super) fn header(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = names.into_iter().collect();
    let columns = names.len();
    row(names) + &format!("|{}\n", " --- |".repeat(columns))
}

/// `a`, `b` and 3 more.
pub(super) fn named(names: impl ExactSizeIterator<Item = String>, limit: usize) -> String {
    let more = names.len().saturating_sub(limit);
    let names = names.take(limit).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

/// The length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;

    /// The codes in `text`, and the number of cells of its tables.
    fn read(text: &str) -> (Vec<String>, usize) {
        let (mut codes, mut cells) = (Vec::new(), 0);
        let mut is_block = false;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Code(code) => codes.push(code.into_string()),
                Event::Text(line) if is_block => codes.push(line.into_string()),
                Event::Start(Tag::CodeBlock(_)) => is_block = true,
                Event::Start(Tag::TableCell) => cells += 1,
                Event::Start(_) | Event::End(_) => {}
                event => panic!("{event:?} in {text:?}"),
            }
        }
        (codes, cells)
    }

    proptest! {
        #[test]
        fn every_text_is_the_same_in_code(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("`"), Just("``"), Just("|"), Just("\\"), Just("<b>"), Just(" "), Just("a"),
                    Just("\n"), Just("~~~"), Just("# "), Just("- "), Just("&lt;"), Just("[x](y)"),
                ],
                0..12,
            )
        ) {
            let text = format!("{}x", pieces.concat());
            let shown = clean(&text, TEXT);
            let table = header([code(&text), span("2")]) + &row([span("1"), code(&text)]);
            let codes = [&*shown, "2", "1", &*shown].map(str::to_owned).to_vec();
            prop_assert_eq!(read(&table), (codes, 4));
            prop_assert_eq!(read(&code(&text)), (vec![shown.clone()], 0));
            let lines = format!("{shown}\n{shown}\n");
            let (found, _) = read(&block(&[shown.clone(), shown]));
            prop_assert_eq!(found.concat(), lines);
        }
    }

    #[test]
    fn code_ends_where_it_should() {
        for (text, expected) in [
            ("", "`\"\"`"),
            ("a b", "`a b`"),
            ("a`b", "``a`b``"),
            ("``a", "``` ``a ```"),
            ("\x1b[31ma\nb", "`a b`"),
            ("::error::x", "`: :error::x`"),
        ] {
            assert_eq!(code(text), expected, "{text:?}");
        }
        assert_eq!(block(&["a".to_owned(), "````".to_owned()]), "`````\na\n````\n`````\n\n");
        assert_eq!(row([code("a|b"), String::new()]), "| `a\\|b` |  |\n");
    }
}
