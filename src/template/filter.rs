//! Filters: `<%version|major%>`.

use super::value::Value;
use crate::error::{Diagnostic, Span, listed};
use crate::version;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    Default,
    Join,
    Lower,
    Major,
    Minor,
    Patch,
    Replace,
    Split,
    Trim,
    Upper,
}

/// Name, filter, number of arguments.
const FILTERS: [(&str, Filter, usize); 10] = [
    ("default", Filter::Default, 1),
    ("join", Filter::Join, 1),
    ("lower", Filter::Lower, 0),
    ("major", Filter::Major, 0),
    ("minor", Filter::Minor, 0),
    ("patch", Filter::Patch, 0),
    ("replace", Filter::Replace, 2),
    ("split", Filter::Split, 1),
    ("trim", Filter::Trim, 0),
    ("upper", Filter::Upper, 0),
];

impl Filter {
    pub(super) fn named(name: &str, span: &Span) -> Result<Self, Box<Diagnostic>> {
        if let Some((_, filter, _)) = FILTERS.iter().find(|(known, ..)| *known == name) {
            return Ok(*filter);
        }
        let known = || FILTERS.iter().map(|(known, ..)| *known);
        Err(Box::new(
            Diagnostic::error(format!("there is no filter `{name}`"))
                .at(span, "")
                .help(format!("known filters: {}", listed(known())))
                .help_nearest(name, known()),
        ))
    }

    pub(super) fn check_count(self, count: usize, span: &Span) -> Result<(), Box<Diagnostic>> {
        let wanted =
            FILTERS.iter().find(|(_, filter, _)| *filter == self).map_or(0, |found| found.2);
        if wanted == count {
            return Ok(());
        }
        let s = if wanted == 1 { "" } else { "s" };
        let message = format!("`{}` requires {wanted} argument{s}, not {count}", span.text());
        let form = match self {
            Self::Default => "default(\"VALUE\")",
            Self::Join => "join(\", \")",
            Self::Replace => "replace(\"FROM\", \"TO\")",
            Self::Split => "split(\",\")",
            _ => span.text(),
        };
        Err(Box::new(Diagnostic::error(message).at(span, "").help(format!("write `|{form}`"))))
    }

    /// Applies the filter; the error says what it requires.
    pub(super) fn apply(self, value: Value, arguments: &[Value]) -> Result<Value, String> {
        let text = || value.as_text().ok_or("it requires a string, but this is a list".to_owned());
        let argument = |index: usize| {
            let given: Option<&Value> = arguments.get(index);
            given.and_then(Value::as_text).ok_or("its arguments must be strings".to_owned())
        };
        let part = |index: usize, name: &str| match version::part(text()?, index) {
            Some(part) if part.bytes().all(|b| b.is_ascii_digit()) => Ok(Value::from(part)),
            _ => Err(format!("`{}` has no {name} number", text()?)),
        };
        match self {
            Self::Default => Ok(value),
            Self::Lower => Ok(text()?.to_lowercase().into()),
            Self::Upper => Ok(text()?.to_uppercase().into()),
            Self::Trim => Ok(text()?.trim().into()),
            Self::Major => part(0, "major"),
            Self::Minor => part(1, "minor"),
            Self::Patch => part(2, "patch"),
            // An empty pattern would match between all letters, which is never intended.
            Self::Replace if argument(0)?.is_empty() => {
                Err("it cannot replace the empty string".to_owned())
            }
            Self::Replace => {
                let (from, to) = (argument(0)?, argument(1)?);
                let count = text()?.matches(from).count();
                fits(text()?.len() + count * to.len())?;
                Ok(text()?.replace(from, to).into())
            }
            Self::Split if argument(0)?.is_empty() => {
                Err("it cannot split at the empty string".to_owned())
            }
            Self::Split => Ok(Value::List(text()?.split(argument(0)?).map(Value::from).collect())),
            Self::Join => match &value {
                Value::List(items) => {
                    let texts: Option<Vec<&str>> = items.iter().map(Value::as_text).collect();
                    let texts = texts.ok_or("it joins strings, but this list contains lists")?;
                    let joint = argument(0)?;
                    fits(texts.iter().map(|text| text.len() + joint.len()).sum())?;
                    Ok(texts.join(joint).into())
                }
                _ => Err("it requires a list, but this is a string".to_owned()),
            },
        }
    }
}

/// Bounds the memory that a chain of filters can use.
fn fits(length: usize) -> Result<(), String> {
    const MAX_LENGTH: usize = 64 << 10;
    if length <= MAX_LENGTH {
        Ok(())
    } else {
        Err("the value would be longer than 64 KiB".to_owned())
    }
}
