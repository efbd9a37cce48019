//! Placeholders of other languages, such as `${VERSION}` and `{{version}}`. In an image name or a tag they
//! are errors, and in other values they are probably mistakes.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Diagnostic, Diagnostics, Span};
use crate::matrix::model::{Matrix, Settings};
use crate::template::{Template, is_name};

/// What is in front of a name, and behind it.
type Sign = (&'static str, &'static str);

/// The signs of shells, make, workflows and other template languages.
const SIGNS: [Sign; 6] =
    [("${{", "}}"), ("${", "}"), ("$(", ")"), ("{{", "}}"), ("%", "%"), ("$", "")];

/// Signs that are common in plain text, too.
const LOOSE: [Sign; 3] = [("{", "}"), ("<", ">"), ("@", "@")];

/// A longer placeholder is none. This also bounds the search for its end.
const LONGEST: usize = 100;

/// A placeholder of another language.
#[derive(Debug, PartialEq, Eq)]
struct Foreign {
    range: Range<usize>,
    name: String,
}

/// Reports placeholders in image names and tags as errors; returns warnings of others that have the name
/// of an axis or a var.
pub(super) fn check<'m>(matrix: &'m Matrix, errors: &mut Diagnostics) -> Diagnostics {
    let mut warnings = Diagnostics::default();
    let axes = matrix.axes.iter().map(|axis| axis.name.clone());
    let vars = matrix.all_vars().map(|var| var.name.clone());
    let known: Vec<Arc<str>> = axes.chain(vars).collect();
    let everything = everything();
    let names = matrix.images.iter().chain(matrix.tags.iter().map(|rule| &rule.tag));
    for template in names {
        for (text, span, name) in found(template, &everything) {
            let finding = Diagnostic::error(format!("`{text}` is not a placeholder"));
            errors.push(finding.at(&span, "").help(match meant(&name, &known) {
                Some(name) => format!("write `<%{name}%>`"),
                None => format!(
                    "a placeholder is the name of an axis or a var, such as `<%{name}%>`; define \
                     `{name}` under `vars`, and set it with `--var {name}=VALUE`"
                ),
            }));
        }
    }
    let of_vars =
        |settings: &'m Settings| settings.vars.iter().flat_map(|var| var.value.templates());
    let vars = matrix.all_settings().flat_map(of_vars);
    for template in matrix.all_settings().flat_map(Settings::replaced).chain(vars) {
        for (text, span, name) in found(template, &SIGNS) {
            if let Some(name) = meant(&name, &known) {
                let message = format!("`{text}` is plain text, not the value of `{name}`");
                let finding = Diagnostic::warning(message).rule("foreign-placeholder");
                warnings.push(finding.at(&span, "").help(format!("write `<%{name}%>`")));
            }
        }
    }
    warnings
}

/// Whether an image name or a tag has a placeholder of another language.
pub(super) fn is_in(template: &Template) -> bool {
    !found(template, &everything()).is_empty()
}

/// Names the right form in a YAML error if a value of its line starts with a placeholder of another
/// language: `{`, `%` and `@` mean something in YAML.
pub(super) fn explained(errors: Diagnostics) -> Diagnostics {
    let mut all = Diagnostics::default();
    for error in errors.iter() {
        let help = error.labels.first().and_then(|label| in_line(&label.span));
        all.push(help.map_or_else(|| error.clone(), |help| error.clone().help(help)));
    }
    all
}

/// The help for the line of a YAML error.
fn in_line(span: &Span) -> Option<String> {
    let file = &span.file;
    let line = &file.text()[file.line_range(file.line_of(span.start))?];
    let is_special = |(open, _): &Sign| open.starts_with(['{', '%', '@']);
    let signs: Vec<Sign> = everything().into_iter().filter(is_special).collect();
    let starts_value = |foreign: &Foreign| {
        let before = line[..foreign.range.start].trim_end();
        before.ends_with([':', '-', '[', ','])
    };
    let Foreign { range, name } = placeholders(line, &signs).into_iter().find(starts_value)?;
    Some(format!("if `{}` is a placeholder, write `<%{name}%>`", &line[range]))
}

fn everything() -> Vec<Sign> {
    SIGNS.into_iter().chain(LOOSE).collect()
}

/// The name that is meant, in any case of letters.
fn meant(name: &str, known: &[Arc<str>]) -> Option<Arc<str>> {
    known.iter().find(|known| known.eq_ignore_ascii_case(name)).cloned()
}

/// The placeholders in the text of a template: as written, with their places and names.
fn found(template: &Template, signs: &[Sign]) -> Vec<(String, Span, String)> {
    let mut all = Vec::new();
    for part in template.plain() {
        for Foreign { range, name } in placeholders(&template.text()[part.clone()], signs) {
            let range = part.start + range.start..part.start + range.end;
            let text = template.text()[range.clone()].to_owned();
            all.push((text, template.part(range), name));
        }
    }
    all
}

fn placeholders(text: &str, signs: &[Sign]) -> Vec<Foreign> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        match signs.iter().find_map(|sign| placeholder(&text[at..], *sign)) {
            Some((length, name)) => {
                found.push(Foreign { range: at..at + length, name: name.to_owned() });
                at += length;
            }
            None => at += first.len_utf8(),
        }
    }
    found
}

/// The length and the name of a placeholder that `text` starts with.
fn placeholder(text: &str, (open, close): Sign) -> Option<(usize, &str)> {
    let inner = text.strip_prefix(open)?;
    let end = inner.char_indices().nth(LONGEST).map_or(inner.len(), |(at, _)| at);
    let inner = &inner[..end];
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if close.is_empty() {
        let name = &inner[..inner.find(|c| !is_part(c)).unwrap_or(inner.len())];
        return is_name(name).then_some((open.len() + name.len(), name));
    }
    let inner = &inner[..inner.find(close)?];
    // `{{ .Version }}`, `${{ matrix.version }}`, `${VERSION:-1.0}`
    let name = match open {
        "%" | "@" | "<" | "{" => inner,
        _ => {
            let path = inner.trim_start();
            let path = &path[..path.find(|c| !is_part(c) && c != '.').unwrap_or(path.len())];
            path.rsplit('.').next().unwrap_or_default()
        }
    };
    is_name(name).then_some((open.len() + inner.len() + close.len(), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_of_another_language_has_a_name() {
        for (text, wanted) in [
            ("${VERSION}", "${VERSION}=VERSION"),
            ("a-$VERSION-$os.x", "$VERSION=VERSION $os=os"),
            ("${VERSION:-1.0}", "${VERSION:-1.0}=VERSION"),
            ("$(OS)", "$(OS)=OS"),
            ("{{version}}-{{ .Os }}", "{{version}}=version {{ .Os }}=Os"),
            ("${{ matrix.version }}", "${{ matrix.version }}=version"),
            ("%version%", "%version%=version"),
            ("{version}<os>@x@", "{version}=version <os>=os @x@=x"),
            ("50% of 60%", ""),
            ("$ ${} $1 {{ }} %% {1} a@b", ""),
            ("é${é}", ""),
            ("{{version", ""),
        ] {
            let found = placeholders(text, &everything());
            let found = found.iter().map(|f| format!("{}={}", &text[f.range.clone()], f.name));
            assert_eq!(found.collect::<Vec<_>>().join(" "), wanted, "{text}");
        }
    }
}
