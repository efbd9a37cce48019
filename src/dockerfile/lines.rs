//! Joins physical lines into one line per instruction: directives, comments, line continuations and
//! here-documents.
//!
//! Source: <https://github.com/moby/buildkit/blob/master/frontend/dockerfile/parser/parser.go>

use super::lex::{Lex, Quotes, Unset, Variable};
use super::words;

/// `# syntax=…`, `# escape=…` or `# check=…` at the top of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// From 1.
    pub line: u32,
    /// In lower case.
    pub name: String,
    pub value: String,
}

/// A comment on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// From 1.
    pub line: u32,
    /// With its `#`, without the white space around it.
    pub text: String,
}

/// `<<NAME` and its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    pub name: String,
    /// Whether variables in it are expanded, that is, its name is not quoted.
    pub expands: bool,
    /// `<<-`: tabs at the start of its lines are removed.
    pub chomp: bool,
    /// As in the file.
    pub content: String,
}

/// An instruction on one line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Logical {
    /// Its lines, from 1, including here-documents.
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) text: String,
    pub(super) heredocs: Vec<Heredoc>,
}

/// The parts of a file.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) escape: char,
    pub(super) directives: Vec<Directive>,
    pub(super) comments: Vec<Comment>,
    pub(super) logical: Vec<Logical>,
}

const DIRECTIVES: [&str; 3] = ["syntax", "escape", "check"];

pub(super) fn read(text: &str) -> Lines {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1_u32..).zip(text.split_inclusive('\n')).peekable();
    let mut read =
        Lines { escape: '\\', directives: Vec::new(), comments: Vec::new(), logical: Vec::new() };
    let mut head = true;
    while let Some((first, raw)) = lines.next() {
        let line = without_end(raw).trim_start();
        if head {
            match directive(first, line) {
                Some(directive) => {
                    if directive.name == "escape" && matches!(&*directive.value, "`" | "\\") {
                        read.escape = if directive.value == "`" { '`' } else { '\\' };
                    }
                    read.directives.push(directive);
                    continue;
                }
                None => head = false,
            }
        }
        if line.starts_with('#') {
            read.comment(first, line);
            continue;
        }
        let (start, mut goes_on) = continued(line, read.escape);
        if start.is_empty() && !goes_on {
            continue;
        }
        let mut text = start.to_owned();
        let mut last = first;
        while goes_on {
            let Some((number, raw)) = lines.next() else { break };
            last = number;
            let line = without_end(raw);
            let trimmed = line.trim_start();
            if trimmed.starts_with('#') {
                read.comment(number, trimmed);
            } else if !trimmed.is_empty() {
                let (part, more) = continued(line, read.escape);
                text += part;
                goes_on = more;
            }
        }
        let mut heredocs = begun(&text, read.escape);
        for heredoc in &mut heredocs {
            for (number, raw) in lines.by_ref() {
                last = number;
                let line = without_end(raw);
                let line = if heredoc.chomp { line.trim_start_matches('\t') } else { line };
                if line == heredoc.name {
                    break;
                }
                heredoc.content += raw;
            }
        }
        read.logical.push(Logical { first, last, text, heredocs });
    }
    read
}

impl Lines {
    fn comment(&mut self, line: u32, text: &str) {
        self.comments.push(Comment { line, text: text.trim().to_owned() });
    }
}

fn without_end(line: &str) -> &str {
    line.trim_end_matches(['\n', '\r'])
}

/// `# NAME = VALUE`, for the supported names.
fn directive(number: u32, line: &str) -> Option<Directive> {
    let (name, value) = line.strip_prefix('#')?.trim_start().split_once('=')?;
    let name = name.trim_end().to_ascii_lowercase();
    let value = value.trim();
    let known = DIRECTIVES.contains(&&*name) && !value.is_empty();
    known.then(|| Directive { line: number, name, value: value.to_owned() })
}

/// A line without the escape character at its end, and whether it had one: then the next line
/// continues it.
fn continued(line: &str, escape: char) -> (&str, bool) {
    let trimmed = line.trim_end_matches([' ', '\t']);
    match trimmed.strip_suffix(escape) {
        // Two of them are an escaped escape character.
        Some(before) if !before.ends_with(escape) => (before, true),
        _ => (line, false),
    }
}

/// The here-documents that an instruction begins, still empty.
fn begun(text: &str, escape: char) -> Vec<Heredoc> {
    if !text.contains("<<") {
        return Vec::new();
    }
    let (mut keyword, mut arguments) = words::keyword(text);
    if keyword.eq_ignore_ascii_case("ONBUILD") {
        (keyword, arguments) = words::keyword(words::flags(arguments, escape).1);
    }
    let can = ["RUN", "COPY", "ADD"].iter().any(|known| keyword.eq_ignore_ascii_case(known));
    if !can || words::json(words::flags(arguments, escape).1).is_some() {
        return Vec::new();
    }
    let lex = Lex { quotes: Quotes::Keep, keep_escapes: true, ..SHELL };
    // A line that cannot be split begins no here-document.
    let words = lex.words(text, &|_| Variable::Unset).unwrap_or_default();
    words.iter().filter_map(|word| heredoc(word)).collect()
}

/// The rules of here-documents do not depend on `# escape=`.
const SHELL: Lex =
    Lex { escape: Some('\\'), quotes: Quotes::Remove, keep_escapes: false, unset: Unset::Kept };

/// Reads `[FD]<<[-]NAME`.
pub(super) fn heredoc(word: &str) -> Option<Heredoc> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
    let (rest, chomp) = match rest.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let rest = rest.trim_start();
    if rest.is_empty() || rest.contains('<') {
        return None;
    }
    let one = |lex: Lex| {
        let words = lex.words(rest, &|_| Variable::Unset).ok()?;
        <[String; 1]>::try_from(words).ok().map(|[word]| word)
    };
    let name = one(SHELL)?;
    let raw = one(Lex { quotes: Quotes::Keep, ..SHELL })?;
    let quotes = |text: &str| text.matches(['"', '\'']).count();
    let expands = quotes(&name) == quotes(&raw);
    Some(Heredoc { name, expands, chomp, content: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(u32, u32, String)> {
        read(text).logical.into_iter().map(|line| (line.first, line.last, line.text)).collect()
    }

    #[test]
    fn lines_are_joined_as_buildkit_joins_them() {
        for (text, wanted) in [
            ("FROM a\n", &[(1, 1, "FROM a")][..]),
            ("FROM a", &[(1, 1, "FROM a")]),
            ("\n\n  FROM a\r\n\r\nRUN b\r\n", &[(3, 3, "FROM a"), (5, 5, "RUN b")]),
            ("\u{feff}FROM a\n", &[(1, 1, "FROM a")]),
            // A word continues: its parts are joined directly.
            ("FROM alpine:\\\n3.20\n", &[(1, 2, "FROM alpine:3.20")]),
            ("FROM \\\n  a\n", &[(1, 2, "FROM   a")]),
            ("RUN a \\ \t\n b\n", &[(1, 2, "RUN a  b")]),
            ("RUN a \\\r\n b\r\n", &[(1, 2, "RUN a  b")]),
            ("\\\nFROM a\n", &[(1, 2, "FROM a")]),
            // Comments and empty lines inside an instruction are not part of it.
            ("RUN a \\\n# c\n\n  # d \\\n b\nRUN c\n", &[(1, 5, "RUN a  b"), (6, 6, "RUN c")]),
            // An escaped escape character does not continue the line.
            ("RUN a \\\\\nRUN b\n", &[(1, 1, "RUN a \\\\"), (2, 2, "RUN b")]),
            ("RUN a \\\n", &[(1, 1, "RUN a ")]),
            ("RUN a \\\n# c", &[(1, 2, "RUN a ")]),
            ("# c\n#\n", &[]),
            ("", &[]),
        ] {
            let wanted: Vec<_> = wanted.iter().map(|(f, l, t)| (*f, *l, (*t).to_owned())).collect();
            assert_eq!(texts(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn directives_come_before_everything_else() {
        for (text, escape, count) in [
            ("# escape=`\nFROM a\n", '`', 1),
            ("#escape = ` \nFROM a\n", '`', 1),
            ("  # Escape=`\n", '`', 1),
            ("# syntax=docker/dockerfile:1\n# escape=`\n# check=skip=all\n", '`', 3),
            ("# a comment\n# escape=`\n", '\\', 0),
            ("\n# escape=`\n", '\\', 0),
            ("# other=x\n# escape=`\n", '\\', 0),
            ("FROM a\n# escape=`\n", '\\', 0),
            ("# escape=x\n", '\\', 1),
            ("# escape=\n", '\\', 0),
            ("// escape=`\n", '\\', 0),
        ] {
            let found = read(text);
            assert_eq!((found.escape, found.directives.len()), (escape, count), "{text:?}");
        }
        let found = read("# syntax=a\n# c\n").directives;
        assert_eq!((found[0].name.as_str(), found[0].value.as_str()), ("syntax", "a"));
        assert_eq!(texts("# escape=`\nRUN a `\n b\nRUN c\\\nRUN d\n").len(), 3);
    }

    #[test]
    fn comments_keep_their_lines() {
        let text =
            "# syntax=x\n# one\n\n  #two \nRUN a \\\n  # three\n b\nRUN <<E\n# four\nE\n#five";
        let found = read(text).comments;
        let found: Vec<(u32, &str)> = found.iter().map(|c| (c.line, c.text.as_str())).collect();
        assert_eq!(found, [(2, "# one"), (4, "#two"), (6, "# three"), (11, "#five")]);
    }

    #[test]
    fn a_heredoc_ends_at_a_line_with_only_its_name() {
        for (text, names, next) in [
            ("RUN <<E\nx\nE\nNEXT\n", &["E"][..], 4),
            ("run <<E\nx\nE\nNEXT\n", &["E"], 4),
            ("RUN <<A cat <<B\na\nA\nb\nB\nNEXT\n", &["A", "B"], 6),
            ("RUN <<-E\n\tx\n\t\tE\nNEXT\n", &["E"], 4),
            ("RUN <<E\n\tE\n E\nE \nE\nNEXT\n", &["E"], 6),
            ("RUN <<'E'\nx\nE\nNEXT\n", &["E"], 4),
            ("RUN <<\"E F\"\nx\nE F\nNEXT\n", &["E F"], 4),
            ("RUN << E\nx\nE\nNEXT\n", &["E"], 4),
            ("RUN cat 3<<E\nx\nE\nNEXT\n", &["E"], 4),
            ("RUN <<E\r\nx\r\nE\r\nNEXT\r\n", &["E"], 4),
            ("RUN a \\\n <<E\nx\nE\nNEXT\n", &["E"], 5),
            ("COPY <<a <<b /x/\n1\na\n2\nb\nNEXT\n", &["a", "b"], 6),
            ("ADD --chown=1 <<a /x\n1\na\nNEXT\n", &["a"], 4),
            ("ONBUILD RUN <<E\nx\nE\nNEXT\n", &["E"], 4),
            // None of these begins a here-document.
            ("RUN echo $((1<<2))\nNEXT\n", &[], 2),
            ("RUN cat <<<E\nNEXT\n", &[], 2),
            ("RUN a<<E\nNEXT\n", &[], 2),
            ("RUN [\"<<E\"]\nNEXT\n", &[], 2),
            ("RUN '<<E\nNEXT\n", &[], 2),
            ("CMD <<E\nNEXT\n", &[], 2),
            ("ENV A=<<E\nNEXT\n", &[], 2),
        ] {
            let found = read(text).logical;
            let heredocs: Vec<&str> = found[0].heredocs.iter().map(|h| h.name.as_str()).collect();
            assert_eq!(heredocs, names, "{text:?}");
            assert_eq!(found.get(1).map(|line| line.first), Some(next), "{text:?}");
        }
        let found = read("RUN <<-A <<\"B\"\n\ta $X\nA\nb\nB\n").logical.remove(0);
        let seen: Vec<_> =
            found.heredocs.iter().map(|h| (h.expands, h.chomp, h.content.as_str())).collect();
        assert_eq!(seen, [(true, true, "\ta $X\n"), (false, false, "b\n")]);
        assert_eq!((found.first, found.last), (1, 5));
        // An unterminated here-document takes the rest of the file.
        assert_eq!(texts("RUN <<E\na\nRUN b\n"), [(1, 3, "RUN <<E".to_owned())]);
    }
}
