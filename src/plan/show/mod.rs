//! A plan as text.

use serde_json::{Value, json};

use crate::matrix::Cell;

/// A table for people: cell, platforms, template, and what else each cell has of its own.
pub fn table(cells: &[Cell]) -> String {
    let mut rows = vec![["cell", "platforms", "dockerfile", "images"].map(str::to_owned)];
    for cell in cells {
        let platforms: Vec<String> = cell.platforms.iter().map(|p| p.short()).collect();
        let images: Vec<String> = cell.references.iter().map(|r| r.familiar()).collect();
        rows.push([
            cell.name.to_string(),
            platforms.join(" "),
            cell.dockerfile.to_string(),
            images.join(" "),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; 4] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in &rows {
        let padded = row.iter().zip(widths).map(|(field, width)| format!("{field:width$}"));
        text += padded.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// The plan for programs. Versioned: fields are added, never changed, under one version.
pub fn json(cells: &[Cell]) -> String {
    let cells: Vec<Value> = cells.iter().map(cell).collect();
    let mut text = serde_json::to_string_pretty(&json!({ "version": 1, "cells": cells }))
        .expect("texts, lists and maps with text keys always serialize");
    text.push('\n');
    text
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
