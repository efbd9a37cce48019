//! `onebuild explain`: shows every value of a cell and its origin.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::prepare;
use crate::config::{ExplainConfig, ExplainFormat};
use crate::error::{Error, ErrorKind, Span, listed, visible};
use crate::matrix::{Cell, Matrix, Origin, Source};
use crate::plan::{escaped, redacted};
use crate::run::terminal;
use crate::text::{pad, width};
use crate::workspace::access::Access;
use crate::workspace::needs::Needs;

/// Longer entries do not widen their column.
const WIDEST: usize = 48;

pub(super) fn run(matrix: &Matrix, config: &ExplainConfig) -> Result<ExitCode, Error> {
    let cells = prepare::cells(matrix, &config.cells)?;
    let cell = one(&cells)?;
    let mut origins = cell.origins();
    origins.extend(beyond(matrix, cell, config));
    terminal::stdout(&match config.format {
        ExplainFormat::Text => text(cell, origins),
        ExplainFormat::Json => json(cell, origins),
    });
    Ok(ExitCode::SUCCESS)
}

/// The grants and the environment variables that the matrix needs.
fn beyond(matrix: &Matrix, cell: &Cell, config: &ExplainConfig) -> Vec<Origin> {
    let choice = &config.cells;
    let access = Access::of(&choice.file, &choice.grants);
    let cells = std::slice::from_ref(cell);
    let needs = Needs::of(matrix, cells, &choice.root(), &access, &Default::default());
    let origin = |key: &str, value: String, span: Option<Span>| Origin {
        key: key.to_owned(),
        value,
        source: span.map_or(Source::Default, Source::File),
    };
    let grants = needs.grants.into_iter();
    let grants = grants.map(|need| origin("allow", need.grant.to_string(), need.span));
    // The others have a row for the value that they set.
    let variables = needs.variables.into_iter().filter(|one| one.span.is_some());
    grants.chain(variables.map(|one| origin("environment", one.name, one.span))).collect()
}

/// The only cell.
fn one(cells: &[Cell]) -> Result<&Cell, Error> {
    let [cell] = cells else {
        let message = format!("`explain` shows one cell, and these are {}", cells.len());
        let names = listed(cells.iter().map(|cell| &*cell.name));
        return Err(Error::new(ErrorKind::Usage, message).help(format!("name one of {names}")));
    };
    Ok(cell)
}

fn text(cell: &Cell, origins: Vec<Origin>) -> String {
    let row = |origin: Origin| {
        let Origin { key, value, source } = origin;
        [key, value, place(&source)].map(|text| one_line(&text))
    };
    let rows: Vec<[String; 3]> = origins.into_iter().map(row).collect();
    let widest = |column: usize| {
        rows.iter().map(|row| width(&row[column])).filter(|width| *width <= WIDEST).max()
    };
    let (keys, values) = (widest(0).unwrap_or(0), widest(1).unwrap_or(0));
    let described = Some(cell.describe()).filter(|axes| !axes.is_empty());
    let title = [cell.name.to_string()].into_iter().chain(described);
    let mut out = one_line(&title.collect::<Vec<_>>().join(": ")) + "\n\n";
    for [key, value, source] in rows {
        out += format!("{}  {}  {source}", pad(&key, keys), pad(&value, values)).trim_end();
        out.push('\n');
    }
    out
}

/// `matrix.yaml:12:3`, `--platform`, `$ONEBUILD_IMAGE`, `default`.
fn place(source: &Source) -> String {
    match source {
        Source::File(span) => span.to_string(),
        Source::Flag(name) => name.clone(),
        Source::Environment(name) => format!("${name}"),
        Source::Default => "default".to_owned(),
    }
}

fn one_line(text: &str) -> String {
    visible(text).replace('\n', "\\n")
}

/// JSON. A version only ever gains fields; it never changes them.
fn json(cell: &Cell, origins: Vec<Origin>) -> String {
    let values: Vec<Value> = origins
        .into_iter()
        .map(|Origin { key, value, source }| {
            let source = match source {
                Source::File(span) => {
                    let (line, column) = span.line_column();
                    json!({ "file": &**span.file.name(), "line": line, "column": column })
                }
                Source::Flag(name) => json!({ "flag": name }),
                Source::Environment(name) => json!({ "environment": name }),
                Source::Default => json!({ "default": true }),
            };
            json!({ "key": key, "value": value, "source": source })
        })
        .collect();
    let value = json!({ "version": 1, "cell": &*cell.name, "values": values });
    let text = serde_json::to_string_pretty(&redacted(value))
        .expect("strings, lists and maps with string keys always serialize");
    escaped(&text).into_owned() + "\n"
}
