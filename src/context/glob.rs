//! One pattern of a .dockerignore file, compiled.
//!
//! The rules are those of Go's `filepath.Match` plus `**`, with the peculiarities of Docker's
//! matcher (<https://github.com/moby/patternmatcher>). It converts patterns to regular expressions,
//! unless a pattern is a plain path, a prefix or a suffix, and the regular expressions show
//! through: `\d` is a digit, `[^a]` matches a slash. There is one deliberate difference: inside of
//! brackets, `*` and `?` are literal, as in `filepath.Match`.

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Glob {
    Exact(String),
    /// `dir/**`
    Prefix(String),
    /// `**/name`, without the stars
    Suffix(String),
    Tokens(Vec<Token>),
}

/// The kind of pattern, determined while it is parsed.
enum Form {
    Exact,
    Prefix,
    Suffix,
    Expression,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Star,
    /// `**` at the end: matches anything
    Tail,
    /// `**` or `**/` elsewhere: matches nothing, or anything that ends in a slash
    Deep,
    Class(Class),
    /// `^`, as in regular expressions
    Start,
    /// `\b` or, when false, `\B`
    Boundary(bool),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    fn has(&self, c: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != self.negated
    }
}

impl Glob {
    /// Compiles a cleaned pattern; the error says what is wrong with it.
    pub(super) fn compile(pattern: &str) -> Result<Self, &'static str> {
        let chars: Vec<char> = pattern.chars().collect();
        let mut rest = chars.as_slice();
        let mut tokens = Vec::new();
        // Docker's own detection, including its oddities: `**x` is a suffix and matches `yx`;
        // `**x*` is an expression and does not.
        let mut form = Form::Exact;
        while let Some((&c, after)) = rest.split_first() {
            rest = after;
            tokens.push(match c {
                '*' if rest.first() == Some(&'*') => {
                    rest = &rest[1..];
                    rest = rest.strip_prefix(&['/']).unwrap_or(rest);
                    form = match form {
                        _ if tokens.is_empty() => Form::Suffix,
                        Form::Exact if rest.is_empty() => Form::Prefix,
                        _ => Form::Expression,
                    };
                    if rest.is_empty() { Token::Tail } else { Token::Deep }
                }
                '^' => Token::Start,
                '*' | '?' | '[' | ']' | '\\' => {
                    form = Form::Expression;
                    match c {
                        '*' => Token::Star,
                        '?' => Token::One,
                        '[' => Token::Class(take(&mut rest, class)?),
                        '\\' => escape(take(&mut rest, escaped)?)?,
                        other => Token::Char(other),
                    }
                }
                other => Token::Char(other),
            });
        }
        Ok(match form {
            Form::Exact => Self::Exact(pattern.to_owned()),
            Form::Suffix => Self::Suffix(pattern[2..].to_owned()),
            Form::Prefix => Self::Prefix(pattern[..pattern.len() - 2].to_owned()),
            Form::Expression => Self::Tokens(tokens),
        })
    }

    /// Whether the pattern matches the whole `path`.
    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Suffix(text) => {
                path.ends_with(text.as_str()) || text.strip_prefix('/') == Some(path)
            }
            Self::Tokens(tokens) => Run::new(tokens).matches(path),
        }
    }
}

fn escape(c: char) -> Result<Token, &'static str> {
    let class =
        |negated, ranges: &[(char, char)]| Token::Class(Class { negated, ranges: ranges.to_vec() });
    const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
    const SPACE: &[(char, char)] = &[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')];
    Ok(match c {
        'd' | 'D' => class(c == 'D', &[('0', '9')]),
        'w' | 'W' => class(c == 'W', WORD),
        's' | 'S' => class(c == 'S', SPACE),
        'b' | 'B' => Token::Boundary(c == 'b'),
        'a' => Token::Char('\x07'),
        'f' => Token::Char('\x0c'),
        'n' => Token::Char('\n'),
        'r' => Token::Char('\r'),
        't' => Token::Char('\t'),
        'v' => Token::Char('\x0b'),
        c if c.is_ascii_alphanumeric() => {
            return Err("a backslash escapes the next character, but never a letter or digit; \
                        separate directories with `/`");
        }
        c => Token::Char(c),
    })
}

type Parsed<'a, T> = Result<(T, &'a [char]), &'static str>;

/// Parses `rest` with `parser`, and advances `rest`.
fn take<'a, T>(
    rest: &mut &'a [char],
    parser: impl Fn(&'a [char]) -> Parsed<'a, T>,
) -> Result<T, &'static str> {
    let (value, after) = parser(rest)?;
    *rest = after;
    Ok(value)
}

/// The character that a backslash before `rest` escapes.
fn escaped(rest: &[char]) -> Parsed<'_, char> {
    let (&c, after) = rest.split_first().ok_or("it ends with a backslash")?;
    Ok((c, after))
}

/// The class whose `[` precedes `rest`.
fn class(mut rest: &[char]) -> Parsed<'_, Class> {
    let mut class = Class { negated: false, ranges: Vec::new() };
    if let Some(after) = rest.strip_prefix(&['^']) {
        class.negated = true;
        rest = after;
    }
    loop {
        if let Some(after) = rest.strip_prefix(&[']']).filter(|_| !class.ranges.is_empty()) {
            return Ok((class, after));
        }
        let low = take(&mut rest, member)?;
        let mut high = low;
        if let Some(after) = rest.strip_prefix(&['-']) {
            rest = after;
            high = take(&mut rest, member)?;
        }
        if high < low {
            return Err("a range in brackets is reversed");
        }
        class.ranges.push((low, high));
    }
}

/// One character of a class, or one end of a range in it.
fn member(rest: &[char]) -> Parsed<'_, char> {
    match rest.split_first() {
        None => Err("missing `]` after `[`"),
        Some(('-', _)) => {
            Err("in brackets, `-` must be between two characters; write `\\-` for a literal one")
        }
        Some((']', _)) => Err("brackets must not be empty; write `\\]` for a literal `]`"),
        Some(('\\', after)) => escaped(after),
        Some((&c, after)) => Ok((c, after)),
    }
}

/// A running match: the set of tokens that may come next. Time is bounded by the length of the path
/// times that of the pattern, for any pattern.
struct Run<'a> {
    tokens: &'a [Token],
    now: Vec<bool>,
    next: Vec<bool>,
}

impl<'a> Run<'a> {
    fn new(tokens: &'a [Token]) -> Self {
        let states = tokens.len() + 1;
        Self { tokens, now: vec![false; states], next: vec![false; states] }
    }

    fn matches(mut self, path: &str) -> bool {
        let mut chars = path.chars();
        let mut current = chars.next();
        reach(self.tokens, &mut self.now, 0, None, current);
        while let Some(c) = current {
            current = chars.next();
            self.next.fill(false);
            for state in 0..self.tokens.len() {
                if self.now[state] {
                    self.step(state, c, current);
                }
            }
            std::mem::swap(&mut self.now, &mut self.next);
        }
        self.now[self.tokens.len()]
    }

    fn step(&mut self, state: usize, c: char, after: Option<char>) {
        let mut go = |to| reach(self.tokens, &mut self.next, to, Some(c), after);
        match &self.tokens[state] {
            Token::Char(own) if *own == c => go(state + 1),
            Token::One if c != '/' => go(state + 1),
            Token::Class(class) if class.has(c) => go(state + 1),
            Token::Star if c != '/' => go(state),
            Token::Tail if c != '\n' => go(state),
            Token::Deep if c != '\n' => {
                if c == '/' {
                    go(state + 1);
                }
                // Not through `go`: only a slash ends this state.
                self.next[state] = true;
            }
            _ => {}
        }
    }
}

/// Marks `state` and all states that are reachable without consuming a character.
fn reach(
    tokens: &[Token],
    marks: &mut [bool],
    mut state: usize,
    before: Option<char>,
    after: Option<char>,
) {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    loop {
        marks[state] = true;
        let passes = match tokens.get(state) {
            Some(Token::Star | Token::Tail | Token::Deep) => true,
            Some(Token::Start) => before.is_none(),
            Some(Token::Boundary(wanted)) => (word(before) != word(after)) == *wanted,
            _ => false,
        };
        if !passes {
            return;
        }
        state += 1;
    }
}
