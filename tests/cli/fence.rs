//! The code blocks of a Markdown file. Shared with the documentation tests that need an engine.

/// A code block between two lines of backticks.
#[derive(Debug, Clone)]
pub struct Fence {
    marks: String,
    /// The first word after the backticks.
    pub language: String,
    /// The rest of the line: usually the path of the file in the block.
    pub path: String,
    pub body: String,
}

impl Fence {
    /// The block that `line` opens, still without a body.
    pub fn open(line: &str) -> Option<Self> {
        let rest = line.trim_end().trim_start_matches('`');
        let marks = line[..line.trim_end().len() - rest.len()].to_owned();
        let (language, path) = rest.split_once(' ').unwrap_or((rest, ""));
        (marks.len() >= 3).then(|| Self {
            marks,
            language: language.to_owned(),
            path: path.to_owned(),
            body: String::new(),
        })
    }

    /// Its text, and the line that closes it.
    pub fn read<'t>(mut self, lines: &mut impl Iterator<Item = &'t str>) -> (Self, &'t str) {
        for line in lines {
            if line.trim_end() == self.marks {
                return (self, line);
            }
            self.body += line;
        }
        panic!("a fence is not closed:\n{}", self.body);
    }

    /// Whether it is a list of commands without output.
    pub fn is_list(&self) -> bool {
        self.language == "bash"
    }

    /// Whether it is a session in a terminal.
    pub fn is_session(&self) -> bool {
        self.language == "console"
    }

    /// Whether its commands need an engine and are only run by `tests/engine`.
    pub fn needs_engine(&self) -> bool {
        self.is_session() && self.path == "engine"
    }

    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        !self.path.is_empty() && !self.needs_engine()
    }

    /// The commands of a list, without comments.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        let lines = self.body.lines().map(without_comment);
        lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
    }
}

fn without_comment(line: &str) -> &str {
    line.split(" #").next().unwrap_or_default().trim_end()
}

/// Whether a command line builds, and so needs an engine.
pub fn builds(command: &str) -> bool {
    let is_build = |word: &str| word == "build" || word == "matrix";
    command.split(' ').skip_while(|word| *word != "onebuild").nth(1).is_some_and(is_build)
        && !command.contains("--dry-run")
}

/// A piece of a page.
pub enum Piece<'t> {
    /// A second-level heading: the following blocks start in an empty directory.
    Section,
    Line(&'t str),
    /// A code block, the line that opens it and the line that closes it.
    Fence(Fence, &'t str, &'t str),
}

/// A page, piece by piece.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut lines = text.split_inclusive('\n');
    let share_directory = text.contains(SHARED);
    while let Some(line) = lines.next() {
        if line.starts_with("## ") && !share_directory {
            pieces.push(Piece::Section);
        }
        match Fence::open(line) {
            None => pieces.push(Piece::Line(line)),
            Some(fence) => {
                let (fence, close) = fence.read(&mut lines);
                pieces.push(Piece::Fence(fence, line, close));
            }
        }
    }
    pieces
}

/// A comment in pages whose sections share one directory.
const SHARED: &str = "<!-- the examples of this page share one directory -->";
