//! Output of findings: text, JSON, SARIF and workflow annotations.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::{Finding, Findings};
use crate::error::{Diagnostics, Severity, Span, spelled_out};
use crate::plan::{escaped, redacted};
use crate::text::{Annotated, annotation, in_repository};

/// Text for people: the findings with their lines, as every other command shows them, and a summary.
pub fn text(findings: &Findings, colour: bool) -> String {
    let mut list = Diagnostics::default();
    for finding in findings.iter() {
        let mut diagnostic = finding.diagnostic.clone();
        if let [first, others @ ..] = finding.cells.as_slice() {
            let more = match others.len() {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            diagnostic = diagnostic.note(format!("{}: {first}{more}", finding.rule));
        }
        list.push(diagnostic);
    }
    let mut drawn = vec![list.render(colour)];
    drawn.retain(|text| !text.is_empty());
    let counts =
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let counts: Vec<String> = counts
        .into_iter()
        .map(|(severity, word)| (findings.count(severity), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if !counts.is_empty() {
        drawn.push(format!("{}\n", counts.join(", ")));
    }
    drawn.join("\n")
}

/// JSON for programs. Versioned: within one version, fields are added but never changed.
pub(crate) fn json(findings: &Findings) -> String {
    let list: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let place = finding.span().map(|span| {
                let (line, column) = span.line_column();
                json!({ "file": &**span.file.name(), "line": line, "column": column })
            });
            json!({
                "rule": finding.rule,
                "severity": word(finding),
                "message": finding.diagnostic.message,
                "place": place,
                "notes": finding.diagnostic.notes,
                "help": finding.diagnostic.help,
                "url": finding.url,
                "cells": finding.cells.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        })
        .collect();
    pretty(json!({ "version": 1, "findings": list }))
}

/// SARIF for code scanning. `directory` is the current directory, relative to the repository.
///
/// Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>
pub fn sarif(findings: &Findings, directory: &Path) -> String {
    let mut rules: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for finding in findings.iter() {
        rules.insert(&finding.rule, finding.url.as_deref());
    }
    let rules: Vec<Value> = rules
        .into_iter()
        .map(|(id, url)| match url {
            Some(url) => json!({ "id": id, "helpUri": url }),
            None => json!({ "id": id }),
        })
        .collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, directory)).collect();
    let driver = json!({
        "name": "onebuild",
        "version": crate::VERSION,
        "rules": rules,
    });
    pretty(json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            // Columns count characters here.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

fn result(finding: &Finding, directory: &Path) -> Value {
    let mut message = finding.diagnostic.message.clone();
    if let Some(help) = &finding.diagnostic.help {
        message += &format!(" ({help})");
    }
    let locations: Vec<Value> = finding
        .span()
        .into_iter()
        .map(|span| {
            let (line, column) = span.line_column();
            json!({ "physicalLocation": {
                "artifactLocation": { "uri": uri(&in_repository(directory, span.file.name())) },
                "region": { "startLine": line, "startColumn": column },
            } })
        })
        .collect();
    json!({
        "ruleId": finding.rule,
        "level": word(finding),
        "message": { "text": message },
        "locations": locations,
    })
}

/// A path as a relative URI.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
            out.push(byte.into());
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// Workflow commands that create annotations. `directory` is the current directory, relative to the repository.
pub fn github(findings: &Findings, directory: &Path) -> String {
    findings.iter().map(|finding| annotated(finding, directory)).collect()
}

fn annotated(finding: &Finding, directory: &Path) -> String {
    let command = match finding.diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let file = |span: &Span| spelled_out(&in_repository(directory, span.file.name()));
    let file = finding.span().map(file);
    let place = finding.span().zip(file.as_deref()).map(|(span, file)| {
        let (line, column) = span.line_column();
        Annotated { file, line, column: Some(column) }
    });
    let mut message = finding.diagnostic.message.clone();
    if let Some(help) = &finding.diagnostic.help {
        message += &format!("\n{help}");
    }
    annotation(command, place, &spelled_out(&finding.rule), &spelled_out(&message))
}

fn word(finding: &Finding) -> &'static str {
    match finding.diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn pretty(value: Value) -> String {
    let text = serde_json::to_string_pretty(&redacted(value))
        .expect("strings, lists and maps with string keys always serialize");
    escaped(&text).into_owned() + "\n"
}
