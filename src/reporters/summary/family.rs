//! The cells in a table by their axes.

use indexmap::{IndexMap, IndexSet};

use super::cells::result;
use super::markdown::{code, header, row};
use crate::record::{Recorded, RecordedCell};

/// Maximum number of columns with results: more of them are wider than GitHub's page.
const COLUMNS: usize = 8;

/// The values of a cell on some axes; none if it does not have one of them.
type Values<'a> = Vec<Option<&'a str>>;

/// Rows for the axis with the most values, columns for the others. If these are too many columns, further axes go
/// into the rows, the one with the most values first. None if the axes do not tell the cells apart.
pub(super) fn family(run: &Recorded) -> Option<String> {
    let (rows, columns) = split(run)?;
    let mut results = IndexMap::<Values, IndexMap<Values, String>>::new();
    let mut used = IndexSet::<Values>::new();
    for cell in run.cells.values() {
        let column = values(cell, &columns);
        used.insert(column.clone());
        let row = results.entry(values(cell, &rows)).or_default();
        if row.insert(column, result(run, cell)).is_some() {
            return None;
        }
    }
    let label = |values: &Values| match values.is_empty() {
        true => "result".to_owned(),
        false => values.iter().map(value).collect::<Vec<_>>().join(" "),
    };
    let names = |axes: &[&str]| axes.iter().map(|axis| code(axis)).collect::<Vec<_>>();
    let mut text = match columns.is_empty() {
        true => "### Cells\n\n".to_owned(),
        false => {
            let (rows, columns) = (names(&rows), names(&columns));
            format!("### Cells by {} and {}\n\n", rows.join(" × "), columns.join(" × "))
        }
    };
    text += &header(names(&rows).into_iter().chain(used.iter().map(label)));
    for (values, results) in &results {
        let results = used.iter().map(|column| results.get(column).cloned().unwrap_or_default());
        text += &row(values.iter().map(value).chain(results));
    }
    Some(text + "\n")
}

/// The axes of the rows and of the columns.
fn split(run: &Recorded) -> Option<(Vec<&str>, Vec<&str>)> {
    let mut axes = IndexMap::<&str, IndexSet<Option<&str>>>::new();
    for axis in run.cells.values().flat_map(|cell| cell.cell.axes.keys()) {
        axes.entry(axis).or_default();
    }
    for (axis, known) in &mut axes {
        known.extend(run.cells.values().map(|cell| value_of(cell, axis)));
    }
    // Other axes say nothing here.
    axes.retain(|_, values| values.len() > 1);
    let sizes: IndexMap<&str, usize> =
        axes.iter().map(|(axis, values)| (*axis, values.len())).collect();
    let mut columns: Vec<&str> = sizes.keys().copied().collect();
    let mut rows = IndexSet::new();
    while rows.is_empty() || count(run, &columns) > COLUMNS {
        // The first one of the largest axes.
        let largest = columns.iter().rev().max_by_key(|axis| sizes[**axis]).copied()?;
        columns.retain(|axis| *axis != largest);
        rows.insert(largest);
    }
    let rows = sizes.keys().copied().filter(|axis| rows.contains(axis)).collect();
    Some((rows, columns))
}

/// The number of different values on these axes.
fn count(run: &Recorded, axes: &[&str]) -> usize {
    run.cells.values().map(|cell| values(cell, axes)).collect::<IndexSet<_>>().len()
}

fn values<'a>(cell: &'a RecordedCell, axes: &[&str]) -> Values<'a> {
    axes.iter().map(|axis| value_of(cell, axis)).collect()
}

fn value_of<'a>(cell: &'a RecordedCell, axis: &str) -> Option<&'a str> {
    cell.cell.axes.get(axis).map(String::as_str)
}

fn value(value: &Option<&str>) -> String {
    value.map_or_else(|| "–".to_owned(), code)
}
