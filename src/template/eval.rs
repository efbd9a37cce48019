//! Evaluates expressions.

use std::cmp::Ordering;
use std::sync::Arc;

use super::expression::{Comparison, Expression, ExpressionKind, Name};
use super::filter::Filter;
use super::source::Source;
use super::value::{Scope, Value};
use crate::error::{Diagnostic, Diagnostics, listed};
use crate::version;

/// The names that are defined at a point of a template.
pub(super) struct Frame<'a> {
    pub(super) scope: &'a Scope,
    pub(super) source: &'a Source,
    /// Loop variables, the innermost last.
    pub(super) locals: Vec<(Arc<str>, Value)>,
}

type Evaluated = Result<Value, Box<Diagnostic>>;

impl From<Box<Diagnostic>> for Diagnostics {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        (*diagnostic).into()
    }
}

impl<'a> Frame<'a> {
    pub(super) fn new(scope: &'a Scope, source: &'a Source) -> Self {
        Self { scope, source, locals: Vec::new() }
    }

    fn root(&self, name: &str) -> Option<&Value> {
        let local = self.locals.iter().rev().find(|(key, _)| **key == *name);
        local.map(|(_, value)| value).or_else(|| self.scope.get(name))
    }

    /// The value of a path, or an error for the part of it that is not defined.
    pub(super) fn path(&self, path: &[Name]) -> Result<&Value, Box<Diagnostic>> {
        let [root, properties @ ..] = path else { unreachable!("a path has a first name") };
        let mut value = self.root(&root.text).ok_or_else(|| {
            let locals = self.locals.iter().map(|(name, _)| &**name);
            undefined(self.source, root, self.scope.names().chain(locals))
        })?;
        let mut read = &*root.text;
        for name in properties {
            value = value.property(&name.text).ok_or_else(|| {
                let known = || value.properties().iter().map(|(name, _)| &**name);
                let help = match value.properties() {
                    [] => format!("`{read}` is a plain string without properties"),
                    _ => format!("it has: {}", listed(known())),
                };
                let message = match value.as_text() {
                    Some(text) if !value.properties().is_empty() => {
                        format!("`{read}` has no property `{}` when it is `{text}`", name.text)
                    }
                    _ => format!("`{read}` has no property `{}`", name.text),
                };
                Box::new(
                    Diagnostic::error(message)
                        .at(&self.source.span(name.range.clone()), "")
                        .help(help)
                        .help_nearest(&name.text, known()),
                )
            })?;
            read = &name.text;
        }
        Ok(value)
    }
}

/// The error for a name that is not defined.
fn undefined<'n>(
    source: &Source,
    name: &Name,
    known: impl Iterator<Item = &'n str>,
) -> Box<Diagnostic> {
    let known: Vec<&str> = known.collect();
    let finding = Diagnostic::error(format!("`{}` is not defined", name.text))
        .at(&source.span(name.range.clone()), "")
        .help(format!("defined here: {}", listed(known.iter().copied())));
    Box::new(source.or_foreign(finding).help_nearest(&name.text, known))
}

pub(super) fn evaluate(expression: &Expression, frame: &Frame<'_>) -> Evaluated {
    match &expression.kind {
        ExpressionKind::Literal(value) => Ok(value.clone()),
        ExpressionKind::Path(path) => frame.path(path).cloned(),
        ExpressionKind::List(items) => {
            let items: Result<Vec<Value>, _> =
                items.iter().map(|item| evaluate(item, frame)).collect();
            Ok(Value::List(items?.into()))
        }
        ExpressionKind::Not(inner) => Ok(Value::Truth(!truth(inner, frame)?)),
        ExpressionKind::And(left, right) => {
            Ok(Value::Truth(truth(left, frame)? && truth(right, frame)?))
        }
        ExpressionKind::Or(left, right) => {
            Ok(Value::Truth(truth(left, frame)? || truth(right, frame)?))
        }
        ExpressionKind::Defined(inner) => Ok(Value::Truth(match &inner.kind {
            ExpressionKind::Path(path) => frame.path(path).is_ok(),
            _ => evaluate(inner, frame).is_ok(),
        })),
        ExpressionKind::Compare(comparison, left, right) => {
            if comparison.is_ordered() {
                [left, right].into_iter().try_for_each(|side| literal_version(side, frame))?;
            }
            let (left, right) = (evaluate(left, frame)?, evaluate(right, frame)?);
            compare(*comparison, &left, &right).map(Value::Truth).map_err(|why| {
                let span = frame.source.span(expression.range.clone());
                Box::new(Diagnostic::error("these values cannot be compared").at(&span, why))
            })
        }
        ExpressionKind::Filter(Filter::Default, inner, arguments) => match &inner.kind {
            ExpressionKind::Path(path) => match frame.path(path) {
                Ok(value) => Ok(value.clone()),
                Err(_) => evaluate(&arguments[0], frame),
            },
            _ => evaluate(inner, frame),
        },
        ExpressionKind::Filter(filter, inner, arguments) => {
            let value = evaluate(inner, frame)?;
            let arguments: Result<Vec<Value>, _> =
                arguments.iter().map(|argument| evaluate(argument, frame)).collect();
            filter.apply(value, &arguments?).map_err(|why| {
                let span = frame.source.span(expression.range.clone());
                Box::new(Diagnostic::error("this filter cannot be applied here").at(&span, why))
            })
        }
    }
}

/// Evaluates a condition. Only comparisons and booleans are conditions: if a non-empty string were
/// true, `if debug` with the string `false` would be a surprise.
pub(super) fn truth(expression: &Expression, frame: &Frame<'_>) -> Result<bool, Box<Diagnostic>> {
    match evaluate(expression, frame)? {
        Value::Truth(truth) => Ok(truth),
        Value::Text(_) | Value::Record { .. } | Value::List(_) => Err(Box::new(
            Diagnostic::error("this is not a condition")
                .at(&frame.source.span(expression.range.clone()), "a value, not true or false")
                .help("compare it (`x == \"…\"`) or test whether it exists (`x is defined`)"),
        )),
    }
}

/// Evaluates a condition in which some names are open; `None` if these decide. A part that also
/// uses other names is evaluated normally.
pub(super) fn possible(
    expression: &Expression,
    frame: &Frame<'_>,
    is_open: &dyn Fn(&str) -> bool,
) -> Result<Option<bool>, Box<Diagnostic>> {
    let possible = |inner: &Expression| possible(inner, frame, is_open);
    match &expression.kind {
        ExpressionKind::Not(inner) => Ok(possible(inner)?.map(|truth| !truth)),
        // As in `and` and `or` themselves, the left side may guard the right side.
        ExpressionKind::And(left, right) => match possible(left)? {
            Some(false) => Ok(Some(false)),
            left => Ok(match possible(right)? {
                Some(false) => Some(false),
                right => left.and(right),
            }),
        },
        ExpressionKind::Or(left, right) => match possible(left)? {
            Some(true) => Ok(Some(true)),
            left => Ok(match possible(right)? {
                Some(true) => Some(true),
                right => left.and(right),
            }),
        },
        _ => {
            let (mut open, mut fixed) = (false, false);
            expression.each_path(false, &mut |path, _| match is_open(&path[0].text) {
                true => open = true,
                false => fixed = true,
            });
            if open && !fixed { Ok(None) } else { truth(expression, frame).map(Some) }
        }
    }
}

/// A literal in an ordered comparison must be a version: `os < "m"` would never be true.
fn literal_version(side: &Expression, frame: &Frame<'_>) -> Result<(), Box<Diagnostic>> {
    match &side.kind {
        ExpressionKind::Literal(Value::Text(text)) if !version::is_version(text) => Err(Box::new(
            Diagnostic::error(format!("`{text}` is not a version, so it cannot be compared"))
                .at(&frame.source.span(side.range.clone()), ""),
        )),
        _ => Ok(()),
    }
}

fn compare(comparison: Comparison, left: &Value, right: &Value) -> Result<bool, String> {
    let ordered = |wanted: fn(Ordering) -> bool| match (left.as_text(), right.as_text()) {
        (Some(left), Some(right)) => match version::compare(left, right) {
            Some(order) => Ok(wanted(order)),
            None if version::is_version(left) && version::is_version(right) => {
                Err(format!("`{left}` and `{right}` have no defined order"))
            }
            // A string that is not a version is neither older nor newer.
            None => Ok(false),
        },
        _ => Err("a list cannot be ordered".to_owned()),
    };
    match comparison {
        Comparison::Equal => Ok(left.same(right)),
        Comparison::Unequal => Ok(!left.same(right)),
        Comparison::Less => ordered(Ordering::is_lt),
        Comparison::LessOrEqual => ordered(Ordering::is_le),
        Comparison::Greater => ordered(Ordering::is_gt),
        Comparison::GreaterOrEqual => ordered(Ordering::is_ge),
        Comparison::In => match (left.as_text(), right) {
            (_, Value::List(items)) => Ok(items.iter().any(|item| item.same(left))),
            (Some(part), _) => Ok(right.as_text().is_some_and(|whole| whole.contains(part))),
            (None, _) => Err("a string cannot contain a list".to_owned()),
        },
    }
}
