//! Compares the tables of `docs/engines.md` with what the code decides.

use std::num::NonZeroUsize;

use super::abilities::{self, Ability};
use super::{NodeFacts, Product, Store};
use crate::docker::EngineVersion;

const PAGE: &str = include_str!("../../docs/engines.md");

/// The API version of each Docker Engine in the table.
const APIS: [(&str, &str); 4] =
    [("26.1", "1.45"), ("28.5", "1.51"), ("29", "1.53"), ("older image store", "1.51")];

/// The row of each ability.
const ROWS: [(&str, Ability); 8] = [
    ("push", Ability::Push),
    ("several platforms in one image", Ability::Platforms),
    ("`--output type=oci` and `type=docker`", Ability::Archives),
    ("annotations", Ability::Annotations),
    ("attestations, `--provenance`", Ability::Attestations),
    ("caches of the types `registry` and `local`", Ability::Caches),
    ("`oci-layout://` as a named context", Ability::Layouts),
    ("BuildKit's own checks, in `lint` and `build`", Ability::Lint),
];

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

/// The rows of the table whose head begins with this cell, its head first.
fn table(first: &str) -> Vec<Vec<&'static str>> {
    let start = format!("| {first} |");
    let lines = PAGE.lines().skip_while(|line| !line.starts_with(&start));
    let rows = lines.take_while(|line| line.starts_with('|')).map(cells);
    rows.filter(|row| row[0] != "---").collect()
}

fn engine(column: &str) -> EngineVersion {
    let (_, api) = APIS.iter().find(|(name, _)| *name == column).expect("a known column");
    EngineVersion { version: column.to_owned(), api: (*api).to_owned(), is_podman: false }
}

fn facts(product: Product, column: &str) -> NodeFacts {
    let (store, has_lint) = match product {
        Product::DockerEngine if column == "older image store" => (Store::Docker, true),
        Product::DockerEngine => (Store::Containerd, abilities::has_lint(&engine(column))),
        Product::Buildkitd => (Store::None, abilities::buildkitd_has_lint(column)),
    };
    NodeFacts {
        product,
        version: column.to_owned(),
        cores: NonZeroUsize::MIN,
        store,
        has_lint,
        platforms: vec!["linux/amd64".parse().expect("a platform")],
    }
}

#[test]
fn the_page_says_of_each_engine_what_the_code_decides() {
    for (first, product) in
        [("Docker Engine", Product::DockerEngine), ("buildkitd", Product::Buildkitd)]
    {
        let rows = table(first);
        let (head, rows) = rows.split_first().expect("the page has this table");
        for (name, ability) in ROWS {
            let row = rows.iter().find(|row| row[0] == name).expect(name);
            for (column, cell) in head.iter().zip(row).skip(1) {
                let word = if facts(product, column).has(ability) { "yes (" } else { "no (" };
                assert!(cell.starts_with(word), "{first} {column}, {name}: {cell}");
            }
        }
    }
}

#[test]
fn the_page_says_how_each_docker_engine_is_reached() {
    let rows = table("Docker Engine");
    let row = rows.iter().find(|row| row[0].starts_with("gRPC on the engine's own")).unwrap();
    for (column, cell) in rows[0].iter().zip(row).skip(1).take(3) {
        let has = abilities::has_grpc(&engine(column));
        assert!(cell.starts_with(if has { "yes" } else { "no" }), "{column}: {cell}");
    }
}

#[test]
fn every_claim_of_the_page_names_the_version_that_it_was_tried_on() {
    for first in ["Docker Engine", "buildkitd"] {
        let rows = table(first);
        assert!(rows.len() > ROWS.len(), "{rows:?}");
        for (row, cell) in
            rows[1..].iter().flat_map(|row| row[1..].iter().map(move |cell| (row, cell)))
        {
            let tried = cell.split_once(" (").and_then(|(_, rest)| rest.strip_suffix(')'));
            let is_known = tried.is_some_and(|tried| {
                tried == "not tried" || tried.starts_with(|c: char| c.is_ascii_digit())
            });
            assert!(is_known || cell.is_empty(), "{}: {cell}", row[0]);
        }
    }
}
