//! Expands variables, quotes and escapes in the words of a Dockerfile.
//!
//! The rules are BuildKit's: `$X`, `${X}`, `${X:-word}` and similar forms, and removal and
//! replacement with shell patterns. Source:
//! <https://github.com/moby/buildkit/blob/master/frontend/dockerfile/shell/lex.go>

use std::iter::Peekable;
use std::str::Chars;

use super::pattern::{self, Longest};

/// The state of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable<'a> {
    Set(&'a str),
    Unset,
    /// Only BuildKit knows its value, if it has one: it may come from a base image.
    Unknown,
}

/// Why a word cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unexpanded {
    /// It depends on values that only BuildKit knows.
    Unknown,
    /// BuildKit rejects it, for this reason.
    Invalid(String),
}

/// The rules for expanding words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lex {
    /// The character that escapes the next one, if there is one.
    pub escape: Option<char>,
    /// Whether quotes are removed.
    pub quotes: Quotes,
    /// Whether the escape character stays in the result.
    pub keep_escapes: bool,
    pub unset: Unset,
}

/// The expansion of a variable that is not set, if the word has no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    Empty,
    /// It stays as written.
    Kept,
    /// Unknown, because it may be set elsewhere.
    Unknown,
}

/// The treatment of quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// They group, and are removed.
    Remove,
    /// They group, and stay.
    Keep,
    /// They are normal characters.
    Ignore,
}

/// The maximum depth of `${X:-${Y:-…}}`.
const MAX_DEPTH: usize = 32;

/// A longer value is not a name, path or identifier. Arguments that use each other twice would grow
/// without limit.
pub(super) const MAX_LENGTH: usize = 64 * 1024;

impl Lex {
    /// The rules for instructions, with the escape character of the file.
    pub fn of_instructions(escape: char) -> Self {
        Self {
            escape: Some(escape),
            quotes: Quotes::Remove,
            keep_escapes: false,
            unset: Unset::Empty,
        }
    }

    /// `word` with its variables replaced.
    pub fn expand<'v>(
        &self,
        word: &str,
        get: &dyn Fn(&str) -> Variable<'v>,
    ) -> Result<String, Unexpanded> {
        Ok(self.run(word, get)?.0)
    }

    /// The words of `text`, split at white space after its variables are expanded.
    pub(super) fn words<'v>(
        &self,
        text: &str,
        get: &dyn Fn(&str) -> Variable<'v>,
    ) -> Result<Vec<String>, Unexpanded> {
        Ok(self.run(text, get)?.1)
    }

    fn run<'v>(
        &self,
        text: &str,
        get: &dyn Fn(&str) -> Variable<'v>,
    ) -> Result<(String, Vec<String>), Unexpanded> {
        let mut reader = Reader { lex: self, chars: text.chars().peekable(), get, depth: 0 };
        let (text, words) = reader.until(None, self.keep_escapes)?;
        Ok((text, words.done()))
    }
}

struct Reader<'t, 'g, 'v> {
    lex: &'t Lex,
    chars: Peekable<Chars<'t>>,
    get: &'g dyn Fn(&str) -> Variable<'v>,
    depth: usize,
}

fn invalid<T>(why: impl Into<String>) -> Result<T, Unexpanded> {
    Err(Unexpanded::Invalid(why.into()))
}

impl<'v> Reader<'_, '_, 'v> {
    /// Reads to the character `end`, which is consumed, or to the end of the text.
    fn until(
        &mut self,
        end: Option<char>,
        keep_escapes: bool,
    ) -> Result<(String, Words), Unexpanded> {
        let mut out = String::new();
        let mut words = Words::default();
        let quotes = self.lex.quotes != Quotes::Ignore;
        while let Some(next) = self.chars.peek().copied() {
            if Some(next) == end {
                self.chars.next();
                return Ok((out, words));
            }
            match next {
                '$' => {
                    let value = self.dollar()?;
                    value.chars().for_each(|c| words.character(c));
                    out += &value;
                }
                '<' => {
                    let sign = self.heredoc_sign();
                    words.raw(&sign);
                    out += &sign;
                }
                '\'' | '"' if quotes => {
                    let text =
                        if next == '"' { self.double(keep_escapes)? } else { self.single()? };
                    words.raw(&text);
                    out += &text;
                }
                _ => {
                    self.chars.next();
                    if Some(next) != self.lex.escape {
                        words.character(next);
                        out.push(next);
                    } else {
                        let kept = keep_escapes.then_some(next);
                        // At the end of the word it escapes nothing.
                        for c in kept.into_iter().chain(self.chars.next()) {
                            words.raw(c.encode_utf8(&mut [0; 4]));
                            out.push(c);
                        }
                    }
                }
            }
            if out.len() > MAX_LENGTH {
                return Err(Unexpanded::Unknown);
            }
        }
        match end {
            Some(end) => invalid(format!("missing `{end}`")),
            None => Ok((out, words)),
        }
    }

    /// `<<` and the white space after it belong to one word; a single `<` is a normal character.
    fn heredoc_sign(&mut self) -> String {
        self.chars.next();
        if self.chars.next_if_eq(&'<').is_none() {
            return "<".to_owned();
        }
        let mut sign = "<<".to_owned();
        while let Some(space) = self.chars.next_if(|c| matches!(c, '\t' | '\r' | ' ')) {
            sign.push(space);
        }
        sign
    }

    fn single(&mut self) -> Result<String, Unexpanded> {
        let quote = self.kept_quote();
        let mut out = quote.clone();
        for c in self.chars.by_ref() {
            if c == '\'' {
                return Ok(out + &quote);
            }
            out.push(c);
        }
        invalid("unterminated single quote")
    }

    fn double(&mut self, keep_escapes: bool) -> Result<String, Unexpanded> {
        let quote = self.kept_quote();
        let mut out = quote.clone();
        while let Some(next) = self.chars.peek().copied() {
            match next {
                '"' => {
                    self.chars.next();
                    return Ok(out + &quote);
                }
                '$' => out += &self.dollar()?,
                _ => {
                    self.chars.next();
                    if Some(next) != self.lex.escape {
                        out.push(next);
                        continue;
                    }
                    if keep_escapes {
                        out.push(next);
                    }
                    let escaped = self
                        .chars
                        .next_if(|c| matches!(c, '"' | '$') || Some(*c) == self.lex.escape);
                    match escaped {
                        Some(escaped) => out.push(escaped),
                        // Before other characters it is a normal character; at the end it is
                        // dropped.
                        None if self.chars.peek().is_some() => out.push(next),
                        None => {}
                    }
                }
            }
        }
        invalid("unterminated double quote")
    }

    /// Consumes a quote, and returns it if quotes stay.
    fn kept_quote(&mut self) -> String {
        let quote = self.chars.next();
        quote.filter(|_| self.lex.quotes == Quotes::Keep).map(String::from).unwrap_or_default()
    }

    fn dollar(&mut self) -> Result<String, Unexpanded> {
        self.chars.next();
        if self.chars.peek() != Some(&'{') {
            let name = self.name();
            return match name.as_str() {
                "" => Ok("$".to_owned()),
                _ => self.value(&name, || format!("${name}")),
            };
        }
        self.chars.next();
        if matches!(self.chars.peek(), None | Some('{' | '}' | ':')) {
            return invalid("missing name in `${`");
        }
        if self.depth == MAX_DEPTH {
            return Err(Unexpanded::Unknown);
        }
        self.depth += 1;
        let value = self.braced();
        self.depth -= 1;
        value
    }

    /// Parses the text after `${`.
    fn braced(&mut self) -> Result<String, Unexpanded> {
        let name = self.name();
        let Some(sign) = self.chars.next() else { return invalid("missing `}`") };
        match sign {
            '}' => self.value(&name, || format!("${{{name}}}")),
            ':' => match self.chars.next() {
                Some(sign @ ('-' | '+' | '?')) => self.substituted(&name, sign, true),
                sign => {
                    let sign = sign.map(String::from).unwrap_or_default();
                    invalid(format!("`:{sign}` is not a supported modifier"))
                }
            },
            '-' | '+' | '?' => self.substituted(&name, sign, false),
            '#' | '%' => self.trimmed(&name, sign),
            '/' => self.replaced(&name),
            _ => invalid(format!("`{sign}` is not a supported modifier")),
        }
    }

    /// `${X-word}`, `${X+word}`, `${X?word}`, and the forms with a colon, which treat empty as
    /// unset.
    fn substituted(&mut self, name: &str, sign: char, colon: bool) -> Result<String, Unexpanded> {
        // Both are expanded in any case; an unknown value matters only if it is used.
        let word = self.until(Some('}'), false).map(|(word, _)| word);
        if let Err(Unexpanded::Invalid(_)) = word {
            return word;
        }
        let value = match (self.get)(name) {
            Variable::Unknown => return Err(Unexpanded::Unknown),
            Variable::Set("") if colon => None,
            Variable::Set(value) => Some(value),
            Variable::Unset if self.lex.unset == Unset::Kept => {
                let colon = if colon { ":" } else { "" };
                return Ok(format!("${{{name}{colon}{sign}{}}}", word?));
            }
            Variable::Unset => None,
        };
        match (sign, value) {
            ('+', Some(_)) | ('-', None) => word,
            ('+', None) => Ok(String::new()),
            ('?', None) => {
                let word = word?;
                let why = if word.is_empty() { "it has no value" } else { &word };
                invalid(format!("{name}: {why}"))
            }
            (_, Some(value)) => Ok(value.to_owned()),
            (_, None) => Ok(String::new()),
        }
    }

    /// `${X#pattern}`, `${X##pattern}`, `${X%pattern}`, `${X%%pattern}`
    fn trimmed(&mut self, name: &str, sign: char) -> Result<String, Unexpanded> {
        let (word, _) = self.until(Some('}'), true)?;
        if let Some(written) = self.unset(name, || format!("${{{name}{sign}{word}}}"))? {
            return Ok(written);
        }
        let value = self.value(name, String::new)?;
        let (pattern, longest) = match word.strip_prefix(sign) {
            Some(pattern) => (pattern, Longest::Yes),
            None => (&*word, Longest::No),
        };
        match sign {
            '#' => pattern::without_prefix(pattern, &value, longest),
            _ => pattern::without_suffix(pattern, &value, longest),
        }
    }

    /// `${X/pattern/word}`, `${X//pattern/word}`
    fn replaced(&mut self, name: &str) -> Result<String, Unexpanded> {
        let all = self.chars.next_if_eq(&'/').is_some();
        let (pattern, _) = self.until(Some('/'), true)?;
        let (word, _) = self.until(Some('}'), true)?;
        if let Some(written) = self.unset(name, || format!("${{{name}/{pattern}/{word}}}"))? {
            return Ok(written);
        }
        let value = self.value(name, String::new)?;
        pattern::replaced(&pattern, &value, &word, all)
    }

    /// The expansion of an unset variable, if such variables stay as written.
    fn unset(
        &self,
        name: &str,
        written: impl FnOnce() -> String,
    ) -> Result<Option<String>, Unexpanded> {
        match (self.get)(name) {
            Variable::Unknown => Err(Unexpanded::Unknown),
            Variable::Unset if self.lex.unset == Unset::Kept => Ok(Some(written())),
            Variable::Unset | Variable::Set(_) => Ok(None),
        }
    }

    fn value(&self, name: &str, written: impl FnOnce() -> String) -> Result<String, Unexpanded> {
        match (self.get)(name) {
            Variable::Set(value) => Ok(value.to_owned()),
            Variable::Unknown => Err(Unexpanded::Unknown),
            Variable::Unset => match self.lex.unset {
                Unset::Empty => Ok(String::new()),
                Unset::Kept => Ok(written()),
                Unset::Unknown => Err(Unexpanded::Unknown),
            },
        }
    }

    /// A name, a number, or a special parameter of the shell; empty if there is none.
    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.chars.peek() {
            Some(c) if c.is_numeric() => {
                while let Some(digit) = self.chars.next_if(|c| c.is_numeric()) {
                    name.push(digit);
                }
            }
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => name.extend(self.chars.next()),
            _ => {
                while let Some(c) = self.chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    name.push(c);
                }
            }
        }
        name
    }
}

/// Words split at white space that is neither quoted nor escaped.
#[derive(Default)]
struct Words {
    found: Vec<String>,
    word: String,
}

impl Words {
    fn character(&mut self, c: char) {
        match c.is_whitespace() {
            true if self.word.is_empty() => {}
            true => self.found.push(std::mem::take(&mut self.word)),
            false => self.word.push(c),
        }
    }

    fn raw(&mut self, text: &str) {
        self.word += text;
    }

    fn done(mut self) -> Vec<String> {
        if !self.word.is_empty() {
            self.found.push(self.word);
        }
        self.found
    }
}
