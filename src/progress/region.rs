//! Lines at the bottom of a terminal that are redrawn in place.

use std::io::{self, Write};

/// Begin and end of a synchronised update: a terminal that supports it never shows half a frame,
/// and others ignore it.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";

/// What was drawn last, so that it can be overwritten.
pub(super) struct Region<W> {
    out: W,
    /// The widths of the lines on the screen; the cursor is at the end of the last one.
    drawn: Vec<usize>,
    /// The width of the terminal when they were drawn.
    columns: usize,
}

impl<W: Write> Region<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, drawn: Vec::new(), columns: 0 }
    }

    /// Prints `above`, which scrolls away with earlier output, and `lines` below it.
    ///
    /// `columns` is the current width of the terminal: if it was wider when the lines were drawn,
    /// it has wrapped them, and they occupy more rows.
    pub(super) fn draw(
        &mut self,
        above: &[String],
        lines: &[String],
        columns: usize,
    ) -> io::Result<()> {
        let mut text = String::from(BEGIN);
        let rows: usize = self.drawn.iter().map(|w| w.div_ceil(columns.max(1)).max(1)).sum();
        if rows > 0 {
            text.push('\r');
        }
        if rows > 1 {
            text += &format!("\x1b[{}A", rows - 1);
        }
        // Each line is cleared after it is written, not before, so that none is blank for a moment.
        // But some terminals (tmux) keep a wrapped row marked as wrapped until it is erased, and
        // would join it with the next row when the window becomes wider.
        if columns != self.columns {
            text += "\x1b[J";
            self.columns = columns;
        }
        for line in above {
            text += &format!("{line}\x1b[K\r\n");
        }
        for (index, line) in lines.iter().enumerate() {
            let end = if index + 1 < lines.len() { "\x1b[K\r\n" } else { "\x1b[K" };
            text += &format!("{line}{end}");
        }
        text += "\x1b[J";
        text += END;
        self.drawn = lines.iter().map(|line| visible_width(line)).collect();
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
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
            region.draw(&owned(above), &owned(lines), columns.into()).unwrap();
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
}
