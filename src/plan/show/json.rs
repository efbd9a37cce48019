//! A plan for programs.

use serde_json::{Value, json};

use super::escaped;
use crate::matrix::Cell;

/// The plan for programs. Versioned: fields are added, never changed, under one version.
pub fn json(cells: &[Cell]) -> String {
    let cells: Vec<Value> = cells.iter().map(cell).collect();
    let mut text = serde_json::to_string_pretty(&json!({ "version": 1, "cells": cells }))
        .expect("texts, lists and maps with text keys always serialize");
    text.push('\n');
    escaped(&text)
}

fn cell(cell: &Cell) -> Value {
    let axes: serde_json::Map<String, Value> =
        cell.axes.iter().map(|(axis, value)| (axis.to_string(), json!(&**value))).collect();
    let bases: serde_json::Map<String, Value> =
        cell.bases.iter().map(|(name, to)| (name.clone(), json!(to.to_string()))).collect();
    json!({
        "cell": &*cell.name,
        "axes": axes,
        "platforms": cell.platforms.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "references": cell.references.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "context": &*cell.context,
        "dockerfile": &*cell.dockerfile,
        "args": cell.args,
        "labels": cell.labels,
        "target": cell.target,
        "bases": bases,
    })
}
