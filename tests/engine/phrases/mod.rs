//! BuildKit's error messages for registry failures: `tests/fixtures/phrases` contains those of the
//! supported engines, and a unit test checks how each line is classified. This test provokes each
//! failure again, and fails if an engine's message differs.

mod list; // the failures
mod provoke; // provokes one of them
mod stable; // messages without parts that vary

pub(crate) use provoke::base_image;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use futures::StreamExt as _;

use crate::support::lab_builder;
use list::{Provoked, everything};
use provoke::provoke;

/// The directory for the results of `tests/lab/phrases`.
const RECORD: &str = "ONEBUILD_PHRASES";

/// Concurrent solves: most of them wait for BuildKit's next attempt.
const AT_ONCE: usize = 24;

/// The engine's message.
struct Said {
    phase: String,
    kind: String,
    text: String,
}

/// The lines of all recorded engines: name, phase, kind, message.
fn recorded() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/phrases");
    let files = fs::read_dir(folder).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[tokio::test]
async fn the_engines_messages_for_registry_failures_are_recorded() {
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
        // Some failures have one of several messages: existing lines are kept.
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
        // The message of a name server depends on the machine.
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
