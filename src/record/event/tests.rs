use std::time::Duration;

use serde_json::Value;

use super::samples::{HOSTILE, head};
use super::schema::{faults, valid};
use super::*;
use crate::cell_name::CellName;
use crate::event::{self, StepId, Wait, Warning};
use crate::failure::Kind;
use crate::outcome::{self, Outcome, SmokeResult};

/// Every event that is recorded, with `text` wherever text can be.
fn events(text: &str) -> Vec<event::Event> {
    let cell = || CellName::from("v1");
    let owned = || text.to_owned();
    let step = |state| event::Step {
        id: StepId(7),
        name: owned(),
        platform: Some("linux/arm64".parse().unwrap()),
        stage: Some(owned()),
        position: Some((1, 2)),
        is_output: true,
        state,
    };
    let took = Duration::from_millis(1_234);
    let mut events = vec![
        event::Event::CellStarted { cell: cell() },
        event::Event::Waiting {
            cell: cell(),
            step: StepId(7),
            wait: Wait { host: owned(), what: owned(), since: took },
        },
        event::Event::Answered { cell: cell(), step: StepId(7) },
        event::Event::Cancelling,
    ];
    let states = [
        event::StepState::Running,
        event::StepState::Cached,
        event::StepState::Done { took },
        event::StepState::Failed { took },
        event::StepState::Cancelled,
    ];
    events.extend(states.map(|state| event::Event::Step { cell: cell(), step: step(state) }));
    for file in [None, Some(owned())] {
        let warning = Warning { url: file.clone(), line: None, file, message: owned() };
        events.push(event::Event::Warning { cell: cell(), warning });
    }
    let failure = outcome::Failure {
        kind: Kind::Command { exit_code: 3 },
        message: owned(),
        verbatim: Some(owned()),
        stage: Some(owned()),
        place: Some(outcome::Place { file: owned(), line: 4, text: owned() }),
        instruction: Some(owned()),
        exit_code: Some(3),
        help: Some(owned()),
        ..outcome::Failure::default()
    };
    let pushed = outcome::Built {
        pushed: vec!["me/app:1".parse().unwrap()],
        unverified: Some(owned()),
        smoke: SmokeResult::Passed { took },
        ..outcome::Built::default()
    };
    let results = [
        outcome::CellResult::Built(outcome::Built::default()),
        outcome::CellResult::Built(pushed),
        outcome::CellResult::Failed(Box::new(failure)),
        outcome::CellResult::Failed(Box::default()),
        outcome::CellResult::NotStarted(""),
        outcome::CellResult::Cancelled,
    ];
    events.extend(results.map(|result| {
        let platforms = Vec::new();
        event::Event::CellFinished(Outcome { cell: cell(), platforms, result, elapsed: took })
    }));
    events
}

#[test]
fn every_line_is_of_the_schema_and_is_read_back_whatever_the_text() {
    let schema: Value = serde_json::from_str(include_str!("../../../run.schema.json")).unwrap();
    for text in HOSTILE {
        let head = head(text);
        let line = serde_json::to_string(&head).unwrap();
        assert_eq!(line.lines().count(), 1, "{line:?}");
        valid(&schema, &serde_json::from_str(&line).unwrap());
        assert_eq!(serde_json::from_str::<RunHead>(&line).unwrap(), head);

        let cell = Cell {
            cell: (*text).to_owned(),
            axes: [((*text).to_owned(), (*text).to_owned())].into(),
            references: vec![(*text).to_owned()],
            ..Cell::default()
        };
        let end = RunFinished {
            exit_code: 130,
            elapsed: Duration::from_millis(1_001),
            totals: Totals { cells: 2, failed: 1, ..Totals::default() },
        };
        let recorded = events(text).into_iter().map(|event| Event::of(&event).unwrap());
        let recorded = recorded.chain([Event::Cell(cell), Event::RunFinished(end)]);
        for (seq, event) in (1..).zip(recorded) {
            let line = Line { seq, time: Timestamp::now(), event };
            let text = serde_json::to_string(&line).unwrap();
            assert_eq!(text.lines().count(), 1, "{text:?}");
            valid(&schema, &serde_json::from_str(&text).unwrap());
            assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
        }
    }
}

#[test]
fn a_long_text_is_shortened() {
    for event in events(&"x".repeat(100 << 10)) {
        let event = Event::of(&event).unwrap();
        assert!(serde_json::to_string(&event).unwrap().len() < 64 << 10);
    }
}

#[test]
fn the_schema_refuses_what_is_not_recorded() {
    let schema: Value = serde_json::from_str(include_str!("../../../run.schema.json")).unwrap();
    for line in [
        r#"{}"#,
        r#"{"seq":1,"time":"2026-11-28T18:10:44.120Z","type":"cell-started"}"#,
        r#"{"seq":0,"time":"2026-11-28T18:10:44.120Z","type":"cancelling"}"#,
        r#"{"seq":1,"time":"yesterday","type":"cancelling"}"#,
        r#"{"seq":1,"time":"2026-11-28T18:10:44.120Z","type":"cell-started","cell":7}"#,
        r#"{"seq":1,"time":"2026-11-28T18:10:44.120Z","type":"cell-started","cell":"a","more":1}"#,
    ] {
        let value = serde_json::from_str(line).unwrap();
        assert!(faults(&schema, &value).is_some(), "{line}");
    }
}
