//! Reads the merged tree as a matrix.

use super::reader::Reader;
use super::{check, foreign, latest};
use crate::matrix::model::{Axis, AxisSource, Matrix, ResolvedAxes};
mod axes;
mod axis_source;
mod file_rules;
mod retry;
mod rules;
mod settings;
pub(crate) mod smoke;
mod tags;

use crate::error::{Diagnostic, Diagnostics, SourceFile, nearest};
use crate::yaml::{Entry, Node, NodeKind};

/// All keys of a matrix, in the order in which errors list them, and whether rules can have them, too.
const TABLE: [(&str, bool); 35] = [
    ("onebuild", false),
    ("image", false),
    ("tag", false),
    ("tags", false),
    ("platforms", true),
    ("context", true),
    ("dockerfile", true),
    ("dockerignore", true),
    ("template", true),
    ("axes", false),
    ("defaults", false),
    ("vars", true),
    ("args", true),
    ("labels", true),
    ("annotations", true),
    ("target", true),
    ("network", true),
    ("shm_size", true),
    ("ulimits", true),
    ("cgroup_parent", true),
    ("add_hosts", true),
    ("media_types", true),
    ("bases", true),
    ("contexts", true),
    ("secrets", true),
    ("ssh", true),
    ("cache_from", true),
    ("cache_to", true),
    ("test", true),
    ("retry", true),
    ("exclude", false),
    ("include", false),
    ("overrides", false),
    ("files", false),
    ("extends", false),
];

pub(crate) const KEYS: [&str; TABLE.len()] = keys(false);

/// The keys that rules can have besides axes.
pub(crate) const SETTINGS: [&str; 24] = keys(true);

/// The keys of the table, or those that rules can have. `N` is their number: another one is an error of
/// the compiler.
const fn keys<const N: usize>(of_rules: bool) -> [&'static str; N] {
    let mut found = [""; N];
    let (mut at, mut number) = (0, 0);
    while at < TABLE.len() {
        let (key, is_of_rule) = TABLE[at];
        if is_of_rule || !of_rules {
            found[number] = key;
            number += 1;
        }
        at += 1;
    }
    assert!(number == N, "the number of keys has changed");
    found
}

/// Reads the tree of `file`, whose merging found `errors`; `resolved` are the values of the axes
/// with a source.
pub(crate) fn read(
    file: &SourceFile,
    root: &Node,
    errors: Diagnostics,
    resolved: &ResolvedAxes,
) -> Result<Matrix, Diagnostics> {
    let mut reader = Reader::new(errors, Some(resolved));
    let NodeKind::Map(entries) = &root.kind else {
        reader.unfit(&root.span, file.name(), "a map of `key: value`", &root.kind);
        return Err(reader.errors);
    };
    for entry in entries {
        // `x-` keys hold anchored values, as in Compose files.
        if !KEYS.contains(&entry.key.as_str()) && !entry.key.starts_with("x-") {
            reader.unknown(entry, &KEYS);
        }
    }
    let start = file.span(0..0);
    // A misspelt key has been reported as unknown.
    let meant = |key: &str, entry: &Entry| {
        !KEYS.contains(&&*entry.key) && nearest(&entry.key, KEYS) == Some(key)
    };
    let find = |key: &str| entries.iter().find(|entry| entry.key == key);
    let required = |reader: &mut Reader<'_>, key: &str, example: &str| {
        let found = find(key);
        if found.is_none() && !entries.iter().any(|entry| meant(key, entry)) {
            reader.errors.push(
                Diagnostic::error(format!("`{key}` is missing"))
                    .at(&start, "")
                    .help(format!("add it, such as `{example}`")),
            );
        }
        found
    };

    // Without axes, the matrix is one image.
    let axes_entry = find("axes");
    let mut axes = axes_entry.map(|entry| reader.axes(entry)).unwrap_or_default();
    let images = required(&mut reader, "image", "image: me/app")
        .map(|entry| reader.inline_list(&entry.value, "image"))
        .unwrap_or_default();
    let misspelt = |entry: &Entry| {
        !KEYS.contains(&&*entry.key) && matches!(nearest(&entry.key, KEYS), Some("tag" | "tags"))
    };
    let tags = match (find("tag"), find("tags")) {
        (None, None) if entries.iter().any(misspelt) => Vec::new(),
        (tag, tags) => reader.tags(tag, tags, &start, axes_entry.is_none()),
    };
    let settings = reader.settings(entries, &axes);
    if let Some(entry) = find("include") {
        reader.include_values(&entry.value, &mut axes);
    }
    let defaults = reader.defaults(find("defaults"), &axes);
    let exclude = find("exclude").map(|entry| reader.exclude(&entry.value, &axes));
    let exclude = exclude.unwrap_or_default();
    let include = find("include").map(|entry| reader.include(&entry.value, &axes, &exclude));
    let (include, included) = include.unwrap_or_default();
    let overrides = find("overrides").map(|entry| reader.overrides(&entry.value, &axes));

    let file_rules = find("files").map(|entry| reader.file_rules(&entry.value, file));

    let axes_span = axes_entry.map_or(start, |entry| entry.key_span.clone());
    let mut matrix = Matrix {
        file: file.clone(),
        axes,
        axes_span,
        defaults,
        images,
        tags,
        settings,
        exclude,
        include,
        included,
        overrides: overrides.unwrap_or_default(),
        axis_sources: reader.axis_sources,
        file_rules: file_rules.unwrap_or_default(),
        allows: Default::default(),
        warnings: reader.warnings,
    };
    let mut errors = reader.errors;
    // If the axes have errors, every name of an axis would be undefined.
    if !matrix.axes.is_empty() || axes_entry.is_none() && !entries.iter().any(|e| meant("axes", e))
    {
        check::names(&matrix, &mut errors);
    }
    check::literals(&matrix, &mut errors);
    matrix.warnings.extend(foreign::check(&matrix, &mut errors));
    let latest = latest::findings(&matrix);
    matrix.warnings.extend(latest);
    errors.sort();
    errors.check(matrix)
}

/// The axes alone, even if there are other errors; without the values from sources.
pub(crate) fn axes(root: &Node) -> (Vec<Axis>, Vec<AxisSource>) {
    let mut reader = Reader::new(Diagnostics::default(), None);
    let NodeKind::Map(entries) = &root.kind else { return Default::default() };
    let found = entries.iter().find(|entry| entry.key == "axes");
    let axes = found.map(|entry| reader.axes(entry)).unwrap_or_default();
    (axes, reader.axis_sources)
}
