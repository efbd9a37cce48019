//! Strategy matrices and bake files.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bake::Bake;
use super::github::Strategy;
use super::*;
use crate::error::SourceFile;
use crate::input::{Cache, NamedContext, Network, SecretSource};
use crate::matrix::{Cell, Matrix, Overrides, Pick, Selection};
use crate::plan::BuildRequest;
use crate::template::Rendered;
use crate::text::{Paint, width};

fn matrix(axes: &str, tag: &str) -> Matrix {
    let text = format!("image: me/app\ntag: \"{tag}\"\nplatforms: linux/amd64\naxes: {axes}\n");
    Matrix::parse(SourceFile::new("matrix.yaml", text)).unwrap()
}

fn cells(matrix: &Matrix, only: &[&str], add: &[&str]) -> Vec<Cell> {
    let picks = |texts: &[&str]| texts.iter().map(|text| Pick::parse(text).unwrap()).collect();
    let selection = Selection { only: picks(only), add: picks(add), ..Default::default() };
    let overrides = Overrides::default();
    matrix.select(&selection, &overrides).unwrap().expand().unwrap().cells
}

fn jobs(strategy: &Strategy) -> Vec<Value> {
    assert_eq!(strategy.json.lines().count(), 1, "it must fit on one line");
    let value: Value = serde_json::from_str(&strategy.json).unwrap();
    assert_eq!(value.as_object().unwrap().len(), 1, "any other key would be an axis");
    value["include"].as_array().unwrap().clone()
}

/// The cells that a job builds, with its flags split as by a shell.
fn built(matrix: &Matrix, args: &str) -> Vec<String> {
    let words: Vec<&str> = args.split_whitespace().collect();
    let (mut only, mut add) = (Vec::new(), Vec::new());
    for pair in words.chunks(2) {
        match pair {
            ["--only", value] => only.push(*value),
            ["--add", value] => add.push(*value),
            other => panic!("{other:?}"),
        }
    }
    cells(matrix, &only, &add).iter().map(|cell| cell.name.to_string()).collect()
}

#[test]
fn every_cell_is_built_by_one_job() {
    let family =
        matrix("{ os: [a, b], version: 1.0..1.3, type: [x, y] }", "<%os%>-<%version%>-<%type%>");
    let long = matrix("{ n: 1..1000, os: [a, b] }", "<%os%>-<%n%>");
    let many = matrix("{ a: 1..20, b: 1..30, c: 1..3 }", "<%a%>-<%b%>-<%c%>");
    let small = matrix("{ os: [a], one: 1..600 }", "<%os%>-<%one%>");
    let by = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (matrix, only, add, group, count, sentence) in [
        (&family, &[][..], &[][..], by(&[]), 16, "16 cells in 16 jobs"),
        (&family, &[], &[], by(&["os"]), 2, "16 cells in 2 jobs, grouped by os"),
        (
            &family,
            &["type=x"],
            &[],
            by(&["os", "version"]),
            8,
            "8 cells in 8 jobs, grouped by os and version",
        ),
        (
            &family,
            &["os=a", "version=>=1.2"],
            &[],
            by(&["type"]),
            2,
            "4 cells in 2 jobs, grouped by type",
        ),
        (
            &family,
            &["version=1.3"],
            &["version=2.0-rc"],
            by(&["os"]),
            2,
            "8 cells in 2 jobs, grouped by os",
        ),
        (
            &many,
            &[],
            &[],
            by(&[]),
            90,
            "1800 cells in 90 jobs, grouped by b and c (GitHub allows at most 256 jobs)",
        ),
        (
            &long,
            &[],
            &[],
            by(&[]),
            250,
            "2000 cells in 250 jobs, grouped by n, 4 values to a job (GitHub allows at most 256 jobs)",
        ),
        (&long, &[], &[], by(&["os"]), 2, "2000 cells in 2 jobs, grouped by os"),
        (
            &small,
            &[],
            &[],
            by(&[]),
            200,
            "600 cells in 200 jobs, grouped by one, 3 values to a job (GitHub allows at most 256 jobs)",
        ),
    ] {
        let wanted = cells(matrix, only, add);
        let strategy = github(matrix, &wanted, &group).unwrap();
        let jobs = jobs(&strategy);
        assert_eq!((jobs.len(), strategy.grouping.as_str()), (count, sentence));
        let mut made: Vec<String> = jobs
            .iter()
            .flat_map(|job| {
                let names = built(matrix, job["args"].as_str().unwrap());
                assert_eq!(job["cells"], names.len(), "{job}");
                // A job of one cell can also be built by its name.
                let cell = (names.len() == 1).then(|| names[0].as_str());
                assert_eq!(job["cell"].as_str(), cell, "{job}");
                names
            })
            .collect();
        let mut wanted: Vec<String> = wanted.iter().map(|cell| cell.name.to_string()).collect();
        made.sort();
        wanted.sort();
        assert_eq!(made, wanted, "{sentence}");
    }
}

#[test]
fn a_cell_added_by_include_is_built_by_one_job_too() {
    let text = "image: me/app\ntag: <%os%>-<%version%>-<%type%>\nplatforms: linux/amd64\n\
                axes: { os: [a, b], version: 1.0..1.2, type: [x, y] }\n\
                exclude: [{ os: b, version: '1.1' }]\n\
                include: [{ os: c, version: 2.0-rc, type: x }, { os: b, version: 1.1, type: y }]\n";
    let matrix = Matrix::parse(SourceFile::new("matrix.yaml", text)).unwrap();
    let wanted = cells(&matrix, &[], &[]);
    assert_eq!(wanted.len(), 12);
    for by in [&["os"][..], &["version"], &["type"], &[], &["os", "type"]] {
        let by: Vec<String> = by.iter().map(|name| (*name).to_owned()).collect();
        let mut made = Vec::new();
        for job in jobs(&github(&matrix, &wanted, &by).unwrap()) {
            let names = built(&matrix, job["args"].as_str().unwrap());
            assert_eq!(job["cells"], names.len(), "{job}");
            made.extend(names);
        }
        made.sort();
        let mut names: Vec<String> = wanted.iter().map(|cell| cell.name.to_string()).collect();
        names.sort();
        assert_eq!(made, names, "{by:?}");
    }
}

#[test]
fn a_job_describes_its_cells() {
    let matrix = matrix("{ os: [a, b], version: 1.0..1.1 }", "<%os%>-<%version%>");
    let strategy = github(&matrix, &cells(&matrix, &["os=a"], &[]), &["os".to_owned()]).unwrap();
    assert_eq!(
        jobs(&strategy),
        [json!({
            "name": "a",
            "args": "--only os=a",
            "axes": { "os": "a" },
            "cells": 2,
            "platforms": "linux/amd64",
        })]
    );
}

#[test]
fn a_value_with_special_characters_is_refused_and_an_unknown_axis_is_wrong_usage() {
    for value in ["a b", "a,b", "a*", "$(x)", ">=1", "-x", "a;b", "é"] {
        let matrix = matrix(&format!("{{ os: {{ '{value}': {{ t: a }} }} }}"), "<%os.t%>");
        let error = github(&matrix, &cells(&matrix, &[], &[]), &[]).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        assert!(error.render(false).contains("as a single word"), "{value}");
    }
    let matrix = matrix("{ os: [a, b] }", "<%os%>");
    let error = github(&matrix, &cells(&matrix, &[], &[]), &["oz".to_owned()]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.render(false).contains("did you mean `os`?"));
}

fn request(cell: &str, dockerfile: &str) -> BuildRequest {
    let mut request = BuildRequest::sample(cell);
    request.recipe.dockerfile = Arc::new(Rendered::verbatim("Dockerfile", dockerfile));
    request.recipe.platforms =
        ["linux/amd64", "linux/arm64"].map(|one| one.parse().unwrap()).into();
    request
}

fn pairs<K, T>(items: impl IntoIterator<Item = (&'static str, T)>) -> indexmap::IndexMap<K, T>
where
    K: From<&'static str> + std::hash::Hash + Eq,
{
    items.into_iter().map(|(key, value)| (key.into(), value)).collect()
}

#[test]
fn a_target_contains_everything_of_its_request() {
    let mut one = request("1.0-a", "FROM a\n");
    one.recipe.inputs.args = pairs([("A", "${x}".into())]);
    one.recipe.inputs.labels = pairs([("l", "%{y}".into())]);
    one.recipe.inputs.annotations = pairs([("k", "a=b".into())]);
    one.recipe.inputs.target = Some("final".into());
    one.recipe.inputs.bases =
        pairs([("docker.io/library/ubuntu:latest", "m.example/u:1".parse().unwrap())]);
    one.recipe.inputs.contexts = pairs([
        ("files", NamedContext::Folder("../f".into())),
        ("git", NamedContext::Url("https://x.example/a.git".to_owned())),
    ]);
    one.recipe.inputs.secrets = pairs([
        ("s", SecretSource::File("a,b".into()).into()),
        ("e", SecretSource::Variable("E".to_owned()).into()),
    ]);
    one.recipe.inputs.ssh = pairs([("default", vec![]), ("k", vec!["/s".into()])]);
    one.recipe.inputs.network = Some(Network::Host);
    let registry = Cache {
        kind: "registry".to_owned(),
        attributes: pairs([("ref", "m.example/c:1".to_owned()), ("mode", "max".to_owned())]),
    };
    one.policy.caches.to = vec![registry.clone()];
    one.policy.caches.from = vec![registry];
    (one.policy.no_cache, one.policy.pull) = (true, true);
    let requests = [one];
    let bake = bake(&requests);
    assert_eq!(bake.notes.len(), 1, "the host network needs a flag: {:?}", bake.notes);
    let file: Value = serde_json::from_str(&written(&bake)).unwrap();
    assert_eq!(
        file,
        json!({
            "group": { "default": { "targets": ["1_0-a"] } },
            "target": { "1_0-a": {
                "cell": "1.0-a",
                "context": ".",
                "dockerfile-inline": "FROM a\n",
                "tags": ["docker.io/me/app:1"],
                "platforms": ["linux/amd64", "linux/arm64"],
                "args": { "A": "$${x}" },
                "labels": { "l": "%%{y}" },
                "annotations": ["manifest,index:k=a=b"],
                "target": "final",
                "contexts": {
                    "ubuntu": "docker-image://m.example/u:1",
                    "files": "../f",
                    "git": "https://x.example/a.git",
                },
                "secret": ["id=s,\"src=a,b\"", "id=e,env=E"],
                "ssh": ["default", "k=/s"],
                "cache-from": ["type=registry,ref=m.example/c:1,mode=max"],
                "cache-to": ["type=registry,ref=m.example/c:1,mode=max"],
                "network": "host",
                "output": ["type=image,oci-mediatypes=true"],
                "no-cache": true,
                "pull": true,
                "attest": ["type=provenance,disabled=true"],
            } },
        })
    );
}

#[test]
fn target_names_are_unique_and_a_note_names_what_a_file_cannot_express() {
    let mut odd = request("a_b", "FROM a\n");
    odd.recipe.dockerignore = Some(SourceFile::new("i", "x"));
    let requests = [request("a.b", "FROM a\n"), odd, request("a:b", "FROM a\n")];
    let bake = bake(&requests);
    let file: Value = serde_json::from_str(&written(&bake)).unwrap();
    let names: Vec<_> = file["target"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["a_b", "a_b_", "a_b__"]);
    assert_eq!(bake.notes.len(), 1);
    assert!(bake.notes[0].starts_with("a_b: "), "{:?}", bake.notes);
}

#[test]
fn control_characters_are_escaped() {
    assert_eq!(
        escaped("{\"a\":\"\u{9b}\u{7f}\u{202e}é\"}\n"),
        "{\"a\":\"\\u009b\\u007f\\u202eé\"}\n"
    );
}

#[test]
fn a_row_may_be_wider_than_a_format_string_can_pad() {
    const MOST_PADDED: usize = u16::MAX as usize;
    let tags: Vec<String> = (0..4000).map(|n| format!("a-tag-of-some-length-{n}")).collect();
    let text = format!(
        "image: me/app\ntags: [{}]\nplatforms: linux/amd64\naxes: {{ v: [1, 2] }}\n",
        tags.join(", ")
    );
    let text =
        text.replace("a-tag-of-some-length-0,", "first-<%v%>,").replace("length-", "length-<%v%>-");
    let matrix = Matrix::parse(SourceFile::new("matrix.yaml", text)).unwrap();
    let table = table(&cells(&matrix, &[], &[]), None, Paint::default());
    let lines: Vec<&str> = table.text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].len() > MOST_PADDED && lines[1].ends_with("-1-3999"));
    assert!(lines.iter().all(|line| !line.ends_with(' ')));
}

#[test]
fn a_row_is_as_wide_as_the_terminal_at_most_and_keeps_the_tag() {
    let text = "\
image: [ghcr.io/a-long-owner/a-long-name, me/app]
tags: [<%os%>-1.0, <%os%>]
platforms: [linux/amd64, linux/arm64]
axes: { os: [ubuntu-24.04, alpine] }
dockerfile: templates/<%os%>/Dockerfile
";
    let matrix = Matrix::parse(SourceFile::new("matrix.yaml", text)).unwrap();
    let cells = cells(&matrix, &[], &[]);
    let whole = table(&cells, None, Paint::default());
    assert!(!whole.is_shortened && whole.text.lines().any(|line| line.len() > 200));
    assert_eq!(table(&cells, Some(300), Paint::default()), whole);
    let shown = |columns| {
        let table = table(&cells, Some(columns), Paint::default());
        assert!(table.is_shortened);
        table.text
    };
    for columns in 36..200 {
        let text = shown(columns);
        let widest = text.lines().map(width).max().unwrap();
        assert!(widest <= columns, "{widest} of {columns}:\n{text}");
    }
    assert_eq!(
        shown(80),
        "\
cell              images
ubuntu-24.04-1.0  ghcr.io/a-long-owner/a-long-name:ubuntu-24.04-1.0 +3
alpine-1.0        ghcr.io/a-long-owner/a-long-name:alpine-1.0 +3
"
    );
    assert_eq!(
        shown(40),
        "\
cell              images
ubuntu-24.04-1.0  …e:ubuntu-24.04-1.0 +3
alpine-1.0        …ng-name:alpine-1.0 +3
"
    );
    assert_eq!(counts(&cells), "2 cells, 8 images, 2 platforms");
    assert_eq!(counts(&cells[..1]), "1 cell, 4 images, 2 platforms");
}

fn written(bake: &Bake<'_>) -> String {
    let mut out = Vec::new();
    bake.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}
