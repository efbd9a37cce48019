//! What BuildKit says when a registry fails, as a contract: `tests/fixtures/phrases` holds what the
//! supported engines say, and a unit test checks how each line is classified. Here each failure is
//! provoked again; an engine that says something else fails the test.

mod list; // the failures
mod provoke; // one of them, provoked
mod stable; // texts that are the same in each run

pub(crate) use provoke::base_image;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use futures::StreamExt as _;

use crate::support::lab_builder;
use list::{Provoked, everything};
use provoke::provoke;

/// Names the directory that `tests/lab/phrases` records to.
const RECORD: &str = "ONEBUILD_PHRASES";

/// Solves at the same time: most of them wait for BuildKit's next attempt.
const AT_ONCE: usize = 24;

/// What the engine said.
struct Said {
    phase: String,
    kind: String,
    text: String,
}

/// The lines of all recorded engines: name, phase, kind, text.
fn recorded() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/phrases");
    let files = fs::read_dir(folder).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[tokio::test]
async fn the_engine_says_what_is_recorded_when_a_registry_fails() {
    let (facts, builder) = lab_builder().await;
    let all = everything();
    let builder = &builder;
    let said: Vec<_> = futures::stream::iter(&all)
        .map(|provoked| async move { (provoked, provoke(builder, provoked).await) })
        .buffered(AT_ONCE)
        .collect()
        .await;
    builder.close().await;
    let line = |(provoked, said): &(&Provoked, Said)| {
        format!("{}\t{}\t{}\t{}", provoked.name, said.phase, said.kind, said.text)
    };
    if let Ok(folder) = std::env::var(RECORD) {
        let file = Path::new(&folder).join(format!("{}.txt", facts.version));
        // Some failures are worded in one of several ways: what is there already stays.
        let before = fs::read_to_string(&file).unwrap_or_default();
        let mut lines: BTreeSet<String> = before.lines().map(str::to_owned).collect();
        lines.extend(said.iter().map(line));
        let lines: Vec<String> = lines.into_iter().collect();
        fs::write(file, lines.join("\n") + "\n").unwrap();
    }
    let recorded = recorded();
    let mut wrong = String::new();
    for one in &said {
        let (provoked, said) = one;
        let line = line(one);
        // What a name server says is up to the machine.
        let by_machine = provoked.name.ends_with("unknown host");
        if !recorded.contains(&line) && !by_machine {
            writeln!(wrong, "not recorded: {line}").unwrap();
        }
        if !provoked.is_kind(&said.kind) || said.phase != provoked.phase {
            writeln!(wrong, "not a {} of a {}: {line}", provoked.kind, provoked.phase).unwrap();
        }
    }
    let version = facts.version;
    assert!(wrong.is_empty(), "Docker {version}: see tests/lab/phrases\n{wrong}");
}
