//! The names of cells: the same in every selection, unique, and usable as tags and file names.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::{cells, names};
use crate::cell_name::dockerfile_name;
use crate::error::SourceFile;
use crate::image::Tag;
use crate::input::Cache;
use crate::matrix::{Cell, Matrix, Overrides, Pick, Selection, Unnamed};

/// What a run calls a cell: its name, the tag of its cache and its rendered file.
type Called = (String, String, String);

#[test]
fn the_repository_is_in_a_name_if_it_differs_between_cells() {
    let named = |image: &str, more: &str, tags: &str| {
        let axes = "axes: { os: { a: { t: x }, b/c: { t: y } }, v: [1.0, 1.1] }";
        names(&cells(&format!("image: {image}\n{tags}\nplatforms: linux/amd64\n{axes}\n{more}")))
    };
    let (tag, own) = ("tag: <%v%>", "tag: <%v%>-<%os.t%>");
    let vars = "vars: { host: r.example, path: <%host%>/q, mine: <%os%>-x }";
    let layer = "vars: { path: q }\ninclude: [{ os: b/c, vars: { path: z } }]";
    let latest = "tags: [{ tag: latest, when: latest }, <%v%>]";
    let only = "tags: [{ tag: old, when: not latest }, { tag: new, when: latest }]";
    for (image, more, tags, wanted) in [
        ("q/<%os%>", "", tag, "a__1.0 a__1.1 b_c__1.0 b_c__1.1"),
        ("q/x-<%os%>-y", "", tag, "x-a-y__1.0 x-a-y__1.1 x-b_c-y__1.0 x-b_c-y__1.1"),
        ("<%os%>/q", "", tag, "a_q__1.0 a_q__1.1 b_c_q__1.0 b_c_q__1.1"),
        // What all cells have in common is left out, also if it is in vars.
        ("<%path%>/<%mine%>", vars, tag, "a-x__1.0 a-x__1.1 b_c-x__1.0 b_c-x__1.1"),
        ("<%path%>/app", vars, own, "1.0-x 1.1-x 1.0-y 1.1-y"),
        // A rule may set the var for some cells.
        ("<%path%>/app", layer, own, "q_app__1.0-x q_app__1.1-x z_app__1.0-y z_app__1.1-y"),
        // In one repository that all cells share, tags are enough.
        ("[q/<%os%>, q/all]", "", own, "1.0-x 1.1-x 1.0-y 1.1-y"),
        // A tag with a condition may move to another cell.
        ("q/<%os%>", "", latest, "a__1.0 a__1.1 b_c__1.0 b_c__1.1"),
        ("q/<%os%>", "", only, "a__old a__new b_c__old b_c__new"),
    ] {
        assert_eq!(named(image, more, tags), wanted, "{image} {more} {tags}");
    }
}

#[test]
fn flags_for_the_repository_and_the_prefix_do_not_change_a_name() {
    let matrix = super::matrix(
        "image: q/<%os%>\ntag: <%v%>\nplatforms: linux/amd64\naxes: { os: [a], v: [1.0, -rc] }\n\
         exclude: [{ v: -rc }]",
    );
    let named = |overrides: Overrides| {
        let selected = matrix.select(&Selection::default(), &overrides).unwrap();
        names(&selected.expand().unwrap().cells)
    };
    let images = vec!["other/b".parse().unwrap()];
    for overrides in [
        Overrides::default(),
        Overrides { images, ..Overrides::default() },
        Overrides { tag_prefix: "beta-".to_owned(), ..Overrides::default() },
    ] {
        assert_eq!(named(overrides), "a__1.0");
    }
    let matrix =
        super::matrix("image: q/a\ntag: -<%v%>\nplatforms: linux/amd64\naxes: { v: [1.0, 1.1] }");
    let overrides = Overrides { tag_prefix: "beta".to_owned(), ..Overrides::default() };
    let selected = matrix.select(&Selection::default(), &overrides).unwrap();
    assert_eq!(names(&selected.expand().unwrap().cells), "_-1.0 _-1.1");
}

/// A matrix with up to three axes, whose image and tags use some of them.
fn matrices() -> impl Strategy<Value = String> {
    let value = "[a-c]{1,2}((-|\\.|_|__|--|/)[ab1]{1,2}){0,2}";
    let axis = prop::collection::btree_set(value, 1..4);
    let image = prop::sample::select(vec![
        "q/a",
        "q/<%x%>",
        "<%x%>",
        "r.example:5000/<%x%>/app-<%y%>",
        "<%host%>/<%path%>",
        "[q/<%x%>-<%y%>, z/<%x%>]",
        "[q/<%x%>, z/all]",
    ]);
    // `u` is a property without characters that a tag cannot have.
    let tags = prop::sample::select(vec![
        "[<%y.u%>]",
        "[<%x.u%>-<%y.u%>]",
        "[<%y.u%>-<%x.u%>, <%x.u%>]",
        "[{ tag: latest, when: latest }, <%y.u%>]",
        "[{ tag: old, when: not latest }, { tag: new, when: latest }]",
        "[\"1\"]",
    ]);
    let more =
        prop::sample::select(vec!["", "exclude: [{ x: 'a*' }]", "include: [{ x: b, path: z }]"]);
    (axis.clone(), axis, image, tags, more).prop_map(|(x, y, image, tags, more)| {
        let listed = |values: &std::collections::BTreeSet<String>| {
            let value = |text: &String| format!("'{text}': {{ u: '{}' }}", text.replace('/', "."));
            values.iter().map(value).collect::<Vec<_>>().join(", ")
        };
        let more = more.replace(", path: z", ", vars: { path: z }");
        format!(
            "image: {image}\ntags: {tags}\nplatforms: linux/amd64\n\
             axes: {{ x: {{ {} }}, y: {{ {} }}, v: [1.0, 1.1] }}\n\
             vars: {{ host: r.example, path: <%x%> }}\n{more}\n",
            listed(&x),
            listed(&y),
        )
        .replace(", v: [1.0, 1.1]", if tags.contains("latest") { ", v: [1.0, 1.1]" } else { "" })
    })
}

fn called(cell: &Cell) -> Called {
    let cache = Cache::parse("type=registry,ref=r.example/cache").unwrap().remove(0);
    let cache = cache.of_cell(&cell.name).attributes["ref"].clone();
    (cell.name.to_string(), cache, dockerfile_name(&cell.name))
}

fn all(matrix: &Matrix, selection: &Selection, overrides: &Overrides) -> Option<Vec<Cell>> {
    Some(matrix.select(selection, overrides).ok()?.expand().ok()?.cells)
}

fn are_distinct(cells: &[Cell]) -> bool {
    let distinct = |of: fn(Called) -> String| {
        cells.iter().map(called).map(of).collect::<HashSet<_>>().len() == cells.len()
    };
    distinct(|called| called.0) && distinct(|called| called.1) && distinct(|called| called.2)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cell_has_the_same_name_cache_and_file_in_every_selection(
        text in matrices(),
        picks in prop::collection::vec((0..3_usize, any::<prop::sample::Index>()), 0..4),
        skips in prop::collection::vec((0..3_usize, any::<prop::sample::Index>()), 0..3),
        prefix in prop::sample::select(vec!["", "beta-"]),
        add in any::<bool>(),
    ) {
        let matrix = Matrix::parse(SourceFile::new("matrix.yaml", text.as_str()));
        let matrix = matrix.map_err(|errors| TestCaseError::reject(errors.to_string()))?;
        // The whole matrix may have two cells with one tag; its cells still have names.
        let whole = all(&matrix, &Selection::default(), &Overrides::default());
        let mut known: HashMap<String, Called> = HashMap::new();
        for cell in whole.iter().flatten() {
            let called = called(cell);
            prop_assert!(cell.name.parse::<Tag>().is_ok(), "{}", cell.name);
            let tag = called.1.rsplit(':').next().unwrap_or_default();
            prop_assert!(tag.parse::<Tag>().is_ok(), "{tag}");
            prop_assert!(called.2.len() < 256 && !called.2.contains('/'));
            known.insert(cell.describe(), called);
        }
        prop_assert!(are_distinct(whole.as_deref().unwrap_or_default()));
        for cell in whole.iter().flatten() {
            let names = vec![cell.name.to_string()];
            let overrides = Overrides::default();
            let selection = Selection { cells: names.clone(), ..Selection::default() };
            let selected = matrix.select(&selection, &overrides).and_then(|all| all.named(&names));
            let expansion = selected.and_then(|selected| selected.expand());
            let found = expansion.map_err(|errors| TestCaseError::fail(errors.to_string()))?.cells;
            let found: Vec<String> = found.iter().map(Cell::describe).collect();
            prop_assert_eq!(found, [cell.describe()]);
        }
        let axes = matrix.axes();
        let chosen = |list: &[(usize, prop::sample::Index)]| -> Vec<Pick> {
            let pick = |(axis, index): &(usize, prop::sample::Index)| {
                let axis = &axes[axis % axes.len()];
                Pick { axis: axis.name.to_string(), values: vec![index.get(&axis.values).text.to_string()] }
            };
            list.iter().map(pick).collect()
        };
        let has_versions = axes.iter().any(|axis| &*axis.name == "v");
        let add = if add && has_versions { vec![Pick::of("v", "1.2,1.0").unwrap()] } else { Vec::new() };
        let selection = Selection {
            only: chosen(&picks),
            skip: chosen(&skips),
            add,
            ..Selection::default()
        };
        for unnamed in [Unnamed::Everything, Unnamed::Defaults] {
            let selection = Selection { unnamed, ..selection.clone() };
            let overrides = Overrides { tag_prefix: prefix.to_owned(), ..Overrides::default() };
            let cells = all(&matrix, &selection, &overrides).unwrap_or_default();
            prop_assert!(are_distinct(&cells));
            for cell in &cells {
                let described = cell.describe();
                let is_added = described.ends_with("v=1.2");
                prop_assert!(is_added || whole.is_none() || known.contains_key(&described));
                let before = known.entry(described).or_insert_with(|| called(cell));
                prop_assert_eq!(&called(cell), before);
            }
        }
    }
}
