//! A rendered Dockerfile, and the way back from its lines to the template's.

use std::sync::Arc;

/// A rendered Dockerfile and where each of its lines came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The Dockerfile, ready for BuildKit.
    pub text: String,
    files: Vec<Arc<str>>,
    runs: Vec<Run>,
    lines: u32,
}

/// Lines that follow each other in the rendered text as they do in one template: a template
/// without control lines is one run, so the map costs next to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// The first line in the rendered text, from 0.
    rendered: u32,
    /// Index of the template's name.
    file: u32,
    /// The first line in the template, from 1.
    template: u32,
}

/// A line of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The template, as the person would name it from the current folder.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
}

impl Rendered {
    /// A text without placeholders, each line its own origin.
    pub fn verbatim(file: impl Into<Arc<str>>, text: &str) -> Self {
        let mut writer = Writer::default();
        let file = writer.file(&file.into());
        writer.push(text, file, 1);
        writer.finish()
    }

    /// Where line `line` (from 1) of the rendered text came from.
    pub fn origin(&self, line: u32) -> Option<Origin> {
        let line = line.checked_sub(1).filter(|line| *line < self.lines)?;
        let next = self.runs.partition_point(|run| run.rendered <= line);
        let run = self.runs.get(next.checked_sub(1)?)?;
        let file = self.files.get(run.file as usize)?.clone();
        Some(Origin { file, line: run.template + (line - run.rendered) })
    }
}

/// Collects rendered text piece by piece and keeps the map.
#[derive(Default)]
pub(super) struct Writer {
    text: String,
    files: Vec<Arc<str>>,
    runs: Vec<Run>,
    /// Line ends written so far: the number of the present line, from 0.
    line: u32,
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ..Self::default() }
    }

    /// The number under which pieces of this file are pushed.
    pub(super) fn file(&mut self, name: &Arc<str>) -> u32 {
        let found = self.files.iter().position(|file| file == name);
        let index = found.unwrap_or_else(|| {
            self.files.push(name.clone());
            self.files.len() - 1
        });
        u32::try_from(index).expect("the depth of includes bounds the number of files")
    }

    /// Adds `piece`, which starts at line `line` (from 1) of a file.
    pub(super) fn push(&mut self, piece: &str, file: u32, line: u32) {
        if piece.is_empty() {
            return;
        }
        if self.at_line_start() {
            self.mark(self.line, file, line);
        }
        self.text.push_str(piece);
        let ends = memchr_count(piece.as_bytes());
        if ends > 0 {
            // Lines after the first are this piece's own, whatever began the line before.
            let first_end = piece.find('\n').unwrap_or(piece.len());
            if first_end + 1 < piece.len() {
                self.mark(self.line + 1, file, line + 1);
            }
            self.line += ends;
        }
    }

    pub(super) fn at_line_start(&self) -> bool {
        self.text.is_empty() || self.text.ends_with('\n')
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn finish(self) -> Rendered {
        let lines = self.line + u32::from(!self.at_line_start());
        Rendered { text: self.text, files: self.files, runs: self.runs, lines }
    }

    fn mark(&mut self, rendered: u32, file: u32, template: u32) {
        let goes_on = self.runs.last().is_some_and(|run| {
            run.file == file && run.template + (rendered - run.rendered) == template
        });
        if !goes_on {
            self.runs.push(Run { rendered, file, template });
        }
    }
}

fn memchr_count(bytes: &[u8]) -> u32 {
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(ends).expect("rendered text is capped far below 4 GiB")
}
