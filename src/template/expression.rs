//! The expression parser.

use std::ops::Range;
use std::sync::Arc;

use super::filter::Filter;
use super::source::Source;
use super::token::{Token, tokens};
use super::value::Value;
use crate::error::{Diagnostic, Diagnostics};

/// Longer expressions are mistakes; the limit also bounds the depth of the tree.
const MAX_LENGTH: usize = 2000;

#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub(super) kind: ExpressionKind,
    pub(super) range: Range<usize>,
}

#[derive(Debug, Clone)]
pub(super) enum ExpressionKind {
    Literal(Value),
    /// A name and its properties; never empty.
    Path(Vec<Name>),
    List(Vec<Expression>),
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    Defined(Box<Expression>),
    Filter(Filter, Box<Expression>, Vec<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Comparison {
    /// Whether it compares the order of two versions.
    pub(super) fn is_ordered(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) text: Arc<str>,
    pub(super) range: Range<usize>,
}

impl Expression {
    /// Whether it has the same value in every cell, and nothing that only this language has: neither a name
    /// nor a filter, and no sign of a placeholder, as in `<%"<%"%>`.
    pub(super) fn is_constant(&self) -> bool {
        const SIGNS: [&str; 5] = ["<%", "%>", "{%", "%}", "#%"];
        match &self.kind {
            ExpressionKind::Literal(Value::Text(text)) => {
                !SIGNS.iter().any(|sign| text.contains(sign))
            }
            ExpressionKind::Literal(_) => true,
            ExpressionKind::Path(_) | ExpressionKind::Filter(..) => false,
            ExpressionKind::List(items) => items.iter().all(Self::is_constant),
            ExpressionKind::Not(inner) | ExpressionKind::Defined(inner) => inner.is_constant(),
            ExpressionKind::And(left, right)
            | ExpressionKind::Or(left, right)
            | ExpressionKind::Compare(_, left, right) => left.is_constant() && right.is_constant(),
        }
    }

    /// Calls `visit` with each name that is used, and whether it may be undefined.
    pub(super) fn each_path(&self, optional: bool, visit: &mut dyn FnMut(&[Name], bool)) {
        match &self.kind {
            ExpressionKind::Literal(_) => {}
            ExpressionKind::Path(path) => visit(path, optional),
            ExpressionKind::List(items) => {
                items.iter().for_each(|item| item.each_path(optional, visit))
            }
            ExpressionKind::Not(inner) => inner.each_path(optional, visit),
            ExpressionKind::Defined(inner) => inner.each_path(true, visit),
            ExpressionKind::And(left, right)
            | ExpressionKind::Or(left, right)
            | ExpressionKind::Compare(_, left, right) => {
                left.each_path(optional, visit);
                right.each_path(optional, visit);
            }
            ExpressionKind::Filter(filter, inner, arguments) => {
                inner.each_path(optional || *filter == Filter::Default, visit);
                arguments.iter().for_each(|argument| argument.each_path(optional, visit));
            }
        }
    }
}

/// Parses the expression that fills `range`.
pub(super) fn parse(source: &Source, range: Range<usize>) -> Result<Expression, Diagnostics> {
    read(source, range).map_err(|diagnostic| (*diagnostic).into())
}

type Parsed = Result<Expression, Box<Diagnostic>>;

fn read(source: &Source, range: Range<usize>) -> Parsed {
    if range.len() > MAX_LENGTH {
        let span = source.span(range.start..range.start + 1);
        return Err(Box::new(
            Diagnostic::error(format!("the expression is longer than {MAX_LENGTH} bytes"))
                .at(&span, ""),
        ));
    }
    let tokens = tokens(source, range.clone())?;
    let mut parser = Parser { source, tokens, at: 0, end: range.end, depth: 0 };
    let expression = parser.or()?;
    match parser.peek() {
        None => Ok(expression),
        Some(_) => Err(parser.unexpected("the end of the expression")),
    }
}

struct Parser<'a> {
    source: &'a Source,
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    end: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn range(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.end..self.end, |(_, range)| range.clone())
    }

    fn word(&mut self, word: &str) -> bool {
        let here = matches!(self.peek(), Some(Token::Name(name)) if name == word);
        self.at += usize::from(here);
        here
    }

    fn sign(&mut self, sign: &str) -> bool {
        let here = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(here);
        here
    }

    fn unexpected(&self, wanted: &str) -> Box<Diagnostic> {
        let found = match self.tokens.get(self.at) {
            Some((_, range)) => format!("found `{}`", &self.source.text()[range.clone()]),
            None => "the expression ends here".to_owned(),
        };
        let finding = Diagnostic::error(format!("expected {wanted}"));
        let finding = finding.at(&self.source.span(self.range()), found);
        let finding = match wanted {
            "a name or a value" => finding.help("write a name, a number, or a string in quotes"),
            "the name of a filter" => finding.help("write a filter, such as `lower`"),
            "the end of the expression" => finding
                .help("join conditions with `and` or `or`; quote strings that contain spaces"),
            _ => finding,
        };
        Box::new(self.source.or_foreign(finding))
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        while self.word("or") {
            let right = self.and()?;
            left = join(left, right, ExpressionKind::Or);
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        while self.word("and") {
            let right = self.not()?;
            left = join(left, right, ExpressionKind::And);
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let start = self.range().start;
        let mut count = 0;
        while self.word("not") {
            count += 1;
        }
        let inner = self.comparison()?;
        let range = start..inner.range.end;
        if count % 2 == 0 {
            return Ok(Expression { range, ..inner });
        }
        Ok(Expression { kind: ExpressionKind::Not(Box::new(inner)), range })
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.filtered()?;
        if self.word("is") {
            let negated = self.word("not");
            if !self.word("defined") {
                return Err(self.unexpected("`defined`"));
            }
            let range = left.range.clone();
            let defined = Expression { kind: ExpressionKind::Defined(Box::new(left)), range };
            return Ok(if negated { negate(defined) } else { defined });
        }
        let negated = self.word("not");
        if negated || matches!(self.peek(), Some(Token::Name(name)) if name == "in") {
            if !self.word("in") {
                return Err(self.unexpected("`in`"));
            }
            let right = self.filtered()?;
            let found = join(left, right, |l, r| ExpressionKind::Compare(Comparison::In, l, r));
            return Ok(if negated { negate(found) } else { found });
        }
        let comparison = match self.peek() {
            Some(Token::Sign("==")) => Comparison::Equal,
            Some(Token::Sign("!=")) => Comparison::Unequal,
            Some(Token::Sign("<")) => Comparison::Less,
            Some(Token::Sign("<=")) => Comparison::LessOrEqual,
            Some(Token::Sign(">")) => Comparison::Greater,
            Some(Token::Sign(">=")) => Comparison::GreaterOrEqual,
            _ => return Ok(left),
        };
        self.at += 1;
        let right = self.filtered()?;
        Ok(join(left, right, |l, r| ExpressionKind::Compare(comparison, l, r)))
    }

    fn filtered(&mut self) -> Parsed {
        let mut inner = self.primary()?;
        while self.sign("|") {
            let range = self.range();
            let Some(Token::Name(name)) = self.peek().cloned() else {
                return Err(self.unexpected("the name of a filter"));
            };
            self.at += 1;
            let span = self.source.span(range);
            let filter = Filter::named(&name, &span)?;
            let arguments = if self.sign("(") { self.list(")")? } else { Vec::new() };
            filter.check_count(arguments.len(), &span)?;
            let range = inner.range.start..self.before();
            inner = Expression {
                kind: ExpressionKind::Filter(filter, Box::new(inner), arguments),
                range,
            };
        }
        Ok(inner)
    }

    fn primary(&mut self) -> Parsed {
        let range = self.range();
        match self.peek().cloned() {
            Some(Token::Text(text)) => {
                self.at += 1;
                Ok(Expression { kind: ExpressionKind::Literal(text.into()), range })
            }
            Some(Token::Name(name)) if matches!(name.as_str(), "true" | "false") => {
                self.at += 1;
                Ok(Expression {
                    kind: ExpressionKind::Literal(Value::Truth(name == "true")),
                    range,
                })
            }
            Some(Token::Name(name)) if !is_keyword(&name) => self.path(),
            Some(Token::Sign(open @ ("(" | "["))) => {
                self.depth += 1;
                if self.depth > 50 {
                    return Err(self.unexpected("fewer nested brackets"));
                }
                self.at += 1;
                let kind = if open == "[" {
                    ExpressionKind::List(self.list("]")?)
                } else {
                    let inner = self.or()?;
                    if !self.sign(")") {
                        return Err(self.unexpected("`)`"));
                    }
                    inner.kind
                };
                self.depth -= 1;
                Ok(Expression { kind, range: range.start..self.before() })
            }
            _ => Err(self.unexpected("a name or a value")),
        }
    }

    fn path(&mut self) -> Parsed {
        let start = self.range().start;
        let mut names = Vec::new();
        loop {
            let range = self.range();
            let Some(Token::Name(name)) = self.peek().cloned() else {
                return Err(self.unexpected("the name of a property"));
            };
            names.push(Name { text: name.into(), range });
            self.at += 1;
            if !self.sign(".") {
                let range = start..self.before();
                return Ok(Expression { kind: ExpressionKind::Path(names), range });
            }
        }
    }

    /// Items up to `close`, separated by commas, with an optional trailing comma.
    fn list(&mut self, close: &str) -> Result<Vec<Expression>, Box<Diagnostic>> {
        let mut items = Vec::new();
        while !self.sign(close) {
            items.push(self.or()?);
            if !self.sign(",") && !matches!(self.peek(), Some(Token::Sign(sign)) if *sign == close)
            {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
        Ok(items)
    }

    /// The end of the previous token.
    fn before(&self) -> usize {
        self.tokens[self.at - 1].1.end
    }
}

/// Whether `word` is reserved and so cannot name an axis or a var.
pub(super) fn is_keyword(word: &str) -> bool {
    matches!(word, "and" | "or" | "not" | "in" | "is" | "true" | "false")
}

fn join(
    left: Expression,
    right: Expression,
    kind: impl FnOnce(Box<Expression>, Box<Expression>) -> ExpressionKind,
) -> Expression {
    let range = left.range.start..right.range.end;
    Expression { kind: kind(Box::new(left), Box::new(right)), range }
}

fn negate(inner: Expression) -> Expression {
    let range = inner.range.clone();
    Expression { kind: ExpressionKind::Not(Box::new(inner)), range }
}
