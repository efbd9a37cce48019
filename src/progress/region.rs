//! Lines at the bottom of a terminal that are redrawn in place.

use std::collections::VecDeque;
use std::io::{self, Write};

use super::settings::Size;

/// Begin and end of a synchronised update: a terminal that supports it never shows half a frame,
/// and others ignore it.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";

/// How many lines above are kept to draw them again: more than a screen has rows.
const HISTORY: usize = 250;

/// What was drawn last, so that it can be overwritten.
pub(super) struct Region<W> {
    out: W,
    /// The widths of the lines on the screen; the cursor is at the end of the last one.
    drawn: Vec<usize>,
    /// The size of the terminal when they were drawn.
    size: Option<Size>,
    /// The latest lines above.
    history: VecDeque<String>,
    /// How many rows of old frames may have scrolled away, because the terminal became smaller. A
    /// terminal that grows may show them again.
    torn: usize,
}

impl<W: Write> Region<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, drawn: Vec::new(), size: None, history: VecDeque::new(), torn: 0 }
    }

    /// Prints `above`, which scrolls away with earlier output, and `lines` below it.
    ///
    /// `size` is the current size of the terminal: if it was wider when the lines were drawn, it has
    /// wrapped them, and they occupy more rows.
    pub(super) fn draw(
        &mut self,
        above: &[String],
        lines: &[String],
        size: Size,
    ) -> io::Result<()> {
        let rows: usize = self.drawn.iter().map(|w| rows_of(*w, size)).sum();
        let old = self.size.replace(size).unwrap_or(size);
        if size.columns < old.columns || size.rows < old.rows {
            self.torn = self.torn.saturating_add(rows);
        }
        let grew = size.columns > old.columns || size.rows > old.rows;
        // Then the rows of the new lines are not those of the old ones.
        let is_wide = |line: &String| rows_of(visible_width(line), size) > 1;
        let wraps = rows > self.drawn.len() || above.iter().chain(lines).any(is_wide);
        let mut widths = std::mem::take(&mut self.drawn);
        let mut text = String::from(BEGIN);
        if self.torn > 0 && grew {
            let width = |line: &String| rows_of(visible_width(line), size);
            let ours = rows + self.torn + self.history.iter().map(width).sum::<usize>();
            text += &erase_rows(ours.min(size.rows));
            for line in self.latest(size.rows.saturating_sub(lines.len())) {
                text += &format!("{line}\r\n");
            }
            widths.clear();
        } else if old != size || above.len() + lines.len() == 0 || wraps {
            text += &erase_rows(rows);
            widths.clear();
        } else {
            let surplus = rows.saturating_sub(above.len() + lines.len());
            text += &erase_last(surplus);
            text += &up_to_first(rows - surplus);
        }
        // A row is overwritten, so that none is blank for a moment. It is erased first only if it was
        // longer, and only as a whole: where tmux erases the end of a row, it keeps the blanks, and
        // wraps them in a smaller window.
        let mut widths = widths.into_iter();
        let mut written = |line: &String| {
            let is_shorter = widths.next().is_some_and(|width| visible_width(line) < width);
            format!("{}{line}", if is_shorter { "\x1b[2K" } else { "" })
        };
        for line in above {
            text += &format!("{}\r\n", written(line));
            self.history.push_back(line.clone());
        }
        self.history.drain(..self.history.len().saturating_sub(HISTORY));
        for (index, line) in lines.iter().enumerate() {
            let end = if index + 1 < lines.len() { "\r\n" } else { "" };
            text += &format!("{}{end}", written(line));
        }
        text += END;
        self.drawn = lines.iter().map(|line| visible_width(line)).collect();
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// The latest lines above that fit into `rows`.
    fn latest(&self, rows: usize) -> impl Iterator<Item = &String> {
        let size = self.size.unwrap_or(Size { columns: usize::MAX, rows });
        let mut left = rows;
        let fitting = self.history.iter().rev().take_while(|line| {
            let needed = rows_of(visible_width(line), size);
            let fits = needed <= left;
            left = left.saturating_sub(needed);
            fits
        });
        self.history.iter().skip(self.history.len() - fitting.count())
    }
}

/// Moves to the first of `rows`, from the last one.
fn up_to_first(rows: usize) -> String {
    match rows {
        0 => String::new(),
        1 => "\r".to_owned(),
        _ => format!("\r\x1b[{}A", rows - 1),
    }
}

/// Erases so many of the last rows, and moves to the row above them.
fn erase_last(rows: usize) -> String {
    match rows {
        0 => String::new(),
        _ => format!("\r{}", "\x1b[2K\x1b[A".repeat(rows)),
    }
}

/// Moves to the first of `rows`, and erases each row: some terminals (tmux) keep a wrapped row
/// marked as wrapped until it is erased, and would join it with the next row when the window becomes
/// wider. To erase the rest of the screen at once is no alternative: in the first row, tmux moves
/// what it erases into its history, from where a window that grows takes it back.
fn erase_rows(rows: usize) -> String {
    match rows {
        0 => String::new(),
        _ => format!("\r\x1b[2K{}", "\x1b[A\x1b[2K".repeat(rows - 1)),
    }
}

/// The number of rows of a line of this width.
fn rows_of(width: usize, size: Size) -> usize {
    width.div_ceil(size.columns.max(1)).max(1)
}

/// The width of one of our lines, in which the only escape sequences are colours.
fn visible_width(line: &str) -> usize {
    crate::text::width(&crate::text::clean(line, usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(draws: &[(&[&str], &[&str])], columns: u16) -> String {
        let mut out = Vec::new();
        let mut region = Region::new(&mut out);
        for (above, lines) in draws {
            let owned = |lines: &[&str]| lines.iter().map(|l| l.to_string()).collect::<Vec<_>>();
            let size = Size { columns: columns.into(), rows: 6 };
            region.draw(&owned(above), &owned(lines), size).unwrap();
        }
        let mut terminal = vt100::Parser::new(6, columns, 100);
        terminal.process(b"$ onebuild\r\n");
        terminal.process(&out);
        terminal.screen().contents()
    }

    #[test]
    fn lines_are_redrawn_and_earlier_output_stays() {
        let draws: [(&[&str], &[&str]); 4] = [
            (&[], &["one", "a longer two", "three"]),
            (&["done 1"], &["ONE", "two"]),
            (&["done 2", "done 3"], &["last"]),
            (&[], &[]),
        ];
        assert_eq!(screen(&draws[..1], 20), "$ onebuild\none\na longer two\nthree");
        assert_eq!(screen(&draws[..2], 20), "$ onebuild\ndone 1\nONE\ntwo");
        assert_eq!(screen(&draws[..3], 20), "$ onebuild\ndone 1\ndone 2\ndone 3\nlast");
        assert_eq!(screen(&draws, 20), "$ onebuild\ndone 1\ndone 2\ndone 3");
    }

    #[test]
    fn lines_that_the_terminal_wrapped_are_redrawn_too() {
        let draws: [(&[&str], &[&str]); 2] = [(&[], &["abcdefghijkl", "x"]), (&[], &["y"])];
        assert_eq!(screen(&draws, 10), "$ onebuild\ny");
    }

    #[test]
    fn more_lines_than_rows_scroll_without_leftovers() {
        let above = ["1", "2", "3", "4", "5", "6", "7"];
        assert_eq!(screen(&[(&[], &["a", "b"]), (&above, &["c"])], 10), "3\n4\n5\n6\n7\nc");
    }
    /// Lines above, lines, and the columns and rows of the terminal.
    type Draw<'d> = (&'d [&'d str], &'d [&'d str], (usize, usize));

    /// What is written for each of these draws.
    fn written(draws: &[Draw]) -> Vec<String> {
        let mut region = Region::new(Vec::new());
        let owned = |lines: &[&str]| lines.iter().map(|l| l.to_string()).collect::<Vec<_>>();
        let draw = |(above, lines, (columns, rows)): &Draw| {
            let size = Size { columns: *columns, rows: *rows };
            region.draw(&owned(above), &owned(lines), size).unwrap();
            String::from_utf8(std::mem::take(&mut region.out)).unwrap()
        };
        draws.iter().map(draw).collect()
    }

    #[test]
    fn after_a_resize_the_wrapped_rows_are_erased_one_by_one() {
        let frame: &[&str] = &["abcdefgh", "abcdefgh"];
        let small: &[&str] = &["abcd", "abcd"];
        let texts = written(&[(&[], frame, (10, 6)), (&[], small, (5, 6)), (&[], small, (5, 6))]);
        // As a terminal of 5 columns shows it.
        let mut terminal = vt100::Parser::new(6, 5, 0);
        terminal.process(b"$ run\r\nabcdefgh\r\nabcdefgh");
        terminal.process(texts[1].as_bytes());
        assert_eq!(terminal.screen().contents(), "$ run\nabcd\nabcd");
        let before = texts[1].split("abcd").next().unwrap();
        assert!(!before.contains("\x1b[J") && before.matches("\x1b[2K").count() == 4, "{before:?}");
        terminal.process(texts[2].as_bytes());
        assert_eq!(terminal.screen().contents(), "$ run\nabcd\nabcd");
    }

    #[test]
    fn a_row_that_becomes_shorter_is_erased_first() {
        let texts =
            written(&[(&[], &["abcdefgh", "ab"], (10, 6)), (&["done"], &["abc", "abc"], (10, 6))]);
        let (_, second) = texts[1].split_once('\r').unwrap();
        let lines: Vec<&str> = second.split("\r\n").collect();
        assert_eq!(lines[0], "\x1b[1A\x1b[2Kdone");
        assert_eq!(lines[1], "abc");
    }

    #[test]
    fn a_terminal_that_grows_shows_no_part_of_a_frame_that_scrolled_away() {
        let (above, frame): (&[&str], &[&str]) = (&["one", "two", "three"], &["abcdefgh", "ijkl"]);
        let texts = written(&[
            (above, frame, (10, 6)),
            (&["four"], &["abc"], (4, 2)),
            (&["five"], &["ABCDEFGH"], (10, 4)),
        ]);
        // The terminal has taken back rows of the first frame from its history.
        let mut terminal = vt100::Parser::new(4, 10, 0);
        terminal.process(b"abcd\r\nijkl\r\nfour\r\nabc");
        terminal.process(texts[2].as_bytes());
        assert_eq!(terminal.screen().contents(), "three\nfour\nfive\nABCDEFGH");
    }
}
