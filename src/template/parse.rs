//! Parses templates into control lines, placeholders and verbatim text.

use std::ops::Range;

use super::expression::{self, Expression, is_keyword};
use super::node::Node;
use super::source::{Source, or_foreign};
use super::token::{is_name_part, is_name_start};
use crate::error::{Diagnostic, Diagnostics, nearest};

const KEYWORDS: [&str; 9] =
    ["if", "elif", "else", "endif", "for", "endfor", "include", "raw", "endraw"];

/// The byte order mark that some editors write.
const MARK: char = '\u{feff}';

/// Deeper blocks are mistakes; the limit also bounds recursion.
const MAX_DEPTH: usize = 50;

/// What a template consists of.
pub(super) struct Parsed {
    pub(super) nodes: Vec<Node>,
    /// The places of each `<%` that is not a placeholder.
    pub(super) plain_signs: Vec<Range<usize>>,
}

/// Parses `source`. Only in files, there are control lines, and a `<%` without a `%>` is plain text.
pub(super) fn parse(source: &Source, control: bool) -> Result<Parsed, Diagnostics> {
    let mut parser = Parser {
        source,
        control,
        raw: None,
        open: Vec::new(),
        nodes: Vec::new(),
        text: 0..0,
        text_line: 1,
        plain_signs: Vec::new(),
        errors: Diagnostics::default(),
    };
    parser.read();
    let Parser { nodes, plain_signs, mut errors, .. } = parser;
    errors.check(())?;
    Ok(Parsed { nodes, plain_signs })
}

/// A block that is still open.
struct Open {
    /// The control line, for the error that it is never closed.
    range: Range<usize>,
    block: Block,
    /// The nodes before the block, one level up.
    outer: Vec<Node>,
}

enum Block {
    /// The complete branches, and the condition of the current one: `None` for `else`.
    If(Vec<(Option<Expression>, Vec<Node>)>, Option<Expression>),
    For(String, Expression),
    /// The head was wrong and has been reported; its end is still expected.
    Broken(&'static str),
}

struct Parser<'a> {
    source: &'a Source,
    /// Whether it is a file, which can have control lines.
    control: bool,
    /// The control line of the open raw block.
    raw: Option<Range<usize>>,
    open: Vec<Open>,
    nodes: Vec<Node>,
    /// Plain text that is not yet a node, and the line on which it starts.
    text: Range<usize>,
    text_line: u32,
    plain_signs: Vec<Range<usize>>,
    errors: Diagnostics,
}

impl Parser<'_> {
    fn read(&mut self) {
        let source = self.source;
        let mut start = 0;
        for (line, number) in source.text().split_inclusive('\n').zip(1..) {
            let end = start + line.len();
            let content = line.strip_suffix('\n').unwrap_or(line);
            let content = content.strip_suffix('\r').unwrap_or(content);
            // A byte order mark is not part of the first line.
            let mark = if content.starts_with(MARK) && number == 1 { MARK.len_utf8() } else { 0 };
            let word = control_word(&content[mark..]).filter(|_| self.control);
            let ends_raw = |word: &Range<usize>| content[mark..][word.clone()] == *"endraw";
            match word.filter(|word| self.raw.is_none() || ends_raw(word)) {
                Some(word) => {
                    self.flush(end, number + 1);
                    let word = start + mark + word.start..start + mark + word.end;
                    let ends_line = line.ends_with('\n');
                    self.control(word, start + content.len(), number, ends_line);
                }
                None if self.raw.is_some() => {}
                None => self.line(start, start + content.len(), number),
            }
            self.text.end = end;
            start = end;
        }
        self.flush(start, 0);
        if let Some(range) = self.raw.take() {
            let message = "this block is not closed: `#% endraw` is missing";
            self.wrong(range, message, "add `#% endraw` where the block ends");
            // The ends of the blocks around it are inside it.
            self.open.clear();
        }
        while let Some(open) = self.open.pop() {
            let end = open.block.end();
            let help = format!("add `#% {end}` where the block ends");
            self.wrong(
                open.range,
                format!("this block is not closed: `#% {end}` is missing"),
                &help,
            );
        }
    }

    /// Turns the pending text into a node; the next one starts at `next`, on line `line`.
    fn flush(&mut self, next: usize, line: u32) {
        if !self.text.is_empty() {
            self.nodes.push(Node::Text { range: self.text.clone(), line: self.text_line });
        }
        self.text = next..next;
        self.text_line = line;
    }

    fn wrong(&mut self, range: Range<usize>, message: impl Into<String>, help: &str) {
        let span = self.source.span(range);
        self.errors.push(Diagnostic::error(message).at(&span, "").help(help));
    }

    fn error(&mut self, range: Range<usize>, message: impl Into<String>) {
        let span = self.source.span(range);
        self.errors.push(Diagnostic::error(message).at(&span, ""));
    }

    /// Parses a line, without its line ending.
    fn line(&mut self, start: usize, end: usize, number: u32) {
        let text = &self.source.text()[..end];
        let mut at = start;
        while let Some(offset) = text[at..].find(['<', '{']) {
            let open = at + offset;
            at = open + 1;
            let (inner, close) = if text[open..].starts_with("<%") {
                match closing(&text[open + 2..]) {
                    Some(length) => (open + 2..open + 2 + length, open + 4 + length),
                    None if self.control && is_plain_sign(&text[open + 2..]) => {
                        self.plain_signs.push(open..open + 2);
                        at = open + 2;
                        continue;
                    }
                    None => {
                        let span = self.source.span(open..end);
                        let label = match text[open + 2..].contains("%>") {
                            true => "no `%>` outside quotes",
                            false => "no `%>` on this line",
                        };
                        let finding = Diagnostic::error("the placeholder is not closed")
                            .at(&span, label)
                            .help("write `<%name%>`; to print `<%` itself, write `<%\"<%\"%>`");
                        self.errors.push(self.source.or_foreign(finding));
                        return;
                    }
                }
            } else if let Some(length) = old_form(&text[open..]) {
                (open + 2..open + 2 + length, open + 4 + length)
            } else {
                continue;
            };
            self.text.end = open;
            self.flush(close, number);
            match expression::parse(self.source, inner) {
                Ok(expression) if expression.is_constant() => self.constant(expression.range),
                Ok(expression) => self.nodes.push(Node::Value { expression, line: number }),
                Err(errors) => self.errors.extend(errors),
            }
            at = close;
        }
    }

    /// A placeholder without a name: of another language, or superfluous.
    fn constant(&mut self, range: Range<usize>) {
        let span = self.source.span(range);
        let finding = Diagnostic::error("a placeholder requires a name").at(&span, "a fixed value");
        let help = "write the name of an axis or a var, as in `<%name%>`, or the text itself without `<%` and `%>`";
        self.errors.push(self.source.or_foreign(finding.help(help)));
    }

    /// Parses a control line whose keyword is at `word` and whose content ends at `end`.
    fn control(&mut self, word: Range<usize>, end: usize, line: u32, ends_line: bool) {
        let keyword = &self.source.text()[word.clone()];
        let range = word.start..end;
        let rest = word.end..end;
        match keyword {
            "if" => {
                let block = match self.expression(rest) {
                    Some(condition) => Block::If(Vec::new(), Some(condition)),
                    None => Block::Broken("endif"),
                };
                self.enter(range, block);
            }
            "elif" => {
                let condition = self.expression(rest);
                self.branch(range, condition, false);
            }
            "else" => {
                self.nothing_after(keyword, rest);
                self.branch(range, None, true);
            }
            "for" => {
                let block = self.for_head(rest);
                self.enter(range, block.unwrap_or(Block::Broken("endfor")));
            }
            "endif" | "endfor" => {
                self.nothing_after(keyword, rest);
                self.leave(range, keyword == "endif");
            }
            "include" => self.include(rest, line, ends_line),
            "raw" => {
                self.nothing_after(keyword, rest);
                self.raw = Some(range);
            }
            "endraw" => {
                self.nothing_after(keyword, rest);
                if self.raw.take().is_none() {
                    let help = "remove this line, or add the start of the block";
                    self.wrong(range, "there is no matching `#% raw` above", help);
                }
            }
            _ => {
                let span = self.source.span(word);
                let finding = Diagnostic::error(format!("`{keyword}` is not a control keyword"))
                    .at(&span, "");
                self.errors.push(match self.meant(keyword) {
                    Some(meant) => finding.help(format!("did you mean `{meant}`?")),
                    None => or_foreign(finding.help(format!("known: {}", KEYWORDS.join(", ")))),
                });
            }
        }
    }

    /// The keyword for one that is not known: of another language, or misspelt.
    fn meant(&self, keyword: &str) -> Option<&'static str> {
        let closing = match self.open.last().map(|open| &open.block) {
            Some(Block::For(..) | Block::Broken("endfor")) => "endfor",
            _ => "endif",
        };
        match keyword {
            "fi" | "done" | "end" | "esac" => Some(closing),
            "elseif" | "elsif" | "elsf" | "elif:" => Some("elif"),
            _ => nearest(keyword, KEYWORDS),
        }
    }

    fn expression(&mut self, range: Range<usize>) -> Option<Expression> {
        expression::parse(self.source, range).map_err(|errors| self.errors.extend(errors)).ok()
    }

    fn nothing_after(&mut self, keyword: &str, rest: Range<usize>) {
        if !self.source.text()[rest.clone()].trim().is_empty() {
            let help = "remove the rest of the line";
            self.wrong(rest, format!("nothing may follow `{keyword}`"), help);
        }
    }

    fn enter(&mut self, range: Range<usize>, block: Block) {
        if self.open.len() == MAX_DEPTH {
            self.error(range.clone(), format!("blocks are nested more than {MAX_DEPTH} deep"));
        }
        let outer = std::mem::take(&mut self.nodes);
        self.open.push(Open { range, block, outer });
    }

    fn branch(&mut self, range: Range<usize>, condition: Option<Expression>, is_else: bool) {
        match self.open.last_mut().map(|open| &mut open.block) {
            Some(Block::If(done, present)) => {
                if present.is_none() {
                    self.wrong(range, "`else` must be the last branch", "use `#% elif` before it");
                    return;
                }
                let nodes = std::mem::take(&mut self.nodes);
                // A broken `elif` has been reported; any condition keeps the tree well-formed.
                let condition = if is_else { None } else { condition.or_else(|| present.clone()) };
                done.push((std::mem::replace(present, condition), nodes));
            }
            Some(Block::Broken("endif")) => {}
            _ => {
                let message = "there is no matching `#% if` above";
                self.wrong(range, message, "add `#% if CONDITION` above, or remove this line");
            }
        }
    }

    fn leave(&mut self, range: Range<usize>, is_if: bool) {
        let Some(open) = self.open.pop() else {
            let head = if is_if { "if" } else { "for" };
            let message = format!("there is no matching `#% {head}` above");
            return self.wrong(range, message, "remove this line, or add the start of the block");
        };
        if is_if != (open.block.end() == "endif") {
            let (here, there) = (self.source.span(range), self.source.span(open.range.clone()));
            let message = format!("`#% {}` is missing before this", open.block.end());
            let finding = Diagnostic::error(message).at(&here, "").at(&there, "this is still open");
            self.errors.push(finding.help("the block that was opened last must be closed first"));
        }
        let body = std::mem::replace(&mut self.nodes, open.outer);
        match open.block {
            Block::If(mut branches, condition) => {
                branches.push((condition, body));
                self.nodes.push(Node::If { branches });
            }
            Block::For(name, list) => {
                self.nodes.push(Node::For { name: name.into(), list, body });
            }
            Block::Broken(_) => {}
        }
    }

    /// `name in expression`
    fn for_head(&mut self, range: Range<usize>) -> Option<Block> {
        let text = &self.source.text()[range.clone()];
        let head = text.trim_start();
        let start = range.end - head.len();
        let length = head.find(|c| !is_name_part(c)).unwrap_or(head.len());
        let (name, rest) = head.split_at(length);
        let list =
            rest.trim_start().strip_prefix("in").filter(|list| !list.starts_with(is_name_part));
        let valid = name.starts_with(is_name_start) && !is_keyword(name);
        match list {
            Some(list) if valid => {
                let list = self.expression(range.end - list.len()..range.end)?;
                Some(Block::For(name.to_owned(), list))
            }
            _ => {
                let span = self.source.span(start..range.end.max(start));
                let finding = Diagnostic::error("a loop needs a name and a list").at(&span, "");
                self.errors.push(or_foreign(finding.help("write `#% for package in packages`")));
                None
            }
        }
    }

    /// `"path"` as a literal: all files must be known before rendering.
    fn include(&mut self, range: Range<usize>, line: u32, ends_line: bool) {
        let text = self.source.text()[range.clone()].trim();
        let quoted = ['"', '\''].into_iter().find_map(|quote| {
            text.strip_prefix(quote)?.strip_suffix(quote).filter(|path| !path.contains(quote))
        });
        let Some(path) = quoted else {
            let span = self.source.span(range);
            let finding = Diagnostic::error("`include` requires a file path in quotes");
            let finding = finding.at(&span, "").help("write `#% include \"common/labels\"`");
            self.errors.push(or_foreign(finding));
            return;
        };
        let wrong = path.is_empty()
            || path.starts_with('/')
            || path.contains(['\\', ':'])
            || path.chars().any(char::is_control)
            || path.split('/').any(|part| matches!(part, "" | "." | ".."));
        if wrong {
            let span = self.source.span(range);
            self.errors.push(
                Diagnostic::error(format!("`{path}` cannot be included"))
                    .at(&span, "")
                    .help("the path is relative to the context directory (in `files`, to the directory of matrix.yaml) and must stay inside it"),
            );
            return;
        }
        self.nodes.push(Node::Include { path: path.to_owned(), range, line, ends_line });
    }
}

impl Block {
    fn end(&self) -> &'static str {
        match self {
            Self::If(..) => "endif",
            Self::For(..) => "endfor",
            Self::Broken(end) => end,
        }
    }
}

/// The keyword of a control line. `#%PAM-1.0`, the first line of a PAM file, is not one.
fn control_word(line: &str) -> Option<Range<usize>> {
    let rest = line.trim_start_matches([' ', '\t']).strip_prefix("#%")?;
    let word = rest.trim_start_matches([' ', '\t']);
    let length = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
    let start = line.len() - word.len();
    // Without a space, only an evident keyword counts.
    let spaced = word.len() < rest.len();
    let known = KEYWORDS.contains(&&word[..length]) && !word[length..].starts_with(is_name_part);
    let alone = word[length..].chars().next().is_none_or(char::is_whitespace);
    let near = || nearest(&word[..length], KEYWORDS).is_some();
    (length > 0 && (known || spaced || (alone && near()))).then_some(start..start + length)
}

/// Whether the `<%` before `text`, which has no [`closing`], is plain text: no `%>` follows it, or only
/// that of another `<%`.
fn is_plain_sign(text: &str) -> bool {
    match (text.find("<%"), text.find("%>")) {
        (Some(next), Some(close)) => next < close,
        (_, close) => close.is_none(),
    }
}

/// The length of the text before the `%>` of a placeholder; quoted strings are skipped. A `<%` before it
/// starts the placeholder that it closes.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if open == c => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if text[at..].starts_with("%>") => return Some(at),
            None if text[at..].starts_with("<%") => return None,
            None => {}
        }
    }
    None
}

/// The length of the name in `{%name%}`; anything less strict belongs to another language.
fn old_form(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("{%")?;
    let length = inner.find(|c| !is_name_part(c))?;
    (inner.starts_with(is_name_start) && inner[length..].starts_with("%}")).then_some(length)
}
