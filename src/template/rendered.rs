//! A rendered Dockerfile with a map from its lines to those of the template.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::source::Source;
use crate::error::SourceFile;

/// A rendered Dockerfile and the origin of each of its lines.
///
/// Thousands of cells may share a large template. Text that is copied unchanged from one is not
/// duplicated: a [`Piece`] refers to it. Two values are equal if they have the same pieces. Equal
/// texts have the same pieces unless a large template contains the same text in two of its
/// branches.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Rendered {
    /// The text that is not part of a large template.
    own: Box<str>,
    pieces: Box<[Piece]>,
    map: LineMap,
}

/// A part of the text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Piece {
    /// Index of the file that contains it, or [`OWN`].
    file: u32,
    start: u32,
    end: u32,
}

const OWN: u32 = u32::MAX;

/// A template of at least this size is large: cells share its long stretches of text.
const MIN_LARGE_FILE: usize = 4096;
const MIN_SHARED_STRETCH: usize = 64;
/// Values of at least this length are shared, too.
const MIN_SHARED_VALUE: usize = 1024;

/// The origins of the lines. It does not affect equality of the text.
#[derive(Clone, Default)]
struct LineMap {
    files: Box<[File]>,
    runs: Box<[Run]>,
    lines: u32,
}

impl PartialEq for LineMap {
    /// Only the files that the pieces refer to count.
    fn eq(&self, other: &Self) -> bool {
        let large =
            |map: &Self| map.files.iter().map(|file| file.large.clone()).collect::<Vec<_>>();
        large(self) == large(other)
    }
}

impl Eq for LineMap {}

impl Hash for LineMap {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// A template, or a file that it includes.
#[derive(Clone)]
struct File {
    name: Arc<str>,
    /// Its text, if stretches of it are shared.
    large: Option<Large>,
}

/// A text that many cells share.
#[derive(Clone, PartialEq, Eq)]
enum Large {
    File(SourceFile),
    /// A value, which is not a file and has no lines of its own.
    Value(Arc<str>),
}

impl Large {
    fn text(&self) -> &str {
        match self {
            Self::File(file) => file.text(),
            Self::Value(text) => text,
        }
    }
}

impl Hash for Large {
    /// Without the text, which takes long to hash.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::File(file) => file.hash(state),
            Self::Value(text) => text.len().hash(state),
        }
    }
}

/// Consecutive lines of the rendered text that are also consecutive in one template. A template
/// without control lines is one run, so the map is small.
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
    /// The template's path as the user would write it from the current directory.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
}

impl Rendered {
    /// A text without placeholders; each line is its own origin.
    #[cfg(test)]
    pub fn verbatim(file: impl Into<Arc<str>>, text: &str) -> Self {
        let mut writer = Writer::default();
        let file = writer.named(&file.into(), None);
        writer.push(text, file, 1);
        writer.finish()
    }

    /// The Dockerfile for BuildKit. That of a large template is assembled on each call: keep it
    /// only as long as necessary.
    pub fn text(&self) -> Cow<'_, str> {
        match &*self.pieces {
            [] => Cow::Borrowed(""),
            [piece] => Cow::Borrowed(self.part(*piece)),
            _ => Cow::Owned(self.parts().collect()),
        }
    }

    /// The parts of the text.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().map(|piece| self.part(*piece))
    }

    /// Whether the text contains `word`.
    pub fn mentions(&self, word: &str) -> bool {
        // Across parts, `word` can only begin in the end of the previous part.
        let mut before = String::new();
        self.parts().any(|part| {
            let start: String = part.chars().take(word.len()).collect();
            let across = before.clone() + &start;
            let keep = part.chars().rev().take(word.len()).map(char::len_utf8).sum::<usize>();
            match keep < part.len() {
                true => part[part.len() - keep..].clone_into(&mut before),
                false => before += part,
            }
            across.contains(word) || part.contains(word)
        })
    }

    /// Feeds `state` with everything that stays the same when only numbers differ; `add` does this
    /// for a string. Text of a large template is represented by its place.
    pub fn shape<H: Hasher>(&self, state: &mut H, add: impl Fn(&mut H, &str)) {
        for piece in &self.pieces {
            match piece.file {
                OWN => add(state, self.part(*piece)),
                file => {
                    self.map.files[file as usize].large.hash(state);
                    (piece.start, piece.end).hash(state);
                }
            }
        }
    }

    /// The memory that this needs in addition to its template, in bytes.
    pub fn size(&self) -> usize {
        self.own.len() + size_of_val(&*self.pieces) + size_of_val(&*self.map.runs)
    }

    /// The origin of line `line` (from 1) of the rendered text.
    pub fn origin(&self, line: u32) -> Option<Origin> {
        let LineMap { files, runs, lines } = &self.map;
        let line = line.checked_sub(1).filter(|line| line < lines)?;
        let next = runs.partition_point(|run| run.rendered <= line);
        let run = runs.get(next.checked_sub(1)?)?;
        let file = files.get(run.file as usize)?.name.clone();
        Some(Origin { file, line: run.template + (line - run.rendered) })
    }

    fn part(&self, piece: Piece) -> &str {
        let text = match piece.file {
            OWN => &*self.own,
            file => self.map.files[file as usize].large.as_ref().map_or("", Large::text),
        };
        &text[piece.start as usize..piece.end as usize]
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rendered").field(&self.text()).finish()
    }
}

/// Collects rendered text piece by piece and maintains the map.
#[derive(Default)]
pub(super) struct Writer {
    own: String,
    pieces: Vec<Piece>,
    files: Vec<File>,
    runs: Vec<Run>,
    /// Line ends written so far, that is the current line from 0.
    line: u32,
    len: usize,
    is_inside_line: bool,
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { own: String::with_capacity(bytes.min(MIN_LARGE_FILE)), ..Self::default() }
    }

    /// The number with which pieces of this source are pushed.
    pub(super) fn file(&mut self, source: &Source) -> u32 {
        let large = match source {
            Source::File(file) if file.text().len() >= MIN_LARGE_FILE => Some(file.clone()),
            Source::File(_) | Source::Inline { .. } => None,
        };
        self.named(source.name(), large.map(Large::File))
    }

    fn named(&mut self, name: &Arc<str>, large: Option<Large>) -> u32 {
        let is_known =
            |file: &File| file.name == *name && !matches!(file.large, Some(Large::Value(_)));
        match self.files.iter().position(is_known) {
            Some(index) => small(index),
            None => self.add_file(File { name: name.clone(), large }),
        }
    }

    fn add_file(&mut self, file: File) -> u32 {
        self.files.push(file);
        small(self.files.len() - 1)
    }

    /// Adds `piece`, which starts at line `line` (from 1) of a file.
    pub(super) fn push(&mut self, piece: &str, file: u32, line: u32) {
        self.count(piece, file, line);
        self.push_own(piece);
    }

    /// The same for a piece at `start` in that file.
    pub(super) fn push_from(&mut self, piece: &str, start: usize, file: u32, line: u32) {
        self.count(piece, file, line);
        if piece.len() < MIN_SHARED_STRETCH || self.files[file as usize].large.is_none() {
            return self.push_own(piece);
        }
        let (start, end) = (small(start), small(start + piece.len()));
        self.pieces.push(Piece { file, start, end });
    }

    /// The same for a value, which contains no line end.
    pub(super) fn push_value(&mut self, value: &Arc<str>, file: u32, line: u32) {
        if value.len() < MIN_SHARED_VALUE {
            return self.push(value, file, line);
        }
        self.count(value, file, line);
        let is_known = |known: &File| matches!(&known.large, Some(Large::Value(text)) if Arc::ptr_eq(text, value));
        let file = match self.files.iter().position(is_known) {
            Some(index) => small(index),
            None => {
                let large = Some(Large::Value(value.clone()));
                self.add_file(File { name: Arc::default(), large })
            }
        };
        self.pieces.push(Piece { file, start: 0, end: small(value.len()) });
    }

    fn push_own(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        let start = small(self.own.len());
        self.own.push_str(piece);
        let end = small(self.own.len());
        match self.pieces.last_mut() {
            Some(last) if last.file == OWN => last.end = end,
            _ => self.pieces.push(Piece { file: OWN, start, end }),
        }
    }

    fn count(&mut self, piece: &str, file: u32, line: u32) {
        if piece.is_empty() {
            return;
        }
        if self.at_line_start() {
            self.mark(self.line, file, line);
        }
        self.len += piece.len();
        self.is_inside_line = !piece.ends_with('\n');
        let ends = memchr_count(piece.as_bytes());
        if ends > 0 {
            // Lines after the first belong to this piece, whatever began the line before.
            let first_end = piece.find('\n').unwrap_or(piece.len());
            if first_end + 1 < piece.len() {
                self.mark(self.line + 1, file, line + 1);
            }
            self.line += ends;
        }
    }

    pub(super) fn at_line_start(&self) -> bool {
        !self.is_inside_line
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn finish(self) -> Rendered {
        let lines = self.line + u32::from(!self.at_line_start());
        let map = LineMap { files: self.files.into(), runs: self.runs.into(), lines };
        Rendered { own: self.own.into(), pieces: self.pieces.into(), map }
    }

    /// Only the text.
    pub(super) fn into_text(self) -> String {
        match &*self.pieces {
            [] | [Piece { file: OWN, .. }] => self.own,
            _ => self.finish().text().into_owned(),
        }
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

fn small(length: usize) -> u32 {
    u32::try_from(length).expect("templates and rendered texts are capped far below 4 GiB")
}

fn memchr_count(bytes: &[u8]) -> u32 {
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(ends).expect("rendered text is capped far below 4 GiB")
}
