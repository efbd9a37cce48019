//! A run with every kind of outcome, for tests.

use std::time::Duration;

use crate::failure::{Kind, Phase};
use crate::image::{Digest, Reference};
use crate::outcome::{Built, CellResult, Failure, Outcome, Place};

pub(crate) fn mixed() -> Vec<Outcome> {
    let mut outcomes = vec![
        built("dood-2.0.11-ubuntu", 72_000, true),
        built("dood-2.0.11-ubuntu-cn", 58_300, true),
        failed("dood-2.0.11-centos", exit_code()),
        built("dood-2.0.11-alpine", 26, false),
        failed("dood-2.0.11-alpine-cn", refused()),
    ];
    for result in [CellResult::Cancelled, CellResult::NotStarted("another cell failed")] {
        outcomes.push(outcome("dood-2.0.11-centos-cn", result, 0));
    }
    outcomes
}

pub(crate) fn built(cell: &str, millis: u64, push: bool) -> Outcome {
    let mut built = outcome(cell, CellResult::NotStarted("another cell failed"), millis);
    let pushed = if push { vec![reference(cell)] } else { Vec::new() };
    built.result = CellResult::Built(Built {
        digest: Some(Digest::of(cell.as_bytes())),
        pushed,
        cached_steps: 7,
        total_steps: 12,
        ..Built::default()
    });
    built
}

pub(crate) fn reference(cell: &str) -> Reference {
    format!("127.0.0.1:5000/caijiamx/1panel:{cell}").parse().unwrap()
}

pub(crate) fn failed(cell: &str, failure: Failure) -> Outcome {
    outcome(cell, CellResult::Failed(Box::new(failure)), 44_000)
}

pub(crate) fn outcome(cell: &str, result: CellResult, millis: u64) -> Outcome {
    Outcome {
        cell: cell.into(),
        platforms: ["linux/amd64", "linux/arm64"].map(|p| p.parse().unwrap()).into(),
        result,
        elapsed: Duration::from_millis(millis),
    }
}

/// A `RUN` that failed, with all details.
pub(crate) fn exit_code() -> Failure {
    Failure {
        message: "exit code 1".to_owned(),
        kind: Kind::Command { exit_code: 1 },
        phase: Phase::Build,
        verbatim: None,
        platform: Some("linux/arm64".parse().unwrap()),
        stage: Some("packages".to_owned()),
        place: Some(Place {
            file: "templates/centos/Dockerfile".to_owned(),
            line: 14,
            text: "RUN dnf -y install <%packages%>".to_owned(),
        }),
        instruction: Some("RUN dnf -y install supervisor".to_owned()),
        exit_code: Some(1),
        elapsed: Some(Duration::from_millis(41_200)),
        log_tail: vec![
            "Error: Failed to download metadata for repo 'appstream'".to_owned(),
            "Status code: 503 for http://127.0.0.1/repodata/repomd.xml".to_owned(),
        ],
        help: None,
        pushed: Vec::new(),
        retry_pattern: None,
        earlier: Vec::new(),
        is_interrupted: false,
    }
}

/// A failure without an instruction.
pub(crate) fn refused() -> Failure {
    Failure {
        message: "the registry at 127.0.0.1:5000 refused the connection".to_owned(),
        help: Some("is it running? docker ps should list it".to_owned()),
        ..Failure::default()
    }
}
